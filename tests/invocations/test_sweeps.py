"""What never came back ends truthfully, and what may have been missed is rung again."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.invocations import limits, tasks
from assistant.invocations.models import Invocation, Rollout, Target
from assistant.invocations.operations.apart import all_or_each
from assistant.invocations.operations.deliveries import ring_unheard
from assistant.invocations.operations.runs import run_command
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue, release_stragglers, repair_counters
from assistant.invocations.rules.plans import Timing
from assistant.invocations.rules.rollouts import RolloutTerms, Share
from assistant.invocations.rules.terms import Terms
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import blackout, fetch, fresh, planned, ran, report, started, target_of

pytestmark = pytest.mark.django_db


def sweep(since=None, **later):
    """As much later as is said: than now, or than an earlier moment."""
    return end_overdue(SYSTEM, now=(since or timezone.now()) + timedelta(**later))


def seen(instance, **ago):
    Instance.objects.filter(pk=instance.pk).update(last_seen_at=timezone.now() + timedelta(**ago))


@pytest.mark.parametrize(
    ("heard", "code"),
    [({"minutes": 2}, "DeliveryTimeout"), ({"minutes": -9}, "ClientNotOnline")],
)
def test_a_run_that_no_agent_fetched(olga, heard, code):
    target = target_of(ran(olga))
    seen(target.instance, **heard)

    sweep(seconds=61)

    assert (fresh(target).status, target.error_code) == ("Aborted", code)
    assert target.presumed
    assert fresh(target.invocation).status == "Failed"


def test_a_run_waits_its_minute(olga):
    target = target_of(ran(olga))

    sweep(since=target.invocation.created_at, seconds=59)

    assert fresh(target).status == "Pending"


def test_a_run_that_an_agent_took_and_said_nothing_of(olga):
    target = target_of(ran(olga))
    fetch(target)
    seen(target.instance, minutes=2)

    sweep(seconds=121)

    assert (fresh(target).status, target.error_code) == ("Aborted", "ClientNotResponse")


@pytest.mark.parametrize("others", [1, 10])
def test_a_run_behind_others_waits_on(olga, others):
    instance = InstanceFactory()
    for _ in range(others):
        started(target_of(ran(olga, instance, timeout=3600)))
    waiting = target_of(ran(olga, instance))
    fetch(waiting)
    seen(instance, minutes=2)

    sweep(seconds=121)

    assert fresh(waiting).status == "Pending"


@pytest.mark.parametrize(("later", "status"), [(119, "Running"), (125, "Timeout")])
def test_a_run_whose_agent_is_gone_ends_a_minute_after_its_timeout(olga, later, status):
    target = started(target_of(ran(olga, timeout=60)))

    sweep(since=target.started_at, seconds=later)

    assert fresh(target).status == status


@pytest.mark.parametrize(("later", "status"), [(23, "Stopping"), (25, "Terminated")])
def test_a_stop_that_nobody_confirms_ends_after_a_day(olga, later, status):
    invocation = ran(olga, timeout=86400)
    target = started(target_of(invocation))
    stop_invocation(olga, invocation)

    sweep(hours=later)

    assert fresh(target).status == status


def test_a_sweep_takes_a_batch_and_says_so(olga, settings):
    ran(olga, *InstanceFactory.create_batch(3))

    assert sweep(hours=1) == 3
    assert sweep(hours=1) == 0


def test_the_release_of_an_instance_ends_its_runs_in_the_same_transaction(olga):
    waiting, running = target_of(ran(olga)), None
    running = started(target_of(ran(olga, waiting.instance)))
    ended = target_of(ran(olga, waiting.instance))
    report(ended)

    deregister_managed_instance(olga, waiting.instance)

    assert [fresh(one).status for one in (waiting, running, ended)] == ["Aborted", "Aborted", "Success"]
    assert {waiting.error_code, running.error_code} == {"InstanceReleased"}
    # The agent may have ended the command meanwhile, but its word comes with a key that is refused.
    assert not waiting.presumed


def test_a_run_begun_in_the_moment_of_the_release_ends_with_the_next_look(olga):
    target = target_of(ran(olga))
    Instance.objects.filter(pk=target.instance_id).update(released_at=timezone.now())

    assert release_stragglers(SYSTEM, now=timezone.now()) == 1

    assert (fresh(target).status, target.error_code) == ("Aborted", "InstanceReleased")


def test_connected_agents_that_did_not_fetch_are_rung_again(olga, bell):
    target, away = target_of(ran(olga)), target_of(ran(olga))
    Instance.objects.filter(pk=away.instance_id).update(channel="")

    assert ring_unheard(SYSTEM, now=timezone.now() + timedelta(seconds=11)) == 1
    assert bell.kicks == {target.instance_id: "kick_vm"}


def test_who_was_rung_a_moment_ago_is_left_in_peace(olga, bell):
    invocation = ran(olga)

    assert ring_unheard(SYSTEM, now=invocation.created_at + timedelta(seconds=9)) == 0


def test_counters_that_are_wrong_are_repaired(olga):
    invocation = ran(olga)
    report(target_of(invocation))
    Invocation.objects.filter(pk=invocation.pk).update(
        n_pending=1, n_success=0, status="Pending", finished_at=None
    )

    assert repair_counters(SYSTEM, invocation, now=timezone.now()) is True

    assert (fresh(invocation).status, invocation.n_success, invocation.n_pending) == ("Success", 1, 0)
    assert repair_counters(SYSTEM, invocation, now=timezone.now()) is False


# --- What cannot be read ---


@pytest.fixture
def unreadable(olga):
    """A plan whose zone is known no more."""
    plan = planned(olga, frequency="0 0 12 * * ? * Europe/Berlin")
    Invocation.objects.filter(pk=plan.pk).update(frequency="0 0 12 * * ? * Europe/Gone")
    return target_of(plan)


def stepwise(principal):
    """A run of two that goes out one by one."""
    instances = InstanceFactory.create_batch(2)
    return run_command(
        principal,
        instances[0].region,
        Script(content="echo hi"),
        targets=Instance.objects.filter(pk__in=[instance.pk for instance in instances]),
        timing=Timing(terms=Terms(rollout=RolloutTerms(Share(1)))),
    )


def test_a_row_that_cannot_be_read_keeps_no_other_one_waiting(olga, unreadable, caplog):
    others = [target_of(ran(olga)) for _ in range(4)]
    Target.objects.update(due_at=timezone.now() - timedelta(seconds=5))

    tasks.sweep()

    assert {fresh(other).status for other in others} == {"Aborted"}
    assert (fresh(unreadable).status, unreadable.due_at > timezone.now()) == ("Scheduled", True)
    [said] = [record for record in caplog.records if record.exc_info]
    assert said.getMessage() == f"Left out target={unreadable.pk}"


def test_rows_that_cannot_be_read_do_not_come_first_for_ever(olga, unreadable, monkeypatch):
    monkeypatch.setattr(limits, "SWEEP_BATCH", 1)
    other = target_of(ran(olga))
    early = timezone.now() - timedelta(hours=2)
    Target.objects.filter(pk=unreadable.pk).update(due_at=early)
    Target.objects.filter(pk=other.pk).update(due_at=early + timedelta(hours=1))

    tasks.sweep()

    assert fresh(other).status == "Aborted"


def test_plans_are_held_beside_one_that_cannot_be_read(olga, unreadable):
    plan = target_of(planned(olga, frequency="rate(5m)"))
    blackout(timedelta(minutes=-1))

    tasks.hold_plans()

    assert (fresh(plan).held_for, fresh(unreadable).held_for) == ("Blackout", "")


def test_a_rollout_that_cannot_be_read_does_not_keep_the_others(olga):
    first, second = (stepwise(olga) for _ in range(2))
    Rollout.objects.filter(pk=first.pk).update(at_a_time="many")
    for invocation in (first, second):
        report(invocation.targets.get(is_held=False))

    tasks.sweep()

    assert [one.targets.filter(is_held=True).count() for one in (first, second)] == [1, 0]


def test_a_part_of_the_sweep_that_fails_keeps_no_other_one_waiting(olga, monkeypatch):
    def fails(_principal, *, now):
        raise OperationalError

    monkeypatch.setattr(tasks, "SWEEP", (fails, *tasks.SWEEP))
    target = target_of(ran(olga))
    Target.objects.update(due_at=timezone.now() - timedelta(seconds=5))

    tasks.sweep()

    assert fresh(target).status == "Aborted"


def test_a_database_that_is_away_is_asked_once():
    asked = []

    def step(pks):
        asked.append(pks)
        raise OperationalError

    with pytest.raises(OperationalError):
        all_or_each(step, [1, 2, 3])
    assert asked == [[1, 2, 3]]

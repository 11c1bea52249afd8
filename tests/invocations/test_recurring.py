"""Plans that recur, through the doors that agents and people use."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations import limits
from assistant.invocations.errors import PlanOver
from assistant.invocations.models import Invocation, OutputChunk, Record, Target
from assistant.invocations.operations.deliveries import Fetch, instances_with_work, list_tasks
from assistant.invocations.operations.plans import modify_invocation_attribute
from assistant.invocations.operations.runs import run_command
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue, release_runs, repair_counters
from assistant.invocations.rules.plans import Timing, new_plan
from assistant.invocations.rules.reports import Outcome
from assistant.invocations.states import InvokeStatus, Overall, Status
from console.kit.clock import to_milliseconds
from console.kit.errors import InvalidParameter
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, fresh, report, target_of

pytestmark = pytest.mark.django_db

EVERY_FIVE_MINUTES = "rate(5m)"


def planned(principal, *instances, frequency="", repeat_mode="", expires_at=None, now=None, **script):
    """A plan for these instances (one new one by default), made `now`, and its invocation."""
    chosen = instances or (InstanceFactory(),)
    now = now or timezone.now()
    plan = new_plan(repeat_mode, frequency, now=now, timeout=timedelta(seconds=60))
    return run_command(
        principal,
        chosen[0].region,
        Script(content="echo hi", **script),
        targets=Instance.objects.filter(pk__in=[instance.pk for instance in chosen]),
        timing=Timing(plan, expires_at),
    )


@pytest.fixture
def target(olga):
    """One that runs every five minutes, whose agent knows of it."""
    target = target_of(planned(olga, frequency=EVERY_FIVE_MINUTES))
    fetch(target)
    return fresh(target)


def beat(target, number):
    """The moment of the plan's nth run."""
    return target.invocation.created_at + number * timedelta(minutes=5)


def runs_at(target, number, kind="finish", **facts):
    """The agent reports the run of the plan's nth moment."""
    start = beat(target, number) + timedelta(milliseconds=20)
    said = {"start": to_milliseconds(start), "started_at": start, **facts}
    if kind not in ("running", "invalid"):
        said.setdefault("ended_at", start + timedelta(seconds=1))
    return report(target, kind, **said)


# --- Delivery ---


def test_a_plan_waits_for_its_time(olga):
    invocation = planned(olga, frequency=EVERY_FIVE_MINUTES)

    assert (invocation.state, invocation.n_scheduled) == (Overall.SCHEDULED, 1)
    assert invocation.invoke_status is InvokeStatus.RUNNING
    target = target_of(invocation)
    assert target.due_at == invocation.created_at + timedelta(minutes=5) + limits.FIRE_GRACE


@pytest.mark.parametrize(
    ("frequency", "repeat", "cron"),
    [
        (EVERY_FIVE_MINUTES, "Rate", "rate(5m)"),
        ("at(2090-05-17 17:30:50 Asia/Shanghai)", "At", "at(2090-05-17T09:30:50)"),
        ("0 0 3 ? * MON Europe/Berlin", "Period", None),
    ],
)
def test_an_agent_is_told_of_a_plan_once(olga, frequency, repeat, cron):
    target = target_of(planned(olga, frequency=frequency))

    [task] = fetch(target).runs
    assert (task.repeat, task.invoke_version) == (repeat, 0)
    assert cron is None or task.cron == cron
    assert instances_with_work([target.instance_id]) == []


def test_an_answer_that_was_lost_is_given_again(target):
    assert len(fetch(target).runs) == 1

    Target.objects.update(delivered_at=timezone.now() - limits.DELIVERED_AGAIN_WITHIN)
    assert fetch(target).runs == []


def test_an_agent_that_starts_is_told_of_all_its_plans(target):
    Target.objects.update(delivered_at=timezone.now() - timedelta(days=3))

    assert len(fetch(target, is_startup=True).runs) == 1


def test_a_plan_waits_for_a_server_that_is_away(olga):
    target = target_of(planned(olga, InstanceFactory(offline=True), frequency=EVERY_FIVE_MINUTES))

    assert target.state is Status.SCHEDULED
    assert len(fetch(target, is_startup=True).runs) == 1


def test_more_plans_than_places_are_all_named_to_who_starts(olga, monkeypatch):
    monkeypatch.setattr(limits, "TASKS_PER_FETCH", 2)
    instance = InstanceFactory()
    targets = [target_of(planned(olga, instance, frequency=EVERY_FIVE_MINUTES)) for _ in range(4)]

    assert len(fetch(targets[0], is_startup=True).runs) == 4


# --- Runs ---


def test_each_run_is_a_record(target):
    runs_at(target, 1, body=b"one")
    runs_at(target, 2, exit_code=3, body=b"two")

    records = list(target.records.all())
    assert [record.number for record in records] == [1, 2]
    assert [record.state for record in records] == [Status.SUCCESS, Status.FAILED]
    assert [record.fired_at for record in records] == [beat(target, 1), beat(target, 2)]
    assert OutputChunk.objects.whole(target.pk, 1) == [(0, b"one")]
    assert OutputChunk.objects.whole(target.pk) == [(0, b"two")]
    assert records[0].digest != records[1].digest


def test_the_instance_waits_between_two_runs_and_shows_the_last(target):
    runs_at(target, 1, "running")
    assert (target.state, target.repeats) == (Status.RUNNING, 1)
    assert fresh(target.invocation).state is Overall.RUNNING

    runs_at(target, 1, exit_code=7, body=b"no")

    assert (target.state, target.repeats, target.exit_code) == (Status.SCHEDULED, 1, 7)
    assert (target.error_code, target.finished_at) == ("ExitCodeNonzero", None)
    assert target.digest == target.records.get().digest != ""
    assert target.due_at == beat(target, 1) + limits.FIRE_GRACE
    invocation = fresh(target.invocation)
    assert (invocation.state, invocation.repeats) == (Overall.SCHEDULED, 1)
    assert invocation.last_run_at == beat(target, 1)


def test_a_report_that_comes_twice_is_recorded_once(target):
    for _ in range(2):
        assert runs_at(target, 1, "running", body=b"half", offset=0) is Outcome.RECORDED
    for _ in range(2):
        assert runs_at(target, 1, body=b" whole", offset=4) is Outcome.RECORDED

    assert target.records.count() == 1
    assert b"".join(body for _at, body in OutputChunk.objects.whole(target.pk)) == b"half whole"


def test_a_late_sign_of_a_run_that_has_ended_opens_nothing(target):
    runs_at(target, 1)
    runs_at(target, 1, "running")

    assert (target.state, target.records.get().state) == (Status.SCHEDULED, Status.SUCCESS)


def test_runs_that_an_agent_made_alone_come_later(target):
    for number in (1, 2, 3):
        runs_at(target, number)

    assert [record.fired_at for record in target.records.all()] == [beat(target, n) for n in (1, 2, 3)]
    assert (target.repeats, fresh(target.invocation).repeats) == (3, 3)


def test_two_servers_that_run_at_one_moment_are_one_run_of_the_plan(olga):
    invocation = planned(olga, InstanceFactory(), InstanceFactory(), frequency=EVERY_FIVE_MINUTES)
    for target in invocation.targets.all():
        fetch(target)
        runs_at(target, 1)

    assert (fresh(invocation).repeats, Record.objects.filter(fired_at=beat(target, 1)).count()) == (1, 2)


def test_a_run_that_could_not_begin_is_a_record_and_the_plan_goes_on(target):
    for number in (1, 2):
        said = {"fire": to_milliseconds(beat(target, number)), "error_code": "workingDirectory"}
        for _ in range(2):
            report(target, "invalid", **said)

    assert [record.error_code for record in target.records.all()] == ["DirectoryNotExists"] * 2
    assert target.state is Status.SCHEDULED


def test_times_that_an_agent_does_not_understand_end_its_plan(target):
    report(target, "invalid", error_code="cron", error_info="InvalidRateExpression")

    assert (target.state, target.error_code) == (Status.INVALID, "BadCronExpression")
    assert fresh(target.invocation).state is Overall.FAILED


def test_the_moment_of_a_run_is_the_plans_whatever_the_servers_clock_says(olga):
    now = timezone.now()
    invocation = planned(olga, frequency="0 0 3 ? * * Asia/Shanghai")
    target = target_of(invocation)
    fetch(target)
    Invocation.objects.update(created_at=now - timedelta(days=9))
    three = datetime(now.year, now.month, now.day, 19, tzinfo=UTC) - timedelta(days=5)
    for day, late in ((1, 0), (2, 1700), (3, -1)):
        start = three + timedelta(days=day, milliseconds=late)
        report(target, "finish", start=to_milliseconds(start), started_at=now)

    moments = [record.fired_at for record in target.records.all()]
    assert moments == [three + timedelta(days=day) for day in (1, 2, 3)]


def test_a_plan_without_a_zone_goes_by_each_servers_clock(olga):
    invocation = planned(olga, frequency="0 0 3 ? * *")
    target = target_of(invocation)
    fetch(target, is_startup=True, time_zone="Asia/Shanghai")
    start = datetime(2090, 3, 1, 19, 0, 0, 5000, tzinfo=UTC)

    report(target, "finish", start=to_milliseconds(start), started_at=timezone.now())

    assert fresh(target.instance).time_zone == "Asia/Shanghai"
    # Too far from now to be believed as it stands, but 03:00 there all the same.
    assert target.records.get().fired_at.hour == 19


def test_the_zones_of_many_clocks_are_noted_in_the_order_in_which_rows_are_locked():
    pks = sorted(InstanceFactory().pk for _number in range(4))
    Instance.objects.filter(pk=pks[2]).update(time_zone="Asia/Shanghai")
    fetches = [Fetch(pk, is_startup=True, time_zone="Asia/Shanghai") for pk in reversed(pks)]

    with CaptureQueriesContext(connection) as asked:
        list_tasks(SYSTEM, fetches)

    written = [query["sql"] for query in asked if query["sql"].startswith("UPDATE")]
    assert [pk for sql in written for pk in pks if pk in sql] == [pks[0], pks[1], pks[3]]
    assert set(Instance.objects.values_list("time_zone", flat=True)) == {"Asia/Shanghai"}


# --- Starts of the system ---


def test_the_next_start_is_waited_for(olga):
    target = target_of(planned(olga, repeat_mode="NextRebootOnly"))
    assert (target.state, target.due_at) == (Status.SCHEDULED, None)
    assert fetch(target).runs == []
    assert fetch(target, is_startup=True).runs == []

    [task] = fetch(target, is_startup=True, cold_start=True).runs

    assert task.repeat == "NextRebootOnly"
    assert fresh(target).state is Status.PENDING
    report(target)
    assert (target.state, target.records.count()) == (Status.SUCCESS, 0)
    assert fetch(target, is_startup=True, cold_start=True).runs == []


def test_every_start_is_a_run(olga):
    target = target_of(planned(olga, repeat_mode="EveryReboot"))
    for number in (1, 2):
        [task] = fetch(target, is_startup=True, cold_start=True).runs
        assert (task.repeat, task.invoke_version) == ("EveryReboot", number)
        report(target, "running", invoke_version=number, start=1000 + number, started_at=timezone.now())
        assert fresh(target).state is Status.RUNNING
        report(target, "finish", invoke_version=number, start=1000 + number, body=b"up")
        assert target.state is Status.SCHEDULED

    assert [record.number for record in target.records.all()] == [1, 2]
    assert fetch(target, is_startup=True).runs == []


def test_a_start_that_is_told_of_twice_is_one_run(olga):
    target = target_of(planned(olga, repeat_mode="EveryReboot"))
    for _ in range(2):
        [task] = fetch(target, is_startup=True, cold_start=True).runs
        assert task.invoke_version == 1
    assert fetch(target).runs[0].invoke_version == 1

    assert target.records.count() == 1


def test_a_start_during_a_run_ends_it(olga):
    target = target_of(planned(olga, repeat_mode="EveryReboot"))
    fetch(target, is_startup=True, cold_start=True)
    report(target, "running", invoke_version=1, start=1001, started_at=timezone.now())

    [task] = fetch(target, is_startup=True, cold_start=True).runs

    assert task.invoke_version == 2
    assert [record.error_code for record in target.records.all()] == ["InstanceRestarted", ""]


# --- Once at a moment ---


@pytest.fixture
def once(olga):
    moment = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    target = target_of(planned(olga, frequency=f"at({moment:%Y-%m-%d %H:%M:%S} UTC)"))
    fetch(target)
    return fresh(target)


def test_what_runs_once_at_a_moment_is_its_own_record(once):
    report(once, "running", started_at=timezone.now())
    assert once.state is Status.RUNNING
    report(once, body=b"done")

    assert (once.state, once.records.count()) == (Status.SUCCESS, 0)
    assert OutputChunk.objects.whole(once.pk) == [(0, b"done")]
    assert fresh(once.invocation).state is Overall.SUCCESS


def test_a_moment_that_passes_without_a_word_is_an_end(once):
    Instance.objects.update(last_seen_at=once.due_at)
    end_overdue(SYSTEM, now=once.due_at)

    assert (fresh(once).state, once.error_code, once.presumed) == (Status.ABORTED, "ClientNotResponse", True)
    report(once)
    assert once.state is Status.SUCCESS


def test_of_a_server_that_is_away_nobody_knows_whether_it_ran(once):
    Instance.objects.update(last_seen_at=timezone.now() - timedelta(hours=1), channel="")
    end_overdue(SYSTEM, now=once.due_at)
    assert fresh(once).state is Status.SCHEDULED

    end_overdue(SYSTEM, now=once.due_at + limits.STOP_TIMEOUT)
    assert (fresh(once).state, once.error_code) == (Status.ABORTED, "ClientNotOnline")


# --- Restarts, deadlines, stops ---


def test_a_new_process_of_the_agent_ends_the_run_and_not_the_plan(target):
    runs_at(target, 1, "running")

    [task] = fetch(target, is_startup=True).runs

    assert task.repeat == "Rate"
    assert (fresh(target).state, target.error_code) == (Status.SCHEDULED, "ExecutionInterrupted")
    assert target.records.get().state is Status.ERROR


def test_a_run_that_is_not_heard_of_again_times_out_and_the_plan_goes_on(target):
    runs_at(target, 1, "running")

    end_overdue(SYSTEM, now=target.due_at)

    assert (fresh(target).state, target.records.get().state) == (Status.SCHEDULED, Status.TIMEOUT)


def test_a_run_that_is_due_and_of_which_nothing_is_heard_is_missed(target):
    later = beat(target, 3) + limits.FIRE_GRACE
    Instance.objects.update(last_seen_at=later, channel_changed_at=later)
    end_overdue(SYSTEM, now=later)

    assert (fresh(target).missed, target.due_at) == (3, beat(target, 4) + limits.FIRE_GRACE)
    # It is told of the plan again.
    assert instances_with_work([target.instance_id]) == [target.instance_id]

    runs_at(target, 4)
    much_later = beat(target, 5) + limits.FIRE_GRACE
    Instance.objects.update(last_seen_at=much_later, channel_changed_at=much_later)
    end_overdue(SYSTEM, now=much_later)
    assert fresh(target).missed == 4


def test_a_server_that_is_away_may_have_run(target):
    Instance.objects.update(last_seen_at=timezone.now() - timedelta(hours=1), channel="")

    end_overdue(SYSTEM, now=target.due_at)

    assert (fresh(target).missed, target.state) == (0, Status.SCHEDULED)


def test_a_plan_that_no_agent_knows_of_is_stopped_at_once(olga):
    invocation = planned(olga, frequency=EVERY_FIVE_MINUTES)

    stop_invocation(olga, invocation)

    assert (fresh(invocation).state, target_of(invocation).state) == (Overall.STOPPED, Status.CANCELLED)


def test_a_plan_between_two_runs_is_stopped_by_its_agent(olga, target):
    runs_at(target, 1)
    stop_invocation(olga, target.invocation)
    assert fresh(target).state is Status.STOPPING

    [task] = fetch(target).stops
    assert task.repeat == "Rate"
    runs_at(target, 1, "stopped")

    assert (fresh(target).state, target.records.get().state) == (Status.TERMINATED, Status.SUCCESS)
    assert (fresh(target.invocation).state, target.error_code) == (Overall.STOPPED, "")


def test_a_stop_during_a_run_ends_both(olga, target):
    runs_at(target, 1, "running", body=b"so far", offset=0)
    stop_invocation(olga, target.invocation)

    runs_at(target, 1, "stopped", body=b" and on", offset=6)

    assert (target.state, target.records.get().state) == (Status.TERMINATED, Status.TERMINATED)
    assert b"".join(body for _at, body in OutputChunk.objects.whole(target.pk)) == b"so far and on"


def test_an_end_may_come_before_the_stop(olga, target):
    runs_at(target, 1, "running")
    stop_invocation(olga, target.invocation)
    runs_at(target, 1)
    assert target.state is Status.STOPPING

    report(target, "stopped")

    assert (target.state, target.records.get().state) == (Status.TERMINATED, Status.SUCCESS)


def test_a_stop_that_nobody_confirms_is_believed_after_a_day(olga, target):
    stop_invocation(olga, target.invocation)

    end_overdue(SYSTEM, now=timezone.now() + limits.STOP_TIMEOUT)

    assert (fresh(target).state, target.presumed) == (Status.CANCELLED, True)


def test_a_plan_that_has_no_further_time_is_what_its_last_run_was(olga):
    now = timezone.now()
    year = now.year + 1
    target = target_of(planned(olga, frequency=f"0 0 0 1 1 ? {year} UTC"))
    fetch(target)
    end = datetime(year, 1, 1, tzinfo=UTC)

    report(target, "finish", exit_code=2, start=to_milliseconds(end), started_at=now)
    # As far as the server's clock goes, the moment is still to come.
    assert target.state is Status.SCHEDULED
    report(target, "stopped", is_completed=True)

    assert (target.state, target.exit_code) == (Status.FAILED, 2)
    assert fresh(target.invocation).state is Overall.FAILED


def test_the_end_of_the_instance_ends_its_plans(target):
    runs_at(target, 1, "running")

    release_runs(SYSTEM, target.instance, now=timezone.now())

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, "InstanceReleased")
    assert target.records.get().state is Status.ABORTED


def test_the_counters_are_those_of_the_rows(target):
    runs_at(target, 1, "running")
    runs_at(target, 1)

    assert repair_counters(SYSTEM, target.invocation, now=timezone.now()) is False


def test_an_agent_that_is_too_old_for_plans_is_told_so_at_once(olga):
    old = InstanceFactory(agent_name="ca-agent", agent_version="1.0.0")

    invocation = planned(olga, old, InstanceFactory(), frequency=EVERY_FIVE_MINUTES)

    assert target_of(invocation, old).error_code == "ClientNeedUpgrade"
    assert fresh(invocation).n_scheduled == 1


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"frequency": "", "expires_at": timedelta(days=1)}, "InvalidParam.ExpirationTime"),
        (
            {"frequency": EVERY_FIVE_MINUTES, "expires_at": timedelta(minutes=4)},
            "InvalidParam.ExpirationTime",
        ),
        ({"repeat_mode": "EveryReboot", "expires_at": timedelta(days=-1)}, "InvalidParam.ExpirationTime"),
        ({"frequency": EVERY_FIVE_MINUTES, "timeout": 300}, "InvalidParam.Frequency"),
    ],
)
def test_plans_that_cannot_be_asked_for_change_nothing(olga, how, code):
    expires_at = how.pop("expires_at", None)
    with pytest.raises(InvalidParameter) as refusal:
        planned(olga, expires_at=timezone.now() + expires_at if expires_at else None, **how)

    assert refusal.value.code == code
    assert not Invocation.objects.exists()


def test_reports_cost_no_more_queries_than_a_batch(target, django_assert_max_num_queries):
    runs_at(target, 1, "running")
    with django_assert_max_num_queries(14):
        runs_at(target, 1, body=b"x")


def test_a_fetch_of_nobody_with_plans_asks_nothing_more(olga, django_assert_max_num_queries):
    instance = InstanceFactory()
    with django_assert_max_num_queries(4):
        list_tasks(SYSTEM, [Fetch(instance.pk)])


# --- After the end, and between two words ---


def test_a_run_that_begins_after_the_stop_is_stopped_too(olga, target):
    stop_invocation(olga, target.invocation)
    report(target, "stopped")
    assert target.state is Status.CANCELLED

    late = timezone.now() + timedelta(seconds=1)
    report(target, "running", start=to_milliseconds(late), started_at=late)

    assert target.state is Status.STOPPING
    assert len(fetch(target).stops) == 1
    report(target, "stopped", start=to_milliseconds(late), started_at=late)
    assert (target.state, target.records.get().state) == (Status.TERMINATED, Status.TERMINATED)
    assert repair_counters(SYSTEM, target.invocation, now=timezone.now()) is False


def test_a_late_run_of_a_plan_that_is_over_ends_in_any_case(olga, target):
    runs_at(target, 1)
    stop_invocation(olga, target.invocation)
    report(target, "stopped")
    early = target.invocation.created_at
    report(target, "running", start=to_milliseconds(early), started_at=early)
    assert target.records.last().state is Status.RUNNING

    end_overdue(SYSTEM, now=fresh(target).due_at)

    assert target.records.last().state is Status.TIMEOUT
    assert (fresh(target).state, target.due_at) == (Status.TERMINATED, None)


def test_a_stop_reaches_an_agent_that_is_to_be_told_again(olga, target):
    runs_at(target, 1)
    Target.objects.update(delivered_at=None)

    stop_invocation(olga, target.invocation)

    assert fresh(target).state is Status.STOPPING
    assert len(fetch(target).stops) == 1


def test_what_the_agent_says_of_the_last_run_is_better_than_a_guess(olga):
    year = timezone.now().year + 1
    target = target_of(planned(olga, frequency=f"0 0 0 1 1 ? {year} UTC"))
    fetch(target)
    last = datetime(year, 1, 1, tzinfo=UTC)
    report(target, "running", start=to_milliseconds(last), started_at=timezone.now())
    end_overdue(SYSTEM, now=last + timedelta(minutes=10))
    assert (fresh(target).state, target.presumed) == (Status.TIMEOUT, True)

    report(target, "finish", start=to_milliseconds(last), started_at=timezone.now())

    assert (target.state, target.records.get().state) == (Status.SUCCESS, Status.SUCCESS)
    assert fresh(target.invocation).state is Overall.SUCCESS


def test_a_plan_whose_last_time_was_missed_is_over_and_not_wrong(olga, target):
    runs_at(target, 1)
    Invocation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    report(target, "invalid", error_code="cron", error_info="CronExpressionExpired")

    assert (target.state, target.error_code) == (Status.SUCCESS, "")


def test_runs_of_which_nobody_tells_end_with_the_plan(olga, target):
    runs_at(target, 1, "running")
    runs_at(target, 2, "running")
    stop_invocation(olga, target.invocation)

    runs_at(target, 2, "stopped")

    assert {record.state for record in target.records.all()} == {Status.TERMINATED}


def test_a_start_that_nobody_knows_of_is_recorded_once(olga):
    target = target_of(planned(olga, repeat_mode="EveryReboot"))
    said = {"invoke_version": 7, "start": 1007, "started_at": timezone.now()}

    report(target, "running", **said)
    report(target, "finish", **said)

    assert target.records.get().state is Status.SUCCESS


def test_nothing_is_added_to_a_plan_that_is_being_stopped(olga, target):
    stop_invocation(olga, target.invocation)
    more = Instance.objects.filter(pk=InstanceFactory().pk)

    with pytest.raises(PlanOver):
        modify_invocation_attribute(olga, fresh(target.invocation), targets=more)


# --- A server in wrong hands ---


def long_ago(invocation, **ago):
    """As if the plan had been made so long ago, and nobody had missed a run since."""
    made = invocation.created_at - timedelta(**ago)
    Invocation.objects.filter(pk=invocation.pk).update(created_at=made)
    return made


@pytest.mark.parametrize("word", ["start", "fire"])
def test_runs_are_no_more_than_the_plan_has_moments(olga, word):
    invocation = planned(olga, frequency="rate(5m)")
    target = target_of(invocation)
    fetch(target)
    long_ago(invocation, minutes=30)
    now = timezone.now()

    said = [now + timedelta(seconds=second) for second in range(-86_400, 86_400, 600)]
    outcomes = [report(target, **{"start": to_milliseconds(at), word: to_milliseconds(at)}) for at in said]

    # Moments since it was made, and those that a clock that is wrong may show already.
    moments = (timedelta(minutes=30) + limits.CLOCK_TOLERANCE) // timedelta(minutes=5) + 1
    assert set(Counter(target.records.values_list("fired_at", flat=True)).values()) <= {1, 2, 3}
    assert target.records.values("fired_at").distinct().count() <= moments
    assert fresh(invocation).repeats <= moments
    assert outcomes[-1] is Outcome.UNKNOWN


def test_a_run_too_many_changes_nothing_and_the_stop_still_counts(olga, target):
    for extra in range(limits.RUNS_PER_MOMENT):
        assert runs_at(target, 1, start=1 + to_milliseconds(beat(target, 1)) + extra) is Outcome.RECORDED
    before = fresh(target).due_at

    assert runs_at(target, 1, start=to_milliseconds(beat(target, 1)) + 500) is Outcome.UNKNOWN
    assert (target.records.count(), target.repeats, target.due_at) == (3, 3, before)

    stop_invocation(olga, target.invocation)
    runs_at(target, 1, "stopped", start=to_milliseconds(beat(target, 1)) + 700)
    assert (target.state, target.records.count()) == (Status.TERMINATED, 3)


def test_a_plan_that_was_stopped_has_no_runs_of_later_moments(olga, target):
    made = long_ago(target.invocation, days=3)
    stop_invocation(olga, target.invocation)
    report(target, "stopped")
    Target.objects.update(finished_at=made + timedelta(days=1))

    for hour in range(30, 60):
        moment = made + timedelta(hours=hour)
        report(target, start=to_milliseconds(moment), started_at=moment)

    assert target.records.count() == limits.RUNS_PER_MOMENT


def test_no_more_than_some_runs_go_on_at_once(target):
    made = long_ago(target.invocation, days=3)
    moments = [made + number * timedelta(minutes=5) for number in range(1, limits.OPEN_RECORDS + 5)]
    said = [{"start": to_milliseconds(moment), "started_at": moment} for moment in moments]

    outcomes = [report(target, "running", **one) for one in said]
    assert outcomes == [Outcome.RECORDED] * limits.OPEN_RECORDS + [Outcome.UNKNOWN] * 4

    # The end of one that was not noted is.
    assert report(target, **said[-1]) is Outcome.RECORDED


def test_starts_that_nobody_has_handed_out_are_few(olga):
    target = target_of(planned(olga, repeat_mode="EveryReboot"))
    for number in range(100, 120):
        report(target, invoke_version=number, start=number)
    assert target.records.count() == limits.UNKNOWN_STARTS

    Record.objects.update(delivered_at=timezone.now() - limits.STARTS_APART)
    report(target, invoke_version=121, start=121)
    assert target.records.count() == limits.UNKNOWN_STARTS + 1


def test_all_that_an_agent_ran_while_nobody_listened_is_recorded(target):
    made = long_ago(target.invocation, days=3)
    Target.objects.update(checked_until=made)
    moments = [made + number * timedelta(minutes=5) for number in range(1, 61)]
    said = [(to_milliseconds(moment), moment + timedelta(milliseconds=30)) for moment in moments]

    for fire, start in said:
        ran = {"fire": fire, "start": to_milliseconds(start), "started_at": start}
        assert report(target, "running", **ran) is Outcome.RECORDED
        assert report(target, **ran) is Outcome.RECORDED

    assert [record.fired_at for record in target.records.all()] == moments
    assert fresh(target.invocation).repeats == len(moments)


# --- Ends that were lost ---


def test_a_run_whose_end_was_lost_ends_while_the_plan_goes_on(target):
    runs_at(target, 1, "running")
    lost_at = target.due_at
    runs_at(target, 2)
    assert (target.state, target.due_at) == (Status.SCHEDULED, lost_at)

    end_overdue(SYSTEM, now=lost_at)

    assert [record.state for record in target.records.all()] == [Status.TIMEOUT, Status.SUCCESS]
    assert (fresh(target).state, target.missed, target.exit_code) == (Status.SCHEDULED, 0, 0)
    assert target.due_at > lost_at


def test_a_deadline_ends_the_runs_that_are_due_and_no_others(target):
    runs_at(target, 1, "running")
    runs_at(target, 2, "running")
    soon, later = timezone.now() + timedelta(minutes=1), timezone.now() + timedelta(minutes=9)
    Record.objects.filter(number=1).update(due_at=soon)
    Record.objects.filter(number=2).update(due_at=later)
    Target.objects.update(due_at=soon)

    end_overdue(SYSTEM, now=soon)

    assert [record.state for record in target.records.all()] == [Status.TIMEOUT, Status.RUNNING]
    assert (fresh(target).state, target.due_at) == (Status.RUNNING, later)

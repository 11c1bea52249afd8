"""What keeps plans from running for a while, through the operations that agents' calls and the clock end in."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import Quota, QuotaUse
from access.operations.quotas import today_of
from access.principals import SYSTEM
from access.rules.quotas import RUNS
from assistant.instances.models import Instance
from assistant.invocations import limits
from assistant.invocations.models import Blackout, Invocation, Target
from assistant.invocations.operations.deliveries import instances_with_work
from assistant.invocations.operations.plan_limits import hold_plans
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue
from assistant.invocations.states import HoldCause, Overall, Status
from console.kit.clock import to_milliseconds
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import blackout, fetch, fresh, planned, ran, report, started, target_of

pytestmark = pytest.mark.django_db

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def target(olga):
    """One that runs every five minutes, whose agent knows of it."""
    target = target_of(planned(olga, frequency="rate(5m)"))
    fetch(target)
    return fresh(target)


def opened(length=timedelta(hours=1), **where):
    """A window that is open since a minute."""
    return blackout(timedelta(minutes=-1), length, **where)


def beat(target, number):
    return target.invocation.created_at + number * FIVE_MINUTES


def runs_at(target, number, kind="finish", **facts):
    start = beat(target, number)
    return report(target, kind, start=to_milliseconds(start), started_at=start, **facts)


def swept(**after):
    """The clock's step, so much later."""
    return hold_plans(SYSTEM, now=timezone.now() + timedelta(**after))


def is_connected_at(moment):
    Instance.objects.update(last_seen_at=moment, channel_changed_at=moment)


# --- A window takes plans back and gives them back ---


def test_a_window_takes_a_plan_back_from_its_agent_and_later_gives_it_back(
    target, bell, django_capture_on_commit_callbacks
):
    opened()

    with django_capture_on_commit_callbacks(execute=True):
        assert swept() == 1
    assert (fresh(target).is_held, target.held_for, target.state) == (True, "Blackout", Status.SCHEDULED)
    assert bell.kicks[target.instance_id].startswith("kick_vm")
    assert instances_with_work([target.instance_id]) == [target.instance_id]
    [stop] = fetch(target).stops
    assert (stop.repeat, stop.invoke_version) == ("Rate", 0)
    report(target, "stopped")
    assert (target.state, target.delivered_at) == (Status.SCHEDULED, None)
    assert (fetch(target).stops, fetch(target, is_startup=True).runs) == ([], [])

    assert swept(hours=2) == 1
    assert (fresh(target).is_held, target.held_for) == (False, "")
    [run] = fetch(target).runs
    assert (run.invoke_version, fresh(target.invocation).state) == (1, Overall.SCHEDULED)


def test_a_step_that_comes_twice_does_nothing_more(target):
    opened()

    assert [swept(), swept()] == [1, 0]
    assert [swept(hours=2), swept(hours=2)] == [1, 0]
    assert fresh(target.invocation).invoke_version == 1


def test_plans_are_taken_back_a_little_before_the_window(target):
    blackout(start=limits.HOLD_AHEAD / 2)

    assert swept() == 1


def test_before_and_after_its_window_a_plan_is_left_alone(target):
    blackout(start=timedelta(hours=1))
    blackout(start=timedelta(hours=-2))

    assert swept() == 0


@pytest.mark.parametrize(
    ("where", "is_meant"),
    [
        ({}, True),
        ({"tag_key": "env"}, True),
        ({"tag_key": "env", "tag_value": "prod"}, True),
        ({"tag_key": "env", "tag_value": "test"}, False),
        ({"tag_key": "role"}, False),
        ({"region_id": "local"}, True),
        ({"region_id": "other"}, False),
        ({"region_id": "local", "tag_key": "role"}, False),
    ],
)
def test_a_window_is_about_a_region_or_a_tag_or_all(target, where, is_meant):
    RegionFactory(id="other", name="Other", code="ot")
    target.instance.tags.create(key="env", value="prod")
    opened(**where)

    assert swept() == int(is_meant)


def test_of_two_windows_the_last_one_counts(target):
    opened(length=timedelta(hours=1))
    opened(length=timedelta(hours=3))

    assert [swept(), swept(hours=2), swept(hours=4)] == [1, 0, 1]


def test_a_window_that_is_deleted_holds_nothing(target):
    window = opened()
    swept()
    window.delete()

    assert swept() == 1
    assert not fresh(target).is_held


def test_a_run_that_goes_on_is_left_alone_and_its_plan_held_afterwards(target):
    runs_at(target, 1, "running")
    opened()
    assert swept() == 0

    runs_at(target, 1)

    assert swept() == 1
    assert (fresh(target).is_held, target.records.get().state) == (True, Status.SUCCESS)


def test_a_run_that_begins_before_its_agent_has_let_go_is_recorded(target):
    opened()
    swept()

    runs_at(target, 1, "running")
    assert fetch(target).stops == []
    runs_at(target, 1, body=b"done")

    assert (target.state, target.records.get().state) == (Status.SCHEDULED, Status.SUCCESS)
    assert len(fetch(target).stops) == 1


def test_runs_of_now_are_not_held(olga):
    target = target_of(ran(olga))
    opened()

    assert swept() == 0
    assert started(target).state


# --- What came due in a window ---


def test_what_comes_due_in_a_window_is_left_out_and_not_missed(target):
    runs_at(target, 1)
    now = beat(target, 1) + timedelta(seconds=30)
    Blackout.objects.create(reason="-", created_by="-", starts_at=now, ends_at=beat(target, 5))
    hold_plans(SYSTEM, now=now)
    report(target, "stopped")

    is_connected_at(beat(target, 4))
    assert end_overdue(SYSTEM, now=beat(target, 4)) == 0
    end = beat(target, 5) + timedelta(seconds=30)
    hold_plans(SYSTEM, now=end)

    assert (fresh(target).missed, target.left_out) == (0, 4)
    assert target.due_at == beat(target, 6) + limits.FIRE_GRACE
    fetch(target)
    runs_at(target, 6, invoke_version=1)
    assert (target.missed, target.left_out, target.repeats) == (0, 4, 2)


def test_a_moment_within_a_window_does_not_run_and_says_why(olga):
    moment = timezone.now().replace(microsecond=0) + timedelta(minutes=30)
    target = target_of(planned(olga, frequency=f"at({moment:%Y-%m-%d %H:%M:%S} UTC)"))
    fetch(target)
    opened()
    swept()
    report(target, "stopped")
    assert (target.state, target.delivered_at) == (Status.SCHEDULED, None)

    swept(hours=2)

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, "HeldBack")
    assert fresh(target.invocation).state is Overall.FAILED


def test_a_moment_after_a_window_runs(olga):
    moment = timezone.now().replace(microsecond=0) + timedelta(hours=5)
    target = target_of(planned(olga, frequency=f"at({moment:%Y-%m-%d %H:%M:%S} UTC)"))
    fetch(target)
    opened()
    swept()
    report(target, "stopped")

    swept(hours=2)

    [task] = fetch(target).runs
    assert (task.repeat, fresh(target).state) == ("At", Status.SCHEDULED)


@pytest.mark.parametrize("frequency", ["rate(5m)", "at(2090-05-17 17:30:50 UTC)"])
def test_an_agent_that_lets_go_too_late_is_told_anew(olga, frequency):
    target = target_of(planned(olga, frequency=frequency))
    fetch(target)
    opened()
    swept()
    fetch(target)
    swept(hours=2)
    fetch(target)

    report(target, "stopped")

    assert target.state is Status.SCHEDULED
    [task] = fetch(target).runs
    assert task.invoke_version == 1


@pytest.mark.parametrize("repeat_mode", ["NextRebootOnly", "EveryReboot"])
def test_a_start_within_a_window_runs_nothing_and_a_later_one_does(olga, repeat_mode):
    target = target_of(planned(olga, repeat_mode=repeat_mode))
    opened()
    swept()
    assert fetch(target, is_startup=True, cold_start=True).runs == []

    swept(hours=2)

    assert len(fetch(target, is_startup=True, cold_start=True).runs) == 1


def test_an_agent_that_was_away_for_the_whole_window_is_told_anew(target):
    opened()
    swept()
    swept(hours=2)

    [task] = fetch(target).runs
    assert task.invoke_version == 1


def test_a_held_plan_that_is_stopped_is_over(olga, target):
    opened()
    swept()
    report(target, "stopped")

    stop_invocation(olga, target.invocation)
    swept(hours=2)

    assert (fresh(target).state, target.held_for) == (Status.CANCELLED, "")


def test_a_plan_that_is_stopped_while_its_agent_has_not_let_go_is_stopped_by_it(olga, target):
    opened()
    swept()
    stop_invocation(olga, target.invocation)
    assert len(fetch(target).stops) == 1
    swept(hours=2)

    report(target, "stopped")

    assert (target.state, target.held_for) == (Status.CANCELLED, "")


# --- The quota of runs ---


def test_each_moment_of_a_plan_is_one_run_of_the_quota(olga):
    invocation = planned(olga, InstanceFactory(), InstanceFactory(), frequency="rate(5m)")
    before = QuotaUse.objects.get(name=RUNS.name).used
    for target in invocation.targets.all():
        fetch(target)
        for number in (2, 1):
            runs_at(target, number, "running")
            runs_at(target, number)

    assert QuotaUse.objects.get(name=RUNS.name).used == before + 2
    assert fresh(invocation).repeats == 2


def test_a_plan_whose_region_has_no_run_left_waits_for_the_next_day(olga, target):
    other_moment = timezone.now() + timedelta(days=3)
    once = target_of(planned(olga, frequency=f"at({other_moment:%Y-%m-%d %H:%M:%S} UTC)"))
    Quota.objects.create(name=RUNS.name, region_id="local", value=3)
    assert swept() == 0
    # What has run is counted, whatever the quota says.
    for number in (1, 2):
        runs_at(target, number)

    assert swept() == 1
    assert fresh(target).held_for == HoldCause.QUOTA
    assert not fresh(once).is_held

    tomorrow = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC) + timedelta(days=1)
    assert hold_plans(SYSTEM, now=tomorrow) == 1
    assert not fresh(target).is_held
    assert today_of(tomorrow) != QuotaUse.objects.get(name=RUNS.name).period


# --- Expiry ---


def test_a_plan_that_expires_is_taken_back_and_is_what_its_last_run_was(olga):
    now = timezone.now()
    target = target_of(planned(olga, frequency="rate(5m)", expires_at=now + timedelta(minutes=12)))
    [task] = fetch(target).runs
    assert task.expires_at == now + timedelta(minutes=12)
    for number in (1, 2):
        runs_at(target, number, exit_code=number - 1)
    # No further run is due, and yet it lives: its agent may know of no end.
    assert target.state is Status.SCHEDULED

    end_overdue(SYSTEM, now=task.expires_at)
    assert fresh(target).state is Status.STOPPING
    assert len(fetch(target).stops) == 1
    report(target, "stopped")

    assert (target.state, target.exit_code, target.error_code) == (Status.FAILED, 1, "ExitCodeNonzero")
    assert fresh(target.invocation).state is Overall.FAILED


def test_after_its_last_run_a_plan_that_expires_is_taken_back_at_once(olga):
    now = timezone.now()
    invocation = planned(olga, frequency="rate(5m)", expires_at=now + timedelta(minutes=12))
    fetch(target_of(invocation))
    Invocation.objects.update(created_at=now - timedelta(minutes=11), expires_at=now + timedelta(minutes=1))
    target = target_of(invocation)

    runs_at(target, 2)

    assert target.state is Status.STOPPING
    report(target, "stopped")
    assert (target.state, fresh(target.invocation).state) == (Status.SUCCESS, Overall.SUCCESS)


def test_a_plan_that_expires_before_any_of_its_runs_came_has_failed(olga):
    expires_at = timezone.now() + timedelta(minutes=12)
    never_fetched = target_of(planned(olga, frequency="rate(5m)", expires_at=expires_at))
    is_connected_at(expires_at)

    end_overdue(SYSTEM, now=expires_at)

    assert (fresh(never_fetched).state, never_fetched.missed) == (Status.ABORTED, 2)
    assert (never_fetched.error_code, never_fetched.presumed) == ("DeliveryTimeout", True)


@pytest.mark.parametrize("repeat_mode", ["NextRebootOnly", "EveryReboot"])
def test_a_start_that_does_not_come_in_time_is_waited_for_no_longer(olga, repeat_mode):
    expires_at = timezone.now() + timedelta(minutes=12)
    target = target_of(planned(olga, repeat_mode=repeat_mode, expires_at=expires_at))

    end_overdue(SYSTEM, now=expires_at)

    assert (fresh(target).state, target.error_code) == (Status.CANCELLED, "")


def test_an_agent_that_is_away_when_a_plan_expires_has_a_day(olga):
    expires_at = timezone.now() + timedelta(minutes=12)
    target = target_of(planned(olga, frequency="rate(5m)", expires_at=expires_at))
    fetch(target)
    runs_at(target, 1)

    end_overdue(SYSTEM, now=expires_at)
    end_overdue(SYSTEM, now=expires_at + limits.STOP_TIMEOUT)

    assert (fresh(target).state, target.presumed) == (Status.SUCCESS, True)


def test_a_plan_that_expires_while_it_is_held_is_over(olga):
    expires_at = timezone.now() + timedelta(minutes=12)
    target = target_of(planned(olga, frequency="rate(5m)", expires_at=expires_at))
    fetch(target)
    opened()
    swept()
    report(target, "stopped")

    end_overdue(SYSTEM, now=expires_at)

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, "HeldBack")
    assert swept() == 1
    assert fresh(target).held_for == ""


# --- Missed runs ---


def test_runs_that_an_agent_made_alone_were_not_missed(target):
    # Deaf, as it seems, for three runs; then it tells of two of them, and of the next one.
    later = beat(target, 3) + limits.FIRE_GRACE
    is_connected_at(later)
    end_overdue(SYSTEM, now=later)
    assert fresh(target).missed == 3

    for number in (1, 3, 4):
        runs_at(target, number)

    assert (target.missed, target.repeats) == (1, 3)


def test_a_run_that_comes_after_a_gap_says_how_many_were_missed(target):
    runs_at(target, 1)
    runs_at(target, 4)
    assert target.missed == 2

    runs_at(target, 3)
    runs_at(target, 3)

    assert target.missed == 1


def test_a_clock_that_is_put_forward_misses_nothing_that_is_told_of(target):
    moved = beat(target, 100) + limits.FIRE_GRACE
    is_connected_at(moved)
    end_overdue(SYSTEM, now=moved)
    assert fresh(target).missed == 100

    for number in range(1, 4):
        runs_at(target, number)
    assert target.missed == 97


def test_a_sweep_writes_no_row_of_a_plan_that_is_on_time(olga, django_assert_num_queries):
    instances = [InstanceFactory() for _ in range(5)]
    planned(olga, *instances, frequency="rate(5m)")
    now = timezone.now() + FIVE_MINUTES

    with django_assert_num_queries(1):
        assert end_overdue(SYSTEM, now=now) == 0
    with django_assert_num_queries(5):
        assert hold_plans(SYSTEM, now=now) == 0


def test_a_step_costs_the_same_for_many(olga, django_assert_max_num_queries):
    planned(olga, *[InstanceFactory() for _ in range(9)], frequency="rate(5m)")
    opened()

    with django_assert_max_num_queries(16):
        assert swept() == 9
    assert Target.objects.filter(is_held=True).count() == 9


# --- What pages say ---


def pages_of(client, target):
    run = reverse("invocations:invocation_detail", args=[target.invocation_id])
    place = reverse("invocations:target_detail", args=[target.invocation_id, target.instance_id])
    return [client.get(address).content.decode() for address in (run, place)]


def test_pages_say_until_when_a_plan_is_held_and_why(target, as_operator):
    opened()
    swept()
    for page in pages_of(as_operator, target):
        assert "Held until" in page
        assert "Month end" in page

    report(target, "stopped")
    swept(hours=2)
    for page in pages_of(as_operator, fresh(target)):
        assert "Held until" not in page
        assert "left out while the plan was held" in page


def test_pages_say_that_the_quota_is_used_up(target, as_operator):
    Quota.objects.create(name=RUNS.name, region_id="local", value=1)
    swept()

    for page in pages_of(as_operator, target):
        assert "quota for today are used up" in page
        assert RUNS.refusal.code in page


def test_a_page_of_a_moment_that_is_held_says_so(olga, as_operator):
    moment = timezone.now() + timedelta(hours=5)
    target = target_of(planned(olga, frequency=f"at({moment:%Y-%m-%d %H:%M:%S} UTC)"))
    opened()
    swept()

    assert all("Held until" in page for page in pages_of(as_operator, target))

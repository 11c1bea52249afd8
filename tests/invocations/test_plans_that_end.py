"""No plan waits for ever: how those end that nobody stops (CA-142, CA-176)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.principals import SYSTEM
from assistant.instances.models import Instance
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.invocations import limits
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.plan_limits import hold_plans
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue
from assistant.invocations.states import InvokeStatus, Overall, Status
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import blackout, fetch, fresh, planned, ran_at, report, target_of

pytestmark = pytest.mark.django_db

# Not the next one: far enough away on any day.
YEAR = timezone.now().year + 2
NEW_YEAR = datetime(YEAR, 1, 1, tzinfo=UTC)
AT_NEW_YEAR = f"0 0 0 1 1 ? {YEAR} UTC"
ONCE_AT_NEW_YEAR = f"at({YEAR}-01-01 00:00:00 UTC)"


def swept(moment):
    """All that the clock does, as if it were so late."""
    hold_plans(SYSTEM, now=moment)
    end_overdue(SYSTEM, now=moment)


def is_heard_of(moment):
    Instance.objects.update(last_seen_at=moment, channel_changed_at=moment)


# --- No run has come ---


@pytest.mark.parametrize("frequency", [AT_NEW_YEAR, ONCE_AT_NEW_YEAR])
@pytest.mark.parametrize(
    ("where", "code"), [({"never_seen": True}, "ClientNotRunning"), ({"offline": True}, "ClientNotOnline")]
)
def test_for_a_server_that_never_came_a_plan_has_failed_when_its_last_time_is_past(
    olga, frequency, where, code
):
    target = target_of(planned(olga, InstanceFactory(**where), frequency=frequency))

    swept(NEW_YEAR + limits.STOP_TIMEOUT + limits.FIRE_GRACE)

    assert (fresh(target).state, target.error_code, target.presumed) == (Status.ABORTED, code, True)
    assert fresh(target.invocation).state is Overall.FAILED


@pytest.mark.parametrize(("is_told", "code"), [(True, "ClientNotResponse"), (False, "DeliveryTimeout")])
@pytest.mark.parametrize("frequency", [AT_NEW_YEAR, ONCE_AT_NEW_YEAR])
def test_what_an_agent_that_is_there_has_not_run_has_failed_two_minutes_later(olga, frequency, is_told, code):
    target = target_of(planned(olga, frequency=frequency))
    if is_told:
        fetch(target)
    late = NEW_YEAR + limits.FIRE_GRACE
    is_heard_of(late)

    swept(late)

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, code)


def test_an_agent_that_comes_up_after_the_moment_was_down(olga):
    target = target_of(planned(olga, frequency=ONCE_AT_NEW_YEAR))
    late = NEW_YEAR + limits.FIRE_GRACE
    Target.objects.update(delivered_at=NEW_YEAR + timedelta(seconds=30))
    is_heard_of(late)

    swept(late)

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, "ClientNotRunning")


def test_a_run_that_is_told_of_after_all_is_better_knowledge(olga):
    target = target_of(planned(olga, InstanceFactory(offline=True), frequency=AT_NEW_YEAR))
    swept(NEW_YEAR + limits.STOP_TIMEOUT + limits.FIRE_GRACE)

    ran_at(target, NEW_YEAR)

    assert (target.state, target.error_code) == (Status.SUCCESS, "")
    assert fresh(target.invocation).state is Overall.SUCCESS


USED_UP = [
    ("stopped", {"is_completed": True}),
    ("invalid", {"error_code": "cron", "error_info": "CronExpressionExpired"}),
]


@pytest.mark.parametrize(("kind", "said"), USED_UP)
def test_an_agent_that_comes_back_too_late_says_that_it_was_down(olga, kind, said):
    target = target_of(planned(olga, frequency="0 0 0 * * ? UTC"))
    Invocation.objects.update(created_at=timezone.now() - timedelta(days=2))
    Target.objects.update(checked_until=timezone.now() - timedelta(days=2))

    report(target, kind, **said)

    assert (target.state, target.error_code) == (Status.ABORTED, "ClientNotRunning")
    assert target.missed == 2


@pytest.mark.parametrize(("kind", "said"), USED_UP)
def test_the_word_of_an_agent_whose_clock_is_ahead_ends_a_plan(olga, kind, said):
    target = target_of(planned(olga, frequency=f"0 0 0 1 1 ? {YEAR}/1 UTC"))
    fetch(target)
    ran_at(target, NEW_YEAR, exit_code=3)

    report(target, kind, **said)

    assert (target.state, target.exit_code) == (Status.FAILED, 3)
    # The command has run to its end, whatever its exit code (CA-177).
    assert target.invoke_status is InvokeStatus.FINISHED


# --- Held ---


def test_a_plan_that_is_held_for_good_is_over_with_its_times(olga):
    target = target_of(planned(olga, frequency=AT_NEW_YEAR))
    blackout(timedelta(minutes=-1), timedelta(days=3650))

    swept(timezone.now())
    swept(NEW_YEAR - timedelta(hours=1))
    assert (fresh(target).state, target.is_held) == (Status.SCHEDULED, True)
    swept(NEW_YEAR + limits.FIRE_GRACE)

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, "HeldBack")
    assert (target.left_out, target.missed) == (1, 0)


def test_what_comes_due_after_its_stop_is_not_left_out_of_a_held_plan(olga):
    target = target_of(planned(olga, frequency="rate(5m)"))
    window = blackout(timedelta(minutes=-1))
    swept(timezone.now())
    stop_invocation(olga, target.invocation)

    swept(window.ends_at + timedelta(minutes=1))

    assert (fresh(target).state, target.left_out) == (Status.CANCELLED, 0)


# --- The server is gone ---


@pytest.mark.parametrize(
    "plan",
    [
        {"repeat_mode": "EveryReboot"},
        {"repeat_mode": "NextRebootOnly"},
        {"frequency": "rate(5m)"},
        {"frequency": AT_NEW_YEAR},
        {"frequency": ONCE_AT_NEW_YEAR},
    ],
)
@pytest.mark.parametrize("is_held", [True, False])
def test_with_its_server_a_plan_is_over_whatever_it_waits_for(olga, plan, is_held):
    target = target_of(planned(olga, **plan))
    fetch(target)
    if is_held:
        blackout(timedelta(minutes=-1))
        swept(timezone.now())

    deregister_managed_instance(olga, target.instance)

    assert (fresh(target).state, target.error_code) == (Status.ABORTED, "InstanceReleased")
    assert fresh(target.invocation).state is Overall.FAILED


# --- In words ---


def words_of(client, target):
    """What the pages of the results, of the run and of its instance say of how it ended."""
    run = target.invocation.get_absolute_url()
    addresses = [reverse("invocations:invocation_list"), run, target.get_absolute_url()]
    pages = [client.get(address).content.decode() for address in addresses]
    return [{word for word in ("Expired", "Manually Stopped") if f"{word}</span>" in page} for page in pages]


@pytest.mark.parametrize("repeat_mode", ["NextRebootOnly", "EveryReboot"])
def test_what_expired_before_it_was_due_is_not_said_to_be_stopped(olga, as_operator, repeat_mode):
    expires_at = timezone.now() + timedelta(minutes=12)
    target = target_of(planned(olga, repeat_mode=repeat_mode, expires_at=expires_at))
    fetch(target)

    swept(expires_at)

    assert fresh(target).invoke_status is InvokeStatus.STOPPED
    assert words_of(as_operator, target) == [{"Expired"}] * 3


def test_what_somebody_stopped_is_said_to_be_stopped(olga, as_operator):
    expires_at = timezone.now() + timedelta(minutes=12)
    target = target_of(planned(olga, repeat_mode="EveryReboot", expires_at=expires_at))

    stop_invocation(olga, target.invocation)

    assert words_of(as_operator, fresh(target)) == [{"Manually Stopped"}] * 3

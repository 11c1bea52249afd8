"""Runs that go out step by step: what comes next, that nothing is lost, and that nothing waits for ever."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from access.models import AuditEntry, PolicyAttachment, Role, User
from access.operations.identities import principal_for
from access.principals import SYSTEM, Door
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.invocations import limits
from assistant.invocations.errors import NothingToConfirm, OfflineWaitRefused, RolloutRefused
from assistant.invocations.models import Rollout, Target
from assistant.invocations.operations.rollouts import advance, advance_all, advance_on, confirm_rollout
from assistant.invocations.operations.runs import run_again, run_command
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue, repair_counters
from assistant.invocations.rules.plans import Plan, PlanKind, Timing
from assistant.invocations.rules.rollouts import (
    RolloutState,
    RolloutTerms,
    Runs,
    Share,
    Standing,
    Step,
    next_step,
    share,
)
from assistant.invocations.rules.terms import Terms
from console.kit.errors import NotAllowed
from tests.conftest import put_policy
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, fresh, report, target_of

NOW = timezone.now()
LATER = NOW + timedelta(minutes=5)
RUNNING, PAUSED, WAITING = RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.WAITING
HALTED, DONE = RolloutState.HALTED, RolloutState.DONE

FIVE = RolloutTerms(Share(5))
FIRST_TWO = RolloutTerms(Share(5), first_batch=2)
FIRST_EIGHT = RolloutTerms(Share(5), first_batch=8)
BATCHES = RolloutTerms(Share(5), wait=60)
CAREFUL = RolloutTerms(Share(10, is_percent=True), stop_after=Share(2))
BY_PERCENT = RolloutTerms(Share(5), stop_after=Share(10, is_percent=True))
BEGUN = Standing(RUNNING, n_released=5)
CONFIRMED = Standing(WAITING, NOW, n_released=2, is_confirmed=True)


# Terms, where it stands, how its runs go: (in all, held, begun, failed), and what comes next.
STEPS = [
    ("as many as may at a time", FIVE, Standing(RUNNING), (20, 20, 0, 0), Step(RUNNING, 5)),
    ("not more than there are", FIVE, Standing(RUNNING), (3, 3, 0, 0), Step(RUNNING, 3)),
    ("nobody while all places are taken", FIVE, BEGUN, (20, 15, 5, 0), Step(RUNNING)),
    ("one where one has ended", FIVE, BEGUN, (20, 15, 4, 0), Step(RUNNING, 1)),
    ("nobody where more go on than should", FIVE, BEGUN, (20, 15, 7, 0), Step(RUNNING)),
    ("the last ones", FIVE, BEGUN, (20, 2, 1, 0), Step(RUNNING, 2)),
    ("nothing when nobody is left", FIVE, BEGUN, (20, 0, 5, 9), Step(DONE)),
    ("a part of all", CAREFUL, Standing(RUNNING), (25, 25, 0, 0), Step(RUNNING, 3)),
    ("on after one failure", CAREFUL, BEGUN, (25, 20, 2, 1), Step(RUNNING, 1)),
    ("the end after two", CAREFUL, BEGUN, (25, 20, 2, 2), Step(HALTED, reason="RolloutHalted")),
    ("on below the part", BY_PERCENT, BEGUN, (25, 20, 4, 2), Step(RUNNING, 1)),
    ("the end at the part", BY_PERCENT, BEGUN, (25, 20, 4, 3), Step(HALTED, reason="RolloutHalted")),
    ("the first ones alone", FIRST_TWO, Standing(RUNNING), (20, 20, 0, 0), Step(RUNNING, 2)),
    ("nobody while they run", FIRST_TWO, Standing(RUNNING, None, 2), (20, 18, 1, 0), Step(RUNNING)),
    ("many first ones, so many at a time", FIRST_EIGHT, Standing(RUNNING), (20, 20, 0, 0), Step(RUNNING, 5)),
    ("the rest of the first ones", FIRST_EIGHT, BEGUN, (20, 15, 1, 0), Step(RUNNING, 3)),
    (
        "a pause after the first ones",
        FIRST_TWO,
        Standing(RUNNING, None, 2),
        (20, 18, 0, 0),
        Step(PAUSED, next_at=LATER + limits.CONFIRM_WITHIN),
    ),
    (
        "waiting for the word",
        FIRST_TWO,
        Standing(PAUSED, LATER + timedelta(1), 2),
        (20, 18, 0, 1),
        Step(PAUSED, next_at=LATER + timedelta(1)),
    ),
    (
        "the end when no word comes",
        FIRST_TWO,
        Standing(PAUSED, NOW, 2),
        (20, 18, 0, 0),
        Step(HALTED, reason="RolloutNotConfirmed"),
    ),
    ("on when the word has come", FIRST_TWO, CONFIRMED, (20, 18, 0, 0), Step(RUNNING, 5)),
    ("a first batch", BATCHES, Standing(RUNNING), (12, 12, 0, 0), Step(RUNNING, 5)),
    ("nobody while it runs", BATCHES, BEGUN, (12, 7, 1, 0), Step(RUNNING)),
    (
        "a wait after it",
        BATCHES,
        BEGUN,
        (12, 7, 0, 0),
        Step(WAITING, next_at=LATER + timedelta(seconds=60)),
    ),
    (
        "still the wait",
        BATCHES,
        Standing(WAITING, LATER + timedelta(1), 5),
        (12, 7, 0, 0),
        Step(WAITING, next_at=LATER + timedelta(1)),
    ),
    ("the next batch", BATCHES, Standing(WAITING, NOW, 5), (12, 7, 0, 0), Step(RUNNING, 5)),
    (
        "the end in a wait, when all are stopped",
        BATCHES,
        Standing(WAITING, NOW, 5),
        (12, 0, 0, 0),
        Step(DONE),
    ),
    ("nothing when it was broken off", FIVE, Standing(HALTED), (12, 0, 0, 9), Step(HALTED)),
    ("nothing when it has gone out", FIVE, Standing(DONE), (12, 0, 3, 0), Step(DONE)),
]


@pytest.mark.parametrize(
    ("terms", "at", "runs", "step"), [pytest.param(*row[1:], id=row[0]) for row in STEPS]
)
def test_what_comes_next(terms, at, runs, step):
    assert next_step(terms, at, Runs(*runs), now=LATER) == step


@pytest.mark.parametrize(
    ("text", "part"), [("10", Share(10)), (" 25% ", Share(25, True)), ("5 %", Share(5, True))]
)
def test_a_share_is_a_number_or_a_part(text, part):
    assert share(text, field="at_a_time") == part


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-1", "1.5", "ten", "10 per cent", "1234567"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(RolloutRefused):
        share(text, field="at_a_time")


# --- Through the operations ---

pytestmark = pytest.mark.django_db


def rolled_out(principal, *instances, plan=None, waits_until=None, **terms):
    terms = RolloutTerms(**{"at_a_time": Share(2), **terms})
    timing = Timing(plan or Plan(PlanKind.NOW), terms=Terms(terms, waits_until))
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    return run_command(principal, instances[0].region, Script("echo hi"), targets=targets, timing=timing)


def go_on(invocation, **later):
    advance_on(SYSTEM, invocation.pk, now=timezone.now() + timedelta(**later))


def states(invocation):
    """Of the targets in the order of their turns; a small h for those that are held."""
    rows = Target.objects.filter(invocation=invocation).order_by("pk").values_list("status", "is_held")
    return "".join("h" if held and status == "Pending" else status[0] for status, held in rows)


def end_those_that_have_begun(invocation, **how):
    for target in Target.objects.filter(invocation=invocation, status="Pending", is_held=False):
        fetch(target)
        report(target, **how)


@pytest.fixture
def five(olga):
    return InstanceFactory.create_batch(5)


def test_only_the_first_ones_begin_and_the_others_are_not_told(
    olga, five, bell, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        invocation = rolled_out(olga, *five)

    assert states(invocation) == "PPhhh"
    assert set(bell.kicks) == {target.instance_id for target in invocation.targets.order_by("pk")[:2]}
    assert fresh(invocation).n_pending == 5
    held = invocation.targets.order_by("pk")[3]
    assert held.due_at is None
    assert not fetch(held).runs


def test_one_that_has_ended_gives_its_place_to_the_next(olga, five, bell, django_capture_on_commit_callbacks):
    invocation = rolled_out(olga, *five)
    first = invocation.targets.order_by("pk")[0]
    fetch(first)

    with django_capture_on_commit_callbacks(execute=True):
        report(first)

    assert states(invocation) == "SPPhh"
    assert bell.kicks.keys() == {invocation.targets.order_by("pk")[2].instance_id}


def test_it_comes_to_its_end_and_says_how_far_it_was(olga, five):
    invocation = rolled_out(olga, *five)
    for _turn in range(3):
        end_those_that_have_begun(invocation)
        go_on(invocation)

    rollout = Rollout.objects.get()
    assert states(invocation) == "SSSSS"
    assert (rollout.state, rollout.n_released) == ("Done", 5)
    assert fresh(invocation).status == "Success"
    assert not repair_counters(SYSTEM, invocation, now=timezone.now())


def test_asking_twice_does_nothing_twice(olga, five):
    invocation = rolled_out(olga, *five)
    report(invocation.targets.order_by("pk")[0])

    assert advance(SYSTEM, invocation.pk, now=timezone.now())
    assert not advance(SYSTEM, invocation.pk, now=timezone.now())

    assert states(invocation) == "SPPhh"
    assert Rollout.objects.get().n_released == 3


def test_a_process_that_dies_in_a_step_leaves_nothing_half_done(olga, five):
    invocation = rolled_out(olga, *five)
    report(invocation.targets.order_by("pk")[0])

    with transaction.atomic():
        advance(SYSTEM, invocation.pk, now=timezone.now())
        transaction.set_rollback(True)
    assert states(invocation) == "SPhhh"
    assert Rollout.objects.get().n_released == 2

    advance_all(SYSTEM, now=timezone.now())
    assert states(invocation) == "SPPhh"


def test_reports_between_two_looks_are_counted_once(olga, five):
    invocation = rolled_out(olga, *five)
    one, other = invocation.targets.order_by("pk")[:2]
    report(one)
    go_on(invocation)
    report(one)
    report(other, "error", error_code="1")

    go_on(invocation)
    go_on(invocation)

    assert states(invocation) == "SEPPh"


def test_the_sweep_takes_the_step_that_nobody_was_told_of(olga, five):
    invocation = rolled_out(olga, *five)
    end_those_that_have_begun(invocation)

    advance_all(SYSTEM, now=timezone.now())
    advance_all(SYSTEM, now=timezone.now())

    assert states(invocation) == "SSPPh"


def test_offline_servers_fail_at_their_turn_and_hold_nobody_up(olga):
    instances = [
        InstanceFactory(offline=True),
        InstanceFactory(),
        *InstanceFactory.create_batch(3, offline=True),
    ]

    invocation = rolled_out(olga, *sorted(instances, key=lambda one: one.pk), at_a_time=Share(1))
    go_on(invocation)

    gone = Target.objects.filter(invocation=invocation, status="Aborted")
    assert {target.error_code for target in gone} <= {"ClientNotOnline", "ClientNotRunning"}
    assert Target.objects.filter(invocation=invocation, status="Pending", is_held=False).count() == 1
    end_those_that_have_begun(invocation)
    go_on(invocation)
    assert fresh(invocation).status == "PartialFailed"
    assert fresh(invocation).n_aborted == 4


def test_too_many_failures_call_off_what_has_not_begun(olga, five):
    invocation = rolled_out(olga, *five, stop_after=Share(1))
    report(invocation.targets.order_by("pk")[0], exit_code=3)

    go_on(invocation)

    assert states(invocation) == "FPCCC"
    assert invocation.targets.filter(error_code="RolloutHalted").count() == 3
    assert Rollout.objects.get().state == "Halted"
    end_those_that_have_begun(invocation)
    assert fresh(invocation).status == "PartialFailed"


def test_the_first_batch_waits_for_a_word_and_the_word_is_remembered(olga, five):
    invocation = rolled_out(olga, *five, first_batch=1)
    assert states(invocation) == "Phhhh"
    end_those_that_have_begun(invocation)
    go_on(invocation)
    assert Rollout.objects.get().state == "Paused"
    go_on(invocation, hours=23)
    assert states(invocation) == "Shhhh"

    confirm_rollout(olga, invocation)
    confirm_rollout(olga, invocation)

    rollout = Rollout.objects.get()
    assert states(invocation) == "SPPhh"
    assert (rollout.state, rollout.confirmed_by_id) == ("Running", olga.user_id)
    [entry] = AuditEntry.objects.filter(
        action="ecs:RunCommand", resource=invocation.pk, facts__rollout="confirmed"
    )
    assert entry.facts["targets"] == 4


def test_nothing_is_confirmed_before_the_first_ones_have_ended(olga, five):
    invocation = rolled_out(olga, *five, first_batch=1)

    with pytest.raises(NothingToConfirm):
        confirm_rollout(olga, invocation)


def test_who_may_not_run_it_there_may_not_confirm(olga, five, somebody):
    invocation = rolled_out(olga, *five, first_batch=1)
    end_those_that_have_begun(invocation)
    go_on(invocation)
    first = invocation.targets.order_by("pk")[0].instance_id
    paul = somebody(
        "paul", {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": f"acs:ecs:*:*:instance/{first}"}
    )

    with pytest.raises(NotAllowed):
        confirm_rollout(paul.principal, invocation)

    assert states(invocation) == "Shhhh"


def test_nobody_waits_for_a_word_for_ever(olga, five):
    invocation = rolled_out(olga, *five, first_batch=1)
    end_those_that_have_begun(invocation)
    go_on(invocation)

    advance_all(SYSTEM, now=timezone.now() + timedelta(hours=25))

    assert states(invocation) == "SCCCC"
    assert invocation.targets.filter(error_code="RolloutNotConfirmed").count() == 4
    assert fresh(invocation).is_final


def test_between_batches_it_waits(olga, five):
    invocation = rolled_out(olga, *five, wait=60)
    report(invocation.targets.order_by("pk")[0])
    go_on(invocation)
    assert states(invocation) == "SPhhh"

    end_those_that_have_begun(invocation)
    waiting_since = timezone.now()
    go_on(invocation)
    assert states(invocation) == "SShhh"
    assert Rollout.objects.get().state == "Waiting"
    advance_on(SYSTEM, invocation.pk, now=waiting_since + timedelta(seconds=59))
    assert states(invocation) == "SShhh"

    advance_all(SYSTEM, now=timezone.now() + timedelta(seconds=61))
    assert states(invocation) == "SSPPh"
    assert Rollout.objects.get().n_batches == 2


def test_a_stop_ends_those_that_wait_at_once(olga, five):
    invocation = rolled_out(olga, *five)
    fetch(invocation.targets.order_by("pk")[0])

    stop_invocation(olga, invocation)
    go_on(invocation)

    assert states(invocation) == "SCCCC"
    assert fresh(invocation).n_stopping == 1
    assert Rollout.objects.get().state == "Done"


def test_a_stop_while_it_is_paused_ends_it(olga, five):
    invocation = rolled_out(olga, *five, first_batch=1)
    end_those_that_have_begun(invocation)
    go_on(invocation)

    stop_invocation(olga, invocation)
    advance_all(SYSTEM, now=timezone.now())

    assert fresh(invocation).is_final
    assert Rollout.objects.get().state == "Done"


def test_a_server_that_leaves_before_its_turn_holds_nobody_up(olga, five):
    invocation = rolled_out(olga, *five)
    deregister_managed_instance(olga, invocation.targets.order_by("pk")[2].instance)
    end_those_that_have_begun(invocation)

    go_on(invocation)

    assert states(invocation) == "SSAPP"


def test_deadlines_do_not_touch_those_that_wait(olga, five):
    invocation = rolled_out(olga, *five)

    end_overdue(SYSTEM, now=timezone.now() + timedelta(hours=2))
    assert states(invocation) == "AAhhh"
    go_on(invocation)

    assert states(invocation) == "AAPPh"


def test_run_again_goes_as_carefully(olga, five):
    invocation = rolled_out(olga, *five, stop_after=Share(1))

    again = run_again(olga, invocation)

    assert states(again) == "PPhhh"
    assert again.rollout.terms == invocation.rollout.terms


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (RolloutRefused, {"plan": Plan(PlanKind.NEXT_START)}),
        (OfflineWaitRefused, {"waits_until": NOW + timedelta(days=1)}),
        (RolloutRefused, {"wait": 24 * 60 * 60 + 1}),
        (RolloutRefused, {"first_batch": -1}),
    ],
)
def test_what_cannot_go_step_by_step_is_refused(olga, five, error, wrong):
    with pytest.raises(error):
        rolled_out(olga, *five, **wrong)

    assert not Rollout.objects.exists()


@pytest.mark.parametrize("number", [5, 60])
def test_a_step_takes_as_many_queries_for_many_as_for_few(olga, number, django_assert_max_num_queries):
    # Half of them: the guard has nothing to ask.
    some = InstanceFactory.create_batch(2 * number)[::2]
    invocation = rolled_out(olga, *some, at_a_time=Share(3))
    end_those_that_have_begun(invocation)

    with django_assert_max_num_queries(16):
        advance(SYSTEM, invocation.pk, now=timezone.now())


def test_alone_it_is_a_rollout_too(olga):
    invocation = rolled_out(olga, InstanceFactory(), first_batch=1)

    assert target_of(invocation).status == "Pending"
    go_on(invocation)
    assert Rollout.objects.get().state == "Done"


def test_the_command_line_takes_the_terms(operator, five):
    words = ["--content", "true", "--as", "olga", "--instance", *(instance.pk for instance in five)]

    call_command(
        "run_command", *words, "--at-a-time", "40%", "--first", "1", "--pause", "9", "--stop-after", "3"
    )

    terms = RolloutTerms(Share(40, is_percent=True), first_batch=1, wait=9, stop_after=Share(3))
    assert Rollout.objects.get().terms == terms


def test_the_command_line_wants_to_know_how_many_at_a_time(operator, five, capsys):
    with pytest.raises(SystemExit):
        call_command(
            "run_command", "--content", "true", "--as", "olga", "--instance", five[0].pk, "--first", "1"
        )

    assert "--at-a-time" in capsys.readouterr().err


# --- The pages ---

FORM = {"language": "shell", "content": "true", "timeout": 60, "plan": "now"}


def test_the_form_takes_the_terms(as_operator, five):
    words = {"at_a_time": "2", "first_batch": "1", "batch_wait": "", "stop_after": "20%"}

    as_operator.post("/console/run/", {**FORM, **words, "instance": [instance.pk for instance in five]})

    terms = RolloutTerms(Share(2), first_batch=1, stop_after=Share(20, is_percent=True))
    assert Rollout.objects.get().terms == terms


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"at_a_time": "many"}, "at_a_time"),
        ({"first_batch": "2"}, "at_a_time"),
        ({"at_a_time": "2", "stop_after": "0"}, "stop_after"),
        ({"at_a_time": "2", "batch_wait": "-1"}, "batch_wait"),
        ({"at_a_time": "2", "plan": "next-start"}, "at_a_time"),
        ({"at_a_time": "2", "waits_until": "24"}, "waits_until"),
        ({"waits_until": "25"}, "waits_until"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(as_operator, five, words, field):
    shown = as_operator.post("/console/run/", {**FORM, **words, "instance": five[0].pk})

    assert shown.status_code == 422
    assert shown.context["terms"].errors[field]


def test_the_page_says_how_far_it_is_and_lets_it_go_on(as_operator, olga, five):
    invocation = rolled_out(olga, *five, first_batch=1)
    end_those_that_have_begun(invocation)
    go_on(invocation)

    page = as_operator.get(invocation.get_absolute_url()).content.decode()
    assert "<b>1 of 5</b> have begun." in page
    assert "Go on with the other 4" in page
    assert page.count("waits for its turn") == 4
    as_operator.post(f"/console/invocations/{invocation.pk}/rollout/confirm/")

    page = as_operator.get(invocation.get_absolute_url()).content.decode()
    assert "<b>3 of 5</b> have begun." in page
    assert "confirmed by olga" in page


def test_the_page_lets_no_more_begin(as_operator, olga, five):
    invocation = rolled_out(olga, *five)

    as_operator.post(f"/console/invocations/{invocation.pk}/rollout/stop/")

    assert states(invocation) == "PPCCC"


@pytest.mark.parametrize(("wait", "words"), [(60, "Batch 1 of 3."), (0, "at a time")])
def test_batches_are_counted_where_there_are_any(as_operator, olga, five, wait, words):
    invocation = rolled_out(olga, *five, wait=wait)

    assert words in as_operator.get(invocation.get_absolute_url()).content.decode()


# --- Who may do so no longer ---


EVERYWHERE = {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": "*"}
FROM_THE_OFFICE = {
    **EVERYWHERE,
    "Condition": {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}},
}


def without_permission(paul):
    PolicyAttachment.objects.filter(user=paul.user).delete()


def switched_off(paul):
    User.objects.filter(pk=paul.user.pk).update(is_active=False)


@pytest.mark.parametrize("happened", [without_permission, switched_off])
def test_nothing_more_begins_for_who_may_run_it_no_longer(five, somebody, as_operator, happened):
    paul = somebody("paul", EVERYWHERE)
    invocation = rolled_out(paul.principal, *five)
    end_those_that_have_begun(invocation)

    happened(paul)
    go_on(invocation)

    assert states(invocation) == "SSCCC"
    called_off = invocation.targets.filter(error_code="RolloutNotAllowed")
    assert called_off.count() == 3
    page = as_operator.get(called_off[0].get_absolute_url()).content.decode()
    assert "whoever ran it may do so no longer" in page
    assert Rollout.objects.get().state == "Halted"
    assert fresh(invocation).is_final


def test_where_a_permission_is_left_it_goes_on(five, somebody):
    paul = somebody("paul", FROM_THE_OFFICE)
    invocation = rolled_out(paul.principal, *five)
    end_those_that_have_begun(invocation)

    go_on(invocation)

    assert states(invocation) == "SSPPh"


def test_it_goes_on_for_the_role_in_which_it_was_run(five, somebody):
    paul = somebody("paul")
    role = Role.objects.create(name="runner")
    PolicyAttachment.objects.create(policy=put_policy("runs", EVERYWHERE), role=role)
    as_runner = principal_for(paul.user, Door.CONSOLE, role=role)
    invocation = rolled_out(as_runner, *five)
    end_those_that_have_begun(invocation)
    go_on(invocation)
    assert states(invocation) == "SSPPh"

    end_those_that_have_begun(invocation)
    role.delete()
    go_on(invocation)

    assert states(invocation) == "SSSSC"


def test_it_goes_on_for_who_has_given_the_word(olga, five, somebody):
    paul = somebody("paul", EVERYWHERE)
    invocation = rolled_out(paul.principal, *five, first_batch=1)
    end_those_that_have_begun(invocation)
    go_on(invocation)
    confirm_rollout(olga, invocation)
    switched_off(paul)
    end_those_that_have_begun(invocation)

    go_on(invocation)

    assert states(invocation) == "SSSPP"

"""Rollouts: runs that are held until their turn comes (`rules.rollouts` says when that is).

What is next is found out from the rows each time, so a step may be asked for at any moment, twice, or late:
after commits that end runs, and by the sweep.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.operations.decisions import authorize_each, authorize_look
from access.operations.identities import Origin, principal_still
from access.principals import Door, Principal
from access.rules.conditions import RUN_AS_KEY
from access.scopes import arn
from assistant.commands.models import Command
from assistant.instances.operations.permissions import authorize_instances
from assistant.invocations import followups
from assistant.invocations.errors import NothingToConfirm
from assistant.invocations.models import Invocation, Rollout, Target
from assistant.invocations.operations.apart import apart
from assistant.invocations.operations.sweeps import surroundings
from assistant.invocations.operations.writing import hold, write
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules import codes
from assistant.invocations.rules.progress import call_off, take_turn
from assistant.invocations.rules.restarts import is_wanted
from assistant.invocations.rules.rollouts import RolloutState, RolloutTerms, Runs, Step, next_step
from assistant.invocations.states import Status
from console.kit.errors import NotAllowed

logger = logging.getLogger(__name__)


def begin_rollout(
    principal: Principal, invocation: Invocation, terms: RolloutTerms, *, now: datetime
) -> None:
    """Write down how it goes out, and let the first ones begin; part of the operation that makes the run."""
    Rollout.objects.create(
        invocation=invocation,
        **given_by(principal),
        at_a_time=terms.at_a_time.text,
        first_batch=terms.first_batch,
        wait=terms.wait,
        stop_after=terms.stop_after.text if terms.stop_after else "",
    )
    advance(principal, invocation.pk, now=now)
    invocation.refresh_from_db()


@transaction.atomic
def advance(_principal: Principal, invocation_id: str, *, now: datetime) -> bool:
    """Take the next step; says whether there may be another one at once. Does nothing where none is due."""
    rollout = Rollout.objects.locked().filter(pk=invocation_id).first()
    if rollout is None or rollout.is_over:
        return False
    if rollout.state == RolloutState.FOLLOWING:
        return begin_following(rollout, now=now)
    step = next_step(rollout.terms, rollout.standing, runs_of(invocation_id), now=now)
    if step.n_released and not is_still_allowed(rollout, step.n_released):
        step = Step(RolloutState.HALTED, reason=codes.ROLLOUT_NOT_ALLOWED)
    n_begun = let_begin(invocation_id, step.n_released, now=now) if step.n_released else 0
    if step.reason:
        call_off_rest(invocation_id, step.reason, now=now)
    note_step(rollout, step, n_begun)
    # Those that are offline have ended with their turn.
    return n_begun > 0 or (step.state is not rollout.standing.state and not step.state.is_over)


def begin_following(rollout: Rollout, *, now: datetime) -> bool:
    """Let it go out when the run that it follows has ended everywhere, but not where it is not due."""
    first = rollout.invocation.follows
    if first is not None and not first.is_final:
        return False
    ended = Target.objects.filter(invocation=first).values_list("instance_id", "status", "started_at")
    due = {
        pk
        for pk, status, started_at in ended
        if is_wanted(Status(status), has_begun=started_at is not None, only_succeeded=rollout.only_succeeded)
    }
    batch = hold(Target.objects.held_back().filter(invocation=rollout.pk))
    for run in batch.runs:
        if run.instance_id not in due:
            call_off(run, codes.RESTART_NOT_DUE, now=now)
    write(batch, now=now)
    note_step(rollout, Step(RolloutState.RUNNING), 0)
    return True


def runs_of(invocation_id: str) -> Runs:
    """How the runs of an invocation go, at one moment: counted in one statement."""
    held = Target.objects.held_back().filter(invocation=OuterRef("pk")).order_by()
    n_held = Subquery(held.values("invocation").annotate(number=Count("pk")).values("number"))
    bad = F("n_failed") + F("n_timeout") + F("n_error") + F("n_invalid") + F("n_aborted")
    row = Invocation.objects.filter(pk=invocation_id).values_list(
        "n_total",
        Coalesce(n_held, 0),
        F("n_pending") + F("n_running") + F("n_scheduled") + F("n_stopping"),
        bad,
    )
    n_total, held_now, n_open, n_failed = row[0]
    return Runs(n_total, held_now, n_open - held_now, n_failed)


def next_ones(invocation_id: str, number: int) -> TargetQuerySet:
    waiting = Target.objects.held_back().filter(invocation=invocation_id).order_by("pk")
    chosen = list(waiting.values_list("pk", flat=True)[:number])
    return waiting.filter(pk__lte=chosen[-1]) if chosen else waiting.none()


def let_begin(invocation_id: str, number: int, *, now: datetime) -> int:
    """The turn of the next ones, in the order of their ids; who is offline has failed. Says how many."""
    batch = hold(next_ones(invocation_id, number))
    around = surroundings([run.instance_id for run in batch.runs], now=now)
    for run in batch.runs:
        take_turn(run, around[run.instance_id], now=now)
    write(batch, now=now)
    followups.deliver(invocation_id, [run.instance_id for run in batch.runs if run.status is Status.PENDING])
    return len(batch.runs)


def call_off_rest(invocation_id: str, reason: str, *, now: datetime) -> None:
    batch = hold(Target.objects.held_back().filter(invocation=invocation_id))
    for run in batch.runs:
        call_off(run, reason, now=now)
    write(batch, now=now)
    logger.info("Rollout broken off invocation=%s reason=%s runs=%d", invocation_id, reason, len(batch.runs))


def note_step(rollout: Rollout, step: Step, n_begun: int) -> None:
    changes = {
        "state": step.state,
        "next_at": step.next_at,
        "n_released": rollout.n_released + n_begun,
        "n_batches": rollout.n_batches + bool(n_begun and rollout.begins_batch),
    }
    if any(getattr(rollout, name) != value for name, value in changes.items()):
        Rollout.objects.filter(pk=rollout.pk).update(**changes)
        followups.runs_changed([rollout.pk], [])


def advance_all(principal: Principal, *, now: datetime) -> None:
    """Take the steps that nobody was told of, or whose time has come."""
    for invocation_id in Rollout.objects.to_look_at(now).values_list("pk", flat=True):
        with apart("rollout", invocation_id):
            advance_on(principal, invocation_id, now=now)


def advance_on(principal: Principal, invocation_id: str, *, now: datetime) -> None:
    """Step by step, a transaction each, as far as it goes now."""
    while advance(principal, invocation_id, now=now):
        pass


@operation("ecs:RunCommand")
def confirm_rollout(principal: Principal, invocation: Invocation) -> Invocation:
    """Let a rollout go on after its first batch. A second word changes nothing.

    Whoever confirms must be allowed to run the command on all that have not begun.
    """
    authorize_runs(principal, invocation, invocation.targets.held_back())
    now = timezone.now()
    rollout = Rollout.objects.locked().filter(pk=invocation.pk).first()
    if rollout is not None and rollout.confirmed_at is not None:
        return invocation
    if rollout is None or rollout.state != RolloutState.PAUSED:
        raise NothingToConfirm(_("There is nothing to confirm: the run does not wait for it."))

    facts = {"confirmed_at": now, "confirmed_by": principal.user_id, **given_by(principal)}
    # What waits until now goes on with its next step.
    Rollout.objects.filter(pk=rollout.pk).update(state=RolloutState.WAITING, next_at=now, **facts)
    n_held = runs_of(invocation.pk).n_held
    advance(principal, invocation.pk, now=now)
    invocation.refresh_from_db()

    record(principal, "ecs:RunCommand", invocation.pk, rollout="confirmed", targets=n_held)
    logger.info("Rollout confirmed invocation=%s principal=%s", invocation.pk, principal.name)
    return invocation


def called(command: Command) -> str:
    """What a policy calls it: a common one by its name."""
    if not command.provider:
        return command.arn
    return arn("ecs", "command", command.name, region=command.region_id)


def given_by(principal: Principal) -> dict[str, Any]:
    """How whoever lets it go on has come: conditions of policies speak of that."""
    return {
        "role": principal.role,
        "source_ip": principal.source_ip,
        "is_secure": principal.is_secure,
        "has_second_factor": principal.has_second_factor,
    }


def is_still_allowed(rollout: Rollout, number: int) -> bool:
    """Whether who made it, or has confirmed it since, may run it on the next ones now."""
    invocation = rollout.invocation
    user_id = rollout.confirmed_by_id if rollout.confirmed_at else invocation.created_by_id
    origin = Origin(rollout.source_ip, rollout.is_secure, rollout.has_second_factor)
    principal = principal_still(user_id, Door(invocation.door), origin=origin, role=rollout.role)
    if principal is None:
        return False
    try:
        authorize_runs(principal, invocation, next_ones(invocation.pk, number))
    except NotAllowed:
        return False
    return True


def authorize_runs(principal: Principal, invocation: Invocation, targets: TargetQuerySet) -> None:
    if invocation.is_restart:
        servers = targets.order_by("pk").values_list("instance_id", "instance__region_id")
        authorize_instances(principal, "ecs:RebootInstance", list(servers))
        return
    action = invocation.run_action
    columns = targets.order_by("pk").values_list("instance_id", "instance__region_id", "username")
    places = {pk: (region_id, username) for pk, region_id, username in columns}
    if not places:
        authorize_look(principal, action)
        return
    run_as = {pk: {RUN_AS_KEY: username} for pk, (_region, username) in places.items()}
    if action == "ecs:InvokeCommand":
        accounts = sorted({username for _region, username in places.values()})
        command = called(invocation.command)
        authorize_each(principal, action, [(command, {RUN_AS_KEY: account}) for account in accounts])
    wanted = [(pk, region_id) for pk, (region_id, _username) in places.items()]
    authorize_instances(principal, action, wanted, contexts=run_as)

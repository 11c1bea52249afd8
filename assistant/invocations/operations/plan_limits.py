"""What keeps plans from running for a while: blackout windows, and a region's quota of runs.

Agents fire plans by themselves. A plan that is held is taken back from its agent by a stop (`deliveries`),
which is not its end (`rules.progress.lets_go`), and handed out again with a higher version. What is held
follows from the windows and the quota as they are at the moment: a step that was left out is made up for.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from access.operations.quotas import used_up
from access.principals import Principal
from access.rules.quotas import RUNS
from assistant.instances.models import Instance
from assistant.invocations import followups, limits
from assistant.invocations.models import Blackout, Invocation, Target
from assistant.invocations.operations.apart import all_or_each
from assistant.invocations.operations.writing import Batch, hold, write
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.progress import Run, give_back, hold_back
from assistant.invocations.states import OPEN, HoldCause, RepeatMode, Status

logger = logging.getLogger(__name__)

NOWHERE = Q(pk__in=[])


def hold_plans(principal: Principal, *, now: datetime) -> int:
    """Hold the plans that must not run now and give back the others; says how many were moved.

    Windows count a little ahead, so that agents have let go when they begin. A run that goes on is left
    alone: its plan is held when it has ended.
    """
    in_force = Blackout.objects.in_force(now, ahead=limits.HOLD_AHEAD)
    dark = matching([blackout for blackout, _stretch in in_force])
    spent = of_spent_regions(now=now)
    free = Target.objects.held().exclude((dark | spent) & Q(status__in=OPEN))
    moved = step_by_step(give_targets_back, principal, free, now=now)
    for wanted, cause in ((dark, HoldCause.BLACKOUT), (spent, HoldCause.QUOTA)):
        if wanted is not NOWHERE:
            moved += step_by_step(holder(cause), principal, Target.objects.to_hold().filter(wanted), now=now)
    return moved


def matching(blackouts: Sequence[Blackout]) -> Q:
    """The targets that these windows are about."""
    wanted = NOWHERE
    for blackout in blackouts:
        places = Instance.objects.at_place(blackout.region_id, blackout.tag_key, blackout.tag_value)
        wanted |= Q(instance__in=places)
    return wanted


def of_spent_regions(*, now: datetime) -> Q:
    """Targets of plans that recur where no run is left for today: what runs once was counted when it was made."""
    with_plans = Invocation.objects.recurring().running().order_by()
    regions = used_up(RUNS, list(with_plans.values_list("region_id", flat=True).distinct()), now=now)
    if not regions:
        return NOWHERE
    recurring = Invocation.objects.recurring().filter(region__in=regions)
    return Q(invocation__in=recurring)


# --- Steps ---


Step = Callable[..., int]


def step_by_step(step: Step, principal: Principal, targets: TargetQuerySet, *, now: datetime) -> int:
    """Take the targets in batches, each in its own transaction; those that cannot be read are left out."""
    moved, last = 0, 0
    while pks := list(targets.following(last)[: limits.SWEEP_BATCH]):
        number, _left_out = all_or_each(partial(step, principal, now=now), pks)
        moved, last = moved + number, pks[-1]
    return moved


def holder(cause: HoldCause) -> Step:
    return partial(hold_targets, cause=cause)


@transaction.atomic
def hold_targets(_principal: Principal, pks: Collection[int], *, cause: HoldCause, now: datetime) -> int:
    """Keep these from running, as far as they wait for their time and nothing holds them already."""
    # Asked again under the lock: a run may have begun in between.
    batch = hold(Target.objects.to_hold().filter(pk__in=pks))
    for run in batch.runs:
        series = batch.series.get(run.id)
        series.hold_back(cause, now=now) if series else hold_back(run, cause)
    held = write(batch, now=now)
    followups.ring_later([run.instance_id for run in batch.runs if run.delivered_at], "kick_vm task stop")
    if held:
        logger.info("Plans held cause=%s targets=%d", cause.value, held)
    return held


@transaction.atomic
def give_targets_back(_principal: Principal, pks: Collection[int], *, now: datetime) -> int:
    """Let these run again: agents that have let go are told of the plan anew."""
    batch = hold(Target.objects.held().filter(pk__in=pks))
    raise_versions(batch)
    for run in batch.runs:
        series = batch.series.get(run.id)
        series.give_back(now=now) if series else give_back(run, now=now)
    given = write(batch, now=now)
    waiting = [run.instance_id for run in batch.runs if is_to_be_told(run)]
    followups.ring_later(waiting, "kick_vm task run")
    logger.info("Plans given back targets=%d", given)
    return given


def raise_versions(batch: Batch) -> None:
    """Agents take a plan that they had before only with a higher version."""
    wanted = {run.invocation_id for run in batch.runs if is_to_be_told(run)}
    # All that the batch may move, before any counter is moved: everybody holds invocations in one order.
    list(Invocation.objects.locked({run.invocation_id for run in batch.runs}).only("pk"))
    Invocation.objects.filter(pk__in=wanted).update(invoke_version=F("invoke_version") + 1)


def is_to_be_told(run: Run) -> bool:
    return run.status is Status.SCHEDULED and run.repeat_mode == RepeatMode.PERIOD

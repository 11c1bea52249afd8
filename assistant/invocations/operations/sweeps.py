"""What never came back: deadlines, and the end of the instance itself. Nothing stays Running for ever."""

import logging
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Count

from access.principals import Principal
from assistant.instances.models import Instance
from assistant.invocations import followups, limits
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.apart import all_or_each, apart
from assistant.invocations.operations.writing import (
    COUNTERS,
    hold,
    invocation_values,
    tell_end,
    write,
    write_counters,
)
from assistant.invocations.rules.progress import Surroundings, pass_deadline, release
from assistant.invocations.states import Status, overall

logger = logging.getLogger(__name__)


def end_all_overdue(principal: Principal, *, now: datetime) -> None:
    while end_overdue(principal, now=now) == limits.SWEEP_BATCH:
        pass


def end_overdue(principal: Principal, *, now: datetime) -> int:
    """Turn runs whose deadline has passed into their error; says how many were looked at. One batch."""
    pks = list(Target.objects.overdue(now).values_list("pk", flat=True))
    _ended, left_out = all_or_each(partial(end_targets, principal, now=now), pks)
    for pk in left_out:
        # Not through `hold`, which may be what fails for it. It comes again, and not as the first one.
        Target.objects.filter(pk=pk).update(due_at=now + limits.LEFT_OUT_FOR)
    return len(pks)


@transaction.atomic
def end_targets(_principal: Principal, pks: Collection[int], *, now: datetime) -> int:
    # Read again under the lock: a report may have come in between.
    batch = hold(Target.objects.filter(pk__in=pks, due_at__lte=now))
    around = surroundings([run.instance_id for run in batch.runs], now=now)
    for run in batch.runs:
        series = batch.series.get(run.id)
        if series:
            series.pass_deadline(around[run.instance_id], now=now)
        else:
            pass_deadline(run, around[run.instance_id], now=now)
    ended = write(batch, now=now)
    # Plans that have expired are taken back from their agents.
    expired = [run.instance_id for run in batch.runs if run.status is Status.STOPPING]
    followups.ring_later(expired, "kick_vm")
    logger.info("Deadlines passed runs=%d", len(batch.runs))
    return ended


def surroundings(instance_ids: list[str], *, now: datetime) -> dict[str, Surroundings]:
    instances = Instance.objects.filter(pk__in=set(instance_ids))
    connected = set(instances.connected(now).values_list("pk", flat=True))
    running = Target.objects.running_per_instance(instance_ids)
    return {
        pk: Surroundings(ever_seen=seen_at is not None, connected=pk in connected, runs=running.get(pk, 0))
        for pk, seen_at in instances.values_list("pk", "last_seen_at")
    }


@transaction.atomic
def release_runs(_principal: Principal, instance: Instance, *, now: datetime) -> int:
    """End everything that is open on an instance that is no longer ours (CA-45)."""
    batch = hold(Target.objects.unfinished().filter(instance=instance))
    for run in batch.runs:
        series = batch.series.get(run.id)
        series.release(now=now) if series else release(run, now=now)
    return write(batch, now=now)


def release_stragglers(principal: Principal, *, now: datetime) -> int:
    """End what was begun on an instance in the very moment of its release; says how many runs."""
    open_ones = Target.objects.unfinished().filter(instance__released_at__isnull=False)
    instances = Instance.objects.filter(pk__in=open_ones.values("instance"))
    number = 0
    for instance in instances:
        with apart("instance", instance.pk):
            number += release_runs(principal, instance, now=now)
    return number


@transaction.atomic
def repair_counters(_principal: Principal, invocation: Invocation, *, now: datetime) -> bool:
    """Count an invocation's targets anew; says whether its counters were wrong.

    They move with the rows, so a difference is a defect or a hand in the database: it is logged.
    """
    held = (
        Invocation.objects.locked([invocation.pk])
        .only("pk", "region_id", "status", "finished_at", *COUNTERS)
        .get()
    )
    rows = Target.objects.filter(invocation=held).order_by().values_list("status").annotate(Count("pk"))
    counts = Counter({Status(status): number for status, number in rows})
    if all(counts[status] == number for status, number in held.counts.items()):
        return False
    logger.error("Counters repaired invocation=%s", held.pk)
    was_final = held.is_final
    write_counters([invocation_values(held, {status: counts[status] for status in Status}, now=now)])
    if overall(counts).is_final and not was_final:
        tell_end(held)
    return True

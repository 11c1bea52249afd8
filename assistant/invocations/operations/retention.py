"""How long results are kept, and the purge that takes the rest away (CA-193).

The quotas `RESULT_DAYS` and `RESULTS` of each region say it. What has ended before the moment that follows
from them goes, the oldest first, in short transactions with room for other writers in between. Each leaves
a state that the next purge goes on from: one that dies has done a part, and one that comes twice finds less.
Open runs are never touched; a plan that lives on loses its old records, not its last ones. The audit trail
stays as it is.
"""

import heapq
import logging
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.operations.calls import operation, record
from access.operations.decisions import authorize_administrator, authorize_look
from access.operations.quotas import in_words, limit, limits_said
from access.principals import Principal
from access.rules.quotas import RESULT_DAYS, RESULTS
from assistant.commands.models import Command
from assistant.instances.models import Region
from assistant.invocations import followups, limits
from assistant.invocations.models import IndexedOutput, Invocation, OutputChunk, Record, Target
from assistant.invocations.operations.indexing import Key, forget_outputs
from assistant.invocations.operations.pacing import Pace
from assistant.invocations.querysets import InvocationQuerySet, RecordQuerySet, pairs
from assistant.invocations.signals import runs_about_to_be_purged

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Purged:
    """What a purge has taken away, or would."""

    runs: int = 0
    # Of instances and of records of plans: what the quota counts.
    results: int = 0
    commands: int = 0
    is_done: bool = False


# --- What is kept ---


def kept_in_words() -> str:
    """How long results are kept, as a sentence for people; empty where they are kept for ever. One query."""
    days, numbers = (sorted(values - {0}) for values in limits_said(RESULT_DAYS, RESULTS))
    if not days:
        return numbers_in_words(numbers)
    if len(days) > 1:
        return _("Results are kept for %(days)d to %(most)d days, depending on the region.") % {
            "days": days[0],
            "most": days[-1],
        }
    message = ngettext("Results are kept for %(days)d day.", "Results are kept for %(days)d days.", days[0])
    return " ".join(filter(None, [message % {"days": days[0]}, numbers_in_words(numbers)]))


def numbers_in_words(numbers: list[int]) -> str:
    if not numbers:
        return ""
    return _("Of a region the newest %(number)s are kept.") % {"number": in_words(numbers[0])}


def results_in(region_id: str) -> int:
    """The results that a region keeps: one per instance and run, and of plans one per record."""
    runs = Invocation.objects.filter(region=region_id).aggregate(number=Sum("n_total"))["number"] or 0
    return int(runs) + Record.objects.filter(invocation__region=region_id).count()


def cutoff_of(region_id: str, *, now: datetime) -> datetime | None:
    """What has ended by this moment goes: it is too old, or there are too many that are newer. None: nothing."""
    days, most = limit(RESULT_DAYS, region_id), limit(RESULTS, region_id)
    moments = [now - timedelta(days=days)] if days else []
    excess = results_in(region_id) - most if most else 0
    if excess > 0:
        moments.append(end_of_oldest(region_id, excess))
    return max(moments, default=None)


def end_of_oldest(region_id: str, number: int) -> datetime:
    """When the last of so many oldest results ended: of whole runs, and of records that plans have outlived."""
    runs = Invocation.objects.ended().filter(region=region_id).order_by("finished_at")
    sizes = runs.annotate(n_records=Count("records")).values_list("finished_at", "n_total", "n_records")
    records = Record.objects.outlived().filter(invocation__region=region_id).order_by("finished_at")
    ends = records.values_list("finished_at", flat=True)
    end = datetime.min.replace(tzinfo=UTC)
    for moment, size in heapq.merge(
        ((moment, n_total + n_records) for moment, n_total, n_records in sizes.iterator()),
        ((moment, 1) for moment in ends.iterator()),
    ):
        end = moment or end
        number -= size
        if number <= 0:
            break
    return end


def doomed_runs(region_id: str, cutoff: datetime) -> InvocationQuerySet:
    return (
        Invocation.objects.ended().filter(region=region_id, finished_at__lte=cutoff).order_by("finished_at")
    )


def doomed_records(region_id: str, cutoff: datetime) -> RecordQuerySet:
    return Record.objects.outlived().filter(invocation__region=region_id, finished_at__lte=cutoff)


def what_would_go(principal: Principal, *, now: datetime) -> Purged:
    """What a purge would take away now. Changes nothing."""
    authorize_look(principal, "quotas:ListProductQuotas")
    would = Purged()
    for region in Region.objects.order_by("pk"):
        cutoff = cutoff_of(region.pk, now=now)
        if cutoff is None:
            continue
        runs = doomed_runs(region.pk, cutoff)
        would.runs += runs.count()
        would.results += runs.order_by().aggregate(number=Sum("n_total"))["number"] or 0
        would.results += Record.objects.filter(invocation__in=runs.order_by()).count()
        would.results += doomed_records(region.pk, cutoff).count()
    would.commands = Command.objects.unused(now - limits.COMMAND_REST).count()
    would.is_done = True
    return would


# --- The purge ---


@operation("ecs:PurgeResults")
def order_purge(principal: Principal) -> None:
    """Let somebody have the purge done now, and remember who it was."""
    authorize_administrator(principal, "ecs:PurgeResults")

    record(principal, "ecs:PurgeResults")


def purge_results(principal: Principal, *, now: datetime, pace: Pace, until: float) -> Purged:
    """Take away what is not kept, until then by the monotonic clock; another call does the rest."""
    purged = Purged()
    for _step in purge_steps(principal, purged, now=now, pace=pace):
        if time.monotonic() >= until:
            break
    else:
        purged.is_done = True
    if purged.runs or purged.results or purged.commands:
        facts = (purged.runs, purged.results, purged.commands)
        logger.info("Results purged runs=%d results=%d commands=%d", *facts)
    return purged


def purge_steps(_principal: Principal, purged: Purged, *, now: datetime, pace: Pace) -> Iterator[None]:
    """The steps of a purge in their order, each committed when the next is asked for."""
    for region in Region.objects.order_by("pk"):
        cutoff = cutoff_of(region.pk, now=now)
        if cutoff is not None:
            yield from purge_runs(region.pk, cutoff, purged, pace)
            yield from purge_records(region.pk, cutoff, purged, pace)
    yield from purge_commands(purged, now=now, pace=pace)


def purge_runs(region_id: str, cutoff: datetime, purged: Purged, pace: Pace) -> Iterator[None]:
    for invocation_id in list(doomed_runs(region_id, cutoff).values_list("pk", flat=True)):
        if at_work_on([invocation_id]):
            continue
        while True:
            with pace.step() as rows:
                number = purge_results_of(invocation_id, rows)
            if not number:
                break
            purged.results += number
            yield
        with pace.step():
            purged.runs += drop_run(invocation_id)
        yield


def at_work_on(invocation_ids: Collection[str]) -> set[str]:
    """Those of these runs that a room above is at work on: they go with the next purge."""
    answers: Any = runs_about_to_be_purged.send(Invocation, invocation_ids=list(invocation_ids))
    return {invocation_id for _receiver, answer in answers for invocation_id in answer}


def purge_results_of(invocation_id: str, rows: int) -> int:
    """Delete some results of a run that has ended, records before their targets; says how many."""
    targets = Target.objects.filter(invocation=invocation_id).order_by("pk")
    keys = within_bytes([(pk, 0, size) for pk, size in targets.values_list("pk", "stored_bytes")[:rows]])
    records = Record.objects.filter(target__in=[pk for pk, _number in keys]).order_by("target_id", "number")
    older = within_bytes(records.values_list("target_id", "number", "stored_bytes")[:rows])
    # First the place in the search, in a transaction of its own: that is most of the writing.
    forget_outputs(IndexedOutput.objects.of_keys(older or keys))
    return delete_records(older) if older else delete_targets(keys)


@transaction.atomic
def drop_run(invocation_id: str) -> bool:
    """Delete a run of which no result is left, with what rooms above keep of it."""
    if Target.objects.filter(invocation=invocation_id).exists():
        return False
    n_deleted, _by_model = Invocation.objects.filter(pk=invocation_id).delete()
    followups.runs_changed([invocation_id], [])
    return n_deleted > 0


def purge_records(region_id: str, cutoff: datetime, purged: Purged, pace: Pace) -> Iterator[None]:
    last: int | None = 0
    while last is not None:
        with pace.step() as rows:
            last, number = purge_records_after(last, doomed_records(region_id, cutoff), rows)
        purged.results += number
        yield


def purge_records_after(last: int, doomed: RecordQuerySet, rows: int) -> tuple[int | None, int]:
    """Delete some records of plans that live on; says up to which, None where that was all, and how many."""
    fields = ("target_id", "number", "stored_bytes", "invocation_id", "pk")
    found = list(doomed.filter(pk__gt=last).order_by("pk").values_list(*fields)[:rows])
    if not found:
        return None, 0
    busy = at_work_on({invocation_id for *_key, invocation_id, _pk in found})
    free = [row for row in found if row[3] not in busy]
    keys = within_bytes([row[:3] for row in free])
    up_to = free[len(keys) - 1] if len(keys) < len(free) else found[-1]
    if keys:
        forget_outputs(IndexedOutput.objects.of_keys(keys))
    return up_to[-1], delete_records(keys)


def purge_commands(purged: Purged, *, now: datetime, pace: Pace) -> Iterator[None]:
    """Scripts that were not saved, or are deleted, and that no run shows any more."""
    last = ""
    while True:
        with pace.step() as rows:
            unused = Command.objects.unused(now - limits.COMMAND_REST).filter(pk__gt=last).order_by("pk")
            pks = list(unused.values_list("pk", flat=True)[:rows])
            Command.objects.filter(pk__in=pks).delete()
        if not pks:
            return
        last = pks[-1]
        purged.commands += len(pks)
        yield


# --- Rows ---


def within_bytes(results: Iterable[tuple[int, int, int]]) -> list[Key]:
    """As many of these (target id, number, stored bytes) as one transaction deletes, one at least."""
    keys: list[Key] = []
    total = 0
    for target_id, number, stored_bytes in results:
        total += stored_bytes
        if keys and total > limits.PURGE_BYTES:
            break
        keys.append((target_id, number))
    return keys


@transaction.atomic
def delete_records(keys: list[Key]) -> int:
    held(keys)
    OutputChunk.objects.filter(pairs(keys)).delete()
    Record.objects.of_keys(keys).delete()
    return len(keys)


@transaction.atomic
def delete_targets(keys: list[Key]) -> int:
    held(keys)
    OutputChunk.objects.filter(pairs(keys)).delete()
    Target.objects.filter(pk__in=[pk for pk, _number in keys]).delete()
    return len(keys)


def held(keys: list[Key]) -> list[Target]:
    """The targets, kept from others until the transaction ends: whoever holds one holds its records."""
    return list(Target.objects.filter(pk__in=[pk for pk, _number in keys]).locked().only("pk"))

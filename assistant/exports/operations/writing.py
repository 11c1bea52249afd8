"""Write exports, a batch at a step, and take them away when their day is over."""

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedRandom
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import record
from access.operations.identities import Origin, principal_still
from access.principals import Door, Principal
from assistant.exports import followups, limits
from assistant.exports.models import Export
from assistant.exports.operations.exports import EXPORT
from assistant.exports.rules import files
from assistant.exports.rules.files import Result
from assistant.exports.states import Format, Status
from assistant.invocations.models import OutputChunk, Record, Target
from assistant.invocations.querysets import RecordQuerySet, TargetQuerySet

logger = logging.getLogger(__name__)

# In the order of Result's fields.
FIELDS = (
    "instance_id",
    "instance__name",
    "status",
    "exit_code",
    "error_code",
    "error_info",
    "username",
    "started_at",
    "finished_at",
    "dropped",
)
FIELDS_OF_RECORDS = (
    "target__instance_id",
    "target__instance__name",
    *FIELDS[2:6],
    "target__username",
    *FIELDS[7:],
    "number",
    "fired_at",
)
Row = Target | Record


class Withdrawn(Exception):
    """Whoever asked may not read these results any longer."""


class Incomplete(Exception):
    """Results that belong into the file are gone: it would not say what it says it does."""


def write_step(principal: Principal, export: Export) -> None:
    """Write the next batch, or the end. Where another process is at it, nothing."""
    has_more = False
    with held_draft(export) as stream:
        if stream is None:
            return
        try:
            has_more = write_batch(export, stream)
        except Withdrawn:
            break_off(principal, export, _("The permission to read these results was withdrawn."))
        except Incomplete:
            break_off(principal, export, _("Some of the results are no longer kept."))
        except OSError as error:
            logger.exception("Export cannot be written export=%s", export.pk)
            break_off(principal, export, _("The file could not be written: %s.") % error.strerror)
    followups.changed(export.pk)
    # After the file is let go: whoever takes the next step needs it.
    if has_more:
        followups.write(export.pk)


def write_batch(export: Export, stream: BufferedRandom) -> bool:
    """Says whether there is more to do."""
    form = Format(export.form)
    if os.fstat(stream.fileno()).st_size != export.file_bytes or not export.last_target:
        # Nothing yet, or a step that died in the middle: from the beginning.
        start_over(export, stream, form)
    stream.seek(0, os.SEEK_END)
    batch = next_batch(export)
    if not batch and export.n_done < export.n_total:
        raise Incomplete
    if batch:
        files.add(stream, form, results_of(export, batch))
    else:
        listed = whole_list(export) if form is Format.ZIP else ()
        files.finish(stream, form, listed, has_history=export.has_history)
    stream.flush()
    os.fsync(stream.fileno())
    return note(export, stream, batch)


def start_over(export: Export, stream: BufferedRandom, form: Format) -> None:
    stream.seek(0)
    stream.truncate()
    files.begin(stream, form, has_history=export.has_history)
    export.last_target = export.n_done = 0


def note(export: Export, stream: BufferedRandom, batch: list[Row]) -> bool:
    """Write down how far it is; says whether there is more to do."""
    now, size = timezone.now(), os.fstat(stream.fileno()).st_size
    row = Export.objects.filter(pk=export.pk)
    if batch:
        written = {"n_done": export.n_done + len(batch), "last_target": batch[-1].pk, "file_bytes": size}
        if row.advance(heard_at=now, **written):
            return True
    elif not row.filter(status=Status.FINISHED).exists():
        export.draft.replace(export.path)
        if row.end(Status.FINISHED, file_bytes=size, finished_at=now, expires_at=now + limits.KEPT_FOR):
            return False
        export.path.unlink(missing_ok=True)
    # It was deleted meanwhile.
    export.draft.unlink(missing_ok=True)
    return False


@contextmanager
def held_draft(export: Export) -> Iterator[BufferedRandom | None]:
    """The file that is being written, for one at a time; none where another one has it or it is over."""
    folder = Path(settings.EXPORTS_DIR)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(export.draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        # Under the lock: what another one did until a moment ago counts.
        if not Export.objects.unfinished().filter(pk=export.pk).exists():
            export.draft.unlink(missing_ok=True)
            yield None
            return
        export.refresh_from_db()
        yield stream


def break_off(principal: Principal, export: Export, reason: str) -> None:
    export.draft.unlink(missing_ok=True)
    row = Export.objects.filter(pk=export.pk)
    if row.end(Status.FAILED, reason=reason[: limits.REASON_CHARACTERS], finished_at=timezone.now()):
        record(principal, EXPORT, export.invocation_id, export=export.pk, broken_off=reason)


# --- What is written ---


def rows_of(export: Export) -> TargetQuerySet | RecordQuerySet:
    """What is a row of the file each: the instances of the run, or the runs on them.

    Not what has come since it was asked for: the file would not be whole, and whether something is gone
    could not be told by counting.
    """
    kind = Record if export.has_history else Target
    rows: TargetQuerySet | RecordQuerySet = kind.objects.filter(
        invocation=export.invocation_id, created_at__lte=export.created_at
    )
    return rows.order_by("pk")


def fields_of(export: Export) -> tuple[str, ...]:
    return FIELDS_OF_RECORDS if export.has_history else FIELDS


def next_batch(export: Export) -> list[Row]:
    """The next results, as many as one step takes. Raises Withdrawn unless all of them may be read now."""
    principal = principal_of(export)
    rows = rows_of(export).filter(pk__gt=export.last_target)
    key = ("target_id", "number") if export.has_history else ("repeats",)
    batch = within_bytes(rows.only("pk", "stored_bytes", *key)[: limits.BATCH])
    pks = [row.pk for row in batch]
    if rows_of(export).filter(pk__in=pks).visible_to(principal).count() != len(pks):
        raise Withdrawn
    return batch


def within_bytes(rows: Iterable[Row]) -> list[Row]:
    batch: list[Row] = []
    total = 0
    for row in rows:
        total += row.stored_bytes
        if batch and total > limits.BATCH_BYTES:
            break
        batch.append(row)
    return batch


def results_of(export: Export, batch: list[Row]) -> Iterator[Result]:
    keys = {row.pk: row.output_key for row in batch}
    pieces = OutputChunk.objects.wholes(keys.values())
    rows = rows_of(export).filter(pk__in=keys).values_list("pk", *fields_of(export))
    for pk, *row in rows:
        yield Result(*row)._replace(pieces=pieces.get(keys[pk], []))


def whole_list(export: Export) -> Iterator[Result]:
    rows = rows_of(export).filter(pk__lte=export.last_target).values_list(*fields_of(export))
    return (Result(*row) for row in rows.iterator(chunk_size=limits.BATCH))


def principal_of(export: Export) -> Principal:
    """Whoever asked, with what they may do now. Raises Withdrawn where they or their role are gone."""
    origin = Origin(export.source_ip, export.is_secure, export.has_second_factor)
    principal = principal_still(export.created_by_id, Door(export.door), origin=origin, role=export.role)
    if principal is None:
        raise Withdrawn
    return principal


# --- Afterwards ---


def take_up(principal: Principal, *, now: datetime) -> None:
    """Go on with what was left lying. What fails again and again is broken off."""
    for export in Export.objects.unheard(now):
        if Export.objects.filter(pk=export.pk).try_again(now):
            followups.write(export.pk)
        else:
            break_off(principal, export, _("The file could not be written."))
            followups.changed(export.pk)


def purge(_principal: Principal, *, now: datetime) -> int:
    """Take away what is expired, row and file, and files that nobody knows; says how many rows."""
    expired = Export.objects.expired(now)
    gone = expired.count()
    expired.delete()
    folder = Path(settings.EXPORTS_DIR)
    if folder.is_dir():
        found = {path.name.removesuffix(".part"): path for path in folder.iterdir()}
        known = set(Export.objects.filter(pk__in=found).values_list("pk", flat=True))
        for pk in set(found) - known:
            found[pk].unlink(missing_ok=True)
    return gone

"""Batches of runs: load and lock, write what has changed, move the counters.

Every operation that changes runs goes this way, so all lock in the same order: targets in primary-key
order, then invocations in primary-key order.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models

from access.operations.quotas import count
from access.rules.quotas import RUNS
from assistant.invocations import followups
from assistant.invocations.models import Invocation, OutputChunk, Record, Target
from assistant.invocations.operations.records import changed_records, series_of, write_records
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.output import digest
from assistant.invocations.rules.progress import Chunk, Run
from assistant.invocations.rules.recurring import Series
from assistant.invocations.signals import invocation_final
from assistant.invocations.states import FINAL, FINAL_OVERALL, Overall, Status, overall

RUN_FIELDS = (
    "id",
    "invocation_id",
    "instance_id",
    "status",
    "presumed",
    "invocation__timeout",
    "delivered_at",
    "started_at",
    "stopped_at",
    "finished_at",
    "due_at",
    "exit_code",
    "error_code",
    "error_info",
    "output_bytes",
    "stored_bytes",
    "dropped",
    "digest",
    "invocation__repeat_mode",
    "invocation__frequency",
    "is_held",
    "repeats",
    "missed",
    "checked_until",
    "held_for",
    "left_out",
    "invocation__waits_until",
    "invocation__is_restart",
)
# The same without the path to the invocation's own columns.
RUN_NAMES = [name.removeprefix("invocation__") for name in RUN_FIELDS]
STATUS_PLACE = RUN_NAMES.index("status")
STATES = {status.value: status for status in Status}
COUNTERS = [status.counter for status in Status]

WRITE_RUN = """
    UPDATE invocations_target SET status = %s, presumed = %s, delivered_at = %s, started_at = %s,
        stopped_at = %s, finished_at = %s, due_at = %s, exit_code = %s, error_code = %s, error_info = %s,
        output_bytes = %s, stored_bytes = %s, dropped = %s, digest = %s,
        is_held = %s, repeats = %s, missed = %s, checked_until = %s, held_for = %s, left_out = %s
    WHERE id = %s
"""
WRITE_CHUNK = (
    'INSERT INTO invocations_outputchunk (target_id, number, "offset", body) VALUES (%s, %s, %s, %s)'
)
WRITE_NOTES = "INSERT INTO invocations_unindexedoutput (target_id, number)"
WRITE_INVOCATION = f"""
    UPDATE invocations_invocation SET {", ".join(f"{name} = %s" for name in COUNTERS)},
        status = %s, finished_at = %s
    WHERE id = %s
"""  # noqa: S608 - column names of our own


@dataclass(slots=True)
class Batch:
    """Runs that are held by the transaction, as they were and as they are becoming."""

    runs: list[Run]
    before: list[Run]
    # Of runs whose plan recurs, by the target's id.
    series: dict[int, Series] = field(default_factory=dict)

    def changed(self) -> list[tuple[Run, Run]]:
        return [(old, new) for old, new in zip(self.before, self.runs, strict=True) if old != new]


def hold(targets: TargetQuerySet, *, starts: Collection[int] = (), versions: Collection[int] = ()) -> Batch:
    """Load these runs and keep others from changing them until the transaction ends.

    Of plans that recur with their open and last records, and those that reports with these starts and
    versions may be about.
    """
    rows = list(targets.locked().values_list(*RUN_FIELDS))
    runs = [run_of(row) for row in rows]
    return Batch(runs, [run_of(row) for row in rows], series_of(runs, starts, versions))


def run_of(row: tuple[Any, ...]) -> Run:
    # In the order of Run's fields.
    values: list[Any] = [*row[:STATUS_PLACE], STATES[row[STATUS_PLACE]], *row[STATUS_PLACE + 1 :]]
    return Run(*values)


def write(batch: Batch, chunks: Sequence[Chunk] = (), *, now: datetime) -> int:
    """Write what has changed since `hold`, move the counters, tell who watches; says how many runs changed."""
    write_output(chunks)
    fired = follow_records(batch.series, chunks, now=now) if batch.series else {}
    changed = batch.changed()
    if not changed:
        return 0
    sign([new for _old, new in changed if is_unsigned(new) and new.id not in batch.series], chunks)
    write_runs(new for _old, new in changed)
    note_outputs(new for _old, new in changed if new.id not in batch.series)
    move_counters(changed, fired, now=now)
    followups.runs_changed(
        {new.invocation_id for _old, new in changed}, [new.instance_id for _o, new in changed]
    )
    return len(changed)


def is_unsigned(run: Run) -> bool:
    """Whether a run has come to its own end and has no digest yet."""
    return run.status in (Status.SUCCESS, Status.FAILED) and not run.digest


def follow_records(
    series: Mapping[int, Series], chunks: Sequence[Chunk], *, now: datetime
) -> dict[str, Counter[datetime]]:
    """Write the records that have changed; their targets learn the last one's digest.

    Says by invocation at which moments there are new runs, and how many.
    """
    records = changed_records(series.values())
    sign([record for record in records if is_unsigned(record)], chunks)
    write_records(records, now=now)
    note_outputs(records)
    for one in series.values():
        one.digest()
    fired: defaultdict[str, Counter[datetime]] = defaultdict(Counter)
    for record in records:
        if record.stored is None:
            fired[record.invocation_id][record.fired_at] += 1
    return fired


def write_output(chunks: Sequence[Chunk]) -> None:
    rows = [(chunk.target_id, chunk.number, chunk.offset, chunk.body) for chunk in chunks]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(WRITE_CHUNK, rows)


def note_outputs(runs: Iterable[Run]) -> None:
    """Have the outputs of those that have ended read for the search, behind the commit (`operations.indexing`)."""
    notes = [run.output for run in runs if run.stored_bytes and run.status in FINAL]
    if notes:
        write_notes(notes)


def write_notes(notes: Sequence[tuple[int, int]]) -> None:
    """On the main road: a step inside of SQLite for each, one statement for all on PostgreSQL."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(f"{WRITE_NOTES} VALUES (%s, %s)", notes)
        else:
            columns = [list(column) for column in zip(*notes, strict=True)]
            cursor.execute(f"{WRITE_NOTES} SELECT unnest(%s::bigint[]), unnest(%s::integer[])", columns)


def sign(runs: Sequence[Run], chunks: Sequence[Chunk]) -> None:
    """Give runs that came to their own end the digest of their answer.

    Most say all they have to say in one report: what is in `chunks`, just written, is not read again.
    """
    pieces: defaultdict[tuple[int, int], list[tuple[int, bytes]]] = defaultdict(list)
    for chunk in chunks:
        pieces[chunk.target_id, chunk.number].append((chunk.offset, chunk.body))
    partly = [run for run in runs if sum(len(body) for _at, body in pieces[run.output]) < run.stored_bytes]
    if partly:
        pieces |= OutputChunk.objects.wholes([run.output for run in partly])
    for run in runs:
        run.digest = digest(run.exit_code, pieces[run.output])


def add_targets(targets: Sequence[Target]) -> None:
    """Write new targets: of ten thousand `bulk_create` alone would make a request too slow."""
    columns = Target._meta.concrete_fields  # noqa: SLF001 - Django's own way to them
    fields = [field for field in columns if not field.primary_key]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    moments = {field.attname for field in fields if isinstance(field, models.DateTimeField)}
    ready = [(field.attname, moment if field.attname in moments else None) for field in fields]
    rows = [
        tuple(adapt(getattr(row, name)) if adapt else getattr(row, name) for name, adapt in ready)
        for row in targets
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY invocations_target ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO invocations_target ({names}) VALUES ({places})", rows)  # noqa: S608


def write_runs(runs: Iterable[Run]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(WRITE_RUN, [run_values(run) for run in runs])


def run_values(run: Run) -> tuple[Any, ...]:
    moments = (run.delivered_at, run.started_at, run.stopped_at, run.finished_at, run.due_at)
    said = (run.exit_code, run.error_code, run.error_info)
    sizes = (run.output_bytes, run.stored_bytes, run.dropped)
    plan = (run.is_held, run.repeats, run.missed, moment(run.checked_until))
    state = (run.status.value, run.presumed, *map(moment, moments))
    return (*state, *said, *sizes, run.digest, *plan, run.held_for, run.left_out, run.id)


def moment(value: datetime | None) -> Any:
    return None if value is None else connection.ops.adapt_datetimefield_value(value)


def move_counters(
    changed: list[tuple[Run, Run]], fired: Mapping[str, Counter[datetime]], *, now: datetime
) -> None:
    steps = steps_of(changed)
    if not steps and not fired:
        return
    rows, ended = [], []
    used: Counter[str] = Counter()
    columns = ("pk", "region_id", "status", "finished_at", "repeats", "last_run_at", "is_rollout", *COUNTERS)
    for invocation in Invocation.objects.locked({*steps, *fired}).only(*columns):
        was_final = Overall(invocation.status).is_final
        counts = invocation.counts
        for status, step in steps[invocation.pk].items():
            counts[status] += step
        rows.append(invocation_values(invocation, counts, now=now))
        if not was_final and overall(counts) in FINAL_OVERALL:
            ended.append(invocation)
        go_on(invocation, steps[invocation.pk])
        if invocation.pk in fired:
            used[invocation.region_id] += note_runs(invocation, fired[invocation.pk])
    write_counters(rows)
    for region_id, number in sorted(used.items()):
        count(RUNS, region_id, number, now=now)
    for invocation in ended:
        tell_end(invocation)


def tell_end(invocation: Invocation) -> None:
    """An invocation has ended: in this transaction, and after it."""
    invocation_final.send(None, invocation_id=invocation.pk, region_id=invocation.region_id)
    followups.invocation_ended(invocation.pk)


def steps_of(changed: list[tuple[Run, Run]]) -> defaultdict[str, Counter[Status]]:
    """By how much each counter of each invocation moves."""
    steps: defaultdict[str, Counter[Status]] = defaultdict(Counter)
    for old, new in changed:
        if old.status is not new.status:
            steps[new.invocation_id][old.status] -= 1
            steps[new.invocation_id][new.status] += 1
    return steps


def go_on(invocation: Invocation, steps: Mapping[Status, int]) -> None:
    """Where runs of a rollout have ended, others may begin."""
    if invocation.is_rollout and any(status in FINAL for status in steps):
        followups.advance_rollout(invocation.pk)


def note_runs(invocation: Invocation, fired: Counter[datetime]) -> int:
    """The newest moment at which it ran, and how many there were; says how many of these are new.

    Whoever notes runs holds the invocation: what others have recorded of a moment is there to be seen.
    """
    last = invocation.last_run_at
    late = [moment for moment in fired if last is not None and moment <= last]
    known = Record.objects.at_moments(invocation.pk, late) if late else Counter()
    new = [moment for moment, number in fired.items() if moment not in known or known[moment] == number]
    if new:
        facts = {
            "repeats": invocation.repeats + len(new),
            "last_run_at": max(new if last is None else [*new, last]),
        }
        Invocation.objects.filter(pk=invocation.pk).update(**facts)
    return len(new)


def write_counters(rows: list[tuple[Any, ...]]) -> None:
    """Write counters with the state that follows from them, as `invocation_values` gives both."""
    with connection.cursor() as cursor:
        cursor.executemany(WRITE_INVOCATION, rows)


def invocation_values(invocation: Invocation, counts: dict[Status, int], *, now: datetime) -> tuple[Any, ...]:
    state = overall(counts)
    finished_at = (invocation.finished_at or now) if state in FINAL_OVERALL else None
    return (*(counts[status] for status in Status), state.value, moment(finished_at), invocation.pk)

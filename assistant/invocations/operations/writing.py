"""Batches of runs: load and lock, write what has changed, move the counters.

Every operation that changes runs goes this way, so all lock in the same order: targets in primary-key
order, then invocations in primary-key order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from assistant.invocations import followups
from assistant.invocations.models import Invocation, OutputChunk
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.output import digest
from assistant.invocations.rules.progress import Chunk, Run
from assistant.invocations.states import FINAL_OVERALL, Overall, Status, overall

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
)
# The same without the path to the invocation's own columns.
RUN_NAMES = [name.removeprefix("invocation__") for name in RUN_FIELDS]
STATUS_PLACE = RUN_NAMES.index("status")
STATES = {status.value: status for status in Status}
COUNTERS = [status.counter for status in Status]

WRITE_RUN = """
    UPDATE invocations_target SET status = %s, presumed = %s, delivered_at = %s, started_at = %s,
        stopped_at = %s, finished_at = %s, due_at = %s, exit_code = %s, error_code = %s, error_info = %s,
        output_bytes = %s, stored_bytes = %s, dropped = %s, digest = %s
    WHERE id = %s
"""
WRITE_CHUNK = 'INSERT INTO invocations_outputchunk (target_id, "offset", body) VALUES (%s, %s, %s)'
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

    def changed(self) -> list[tuple[Run, Run]]:
        return [(old, new) for old, new in zip(self.before, self.runs, strict=True) if old != new]


def hold(targets: TargetQuerySet) -> Batch:
    """Load these runs and keep others from changing them until the transaction ends."""
    rows = list(targets.locked().values_list(*RUN_FIELDS))
    runs = [run_of(row) for row in rows]
    return Batch(runs, [run_of(row) for row in rows])


def run_of(row: tuple[Any, ...]) -> Run:
    # In the order of Run's fields.
    values: list[Any] = [*row[:STATUS_PLACE], STATES[row[STATUS_PLACE]], *row[STATUS_PLACE + 1 :]]
    return Run(*values)


def write(batch: Batch, chunks: Iterable[Chunk] = (), *, now: datetime) -> int:
    """Write what has changed since `hold`, move the counters, tell who watches; says how many runs changed."""
    write_output(chunks)
    changed = batch.changed()
    if not changed:
        return 0
    ended = [new for old, new in changed if new.status in (Status.SUCCESS, Status.FAILED) and not new.digest]
    sign(ended)
    write_runs(new for _old, new in changed)
    move_counters(changed, now=now)
    followups.runs_changed(
        {new.invocation_id for _old, new in changed}, [new.instance_id for _o, new in changed]
    )
    return len(changed)


def write_output(chunks: Iterable[Chunk]) -> None:
    rows = [(chunk.target_id, chunk.offset, chunk.body) for chunk in chunks]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(WRITE_CHUNK, rows)


def sign(runs: list[Run]) -> None:
    """Give runs that came to their own end the digest of their answer."""
    pieces: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)
    stored = [run.id for run in runs if run.stored_bytes]
    rows = OutputChunk.objects.filter(target__in=stored).order_by("target_id", "offset")
    for target_id, offset, body in rows.values_list("target_id", "offset", "body"):
        pieces[target_id].append((offset, bytes(body)))
    for run in runs:
        run.digest = digest(run.exit_code, pieces[run.id])


def write_runs(runs: Iterable[Run]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(WRITE_RUN, [run_values(run) for run in runs])


def run_values(run: Run) -> tuple[Any, ...]:
    moments = (run.delivered_at, run.started_at, run.stopped_at, run.finished_at, run.due_at)
    said = (run.exit_code, run.error_code, run.error_info)
    sizes = (run.output_bytes, run.stored_bytes, run.dropped)
    return (run.status.value, run.presumed, *map(moment, moments), *said, *sizes, run.digest, run.id)


def moment(value: datetime | None) -> Any:
    return None if value is None else connection.ops.adapt_datetimefield_value(value)


def move_counters(changed: list[tuple[Run, Run]], *, now: datetime) -> None:
    steps: defaultdict[str, Counter[Status]] = defaultdict(Counter)
    for old, new in changed:
        if old.status is not new.status:
            steps[new.invocation_id][old.status] -= 1
            steps[new.invocation_id][new.status] += 1
    if not steps:
        return
    rows = []
    for invocation in Invocation.objects.locked(steps).only("pk", "status", "finished_at", *COUNTERS):
        counts = invocation.counts
        for status, step in steps[invocation.pk].items():
            counts[status] += step
        rows.append(invocation_values(invocation, counts, now=now))
    write_counters(rows)


def write_counters(rows: list[tuple[Any, ...]]) -> None:
    """Write counters with the state that follows from them, as `invocation_values` gives both."""
    with connection.cursor() as cursor:
        cursor.executemany(WRITE_INVOCATION, rows)


def invocation_values(invocation: Invocation, counts: dict[Status, int], *, now: datetime) -> tuple[Any, ...]:
    state = overall(counts)
    finished_at = (invocation.finished_at or now) if state in FINAL_OVERALL else None
    if state in FINAL_OVERALL and not Overall(invocation.status).is_final:
        followups.invocation_ended(invocation.pk)
    return (*(counts[status] for status in Status), state.value, moment(finished_at), invocation.pk)

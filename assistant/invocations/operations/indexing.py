"""The index of what machines said: kept by the worker, a few seconds behind the reports.

The transaction that ends a run notes its output as one to be read (`writing.note_outputs`). A step here takes notes,
reads the outputs, and writes the index and takes the notes back in one transaction: a step that dies has
done nothing, and one that is done twice finds no notes.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from access.principals import Principal
from assistant.invocations import limits
from assistant.invocations.models import IndexedOutput, OutputChunk, Record, Target, UnindexedOutput
from assistant.invocations.operations.pacing import Pace
from assistant.invocations.querysets import IndexedOutputQuerySet, lock
from assistant.invocations.rules.colours import plain
from assistant.invocations.rules.output import assemble
from assistant.invocations.rules.searching import folded, grams, readable, wanted_grams

# Whose output: the target's id and the record's number, 0 where the target is its own record.
Key = tuple[int, int]

# The pieces of the indexed texts, in a table of each database's own kind with the same keys.
GRAMS = "invocations_outputgrams"


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended, as the index notes it."""

    target_id: int
    number: int
    invocation_id: str
    ended_at: datetime
    stored_bytes: int

    @property
    def key(self) -> Key:
        return self.target_id, self.number


def index_outputs(principal: Principal, *, pace: Pace, until: float) -> int:
    """Read what is noted until nothing is left, or until then by the monotonic clock; says how many outputs."""
    number = 0
    while time.monotonic() < until:
        with pace.step() as rows:
            taken = index_step(principal, rows)
        number += taken
        if taken < rows:
            break
    return number


def index_step(_principal: Principal, rows: int) -> int:
    """Read outputs that are noted, at most `rows`; says how many notes were looked at."""
    notes = list(UnindexedOutput.objects.order_by("pk").values_list("pk", "target_id", "number")[:rows])
    if not notes:
        return 0
    ended = ended_runs({(target_id, number) for _pk, target_id, number in notes})
    texts = {
        key: folded(text) for key, text in texts_of({one.key: one.stored_bytes for one in ended}).items()
    }
    pieces = {key: grams(text) for key, text in texts.items()}

    with transaction.atomic():
        held = lock(UnindexedOutput.objects.filter(pk__in=[pk for pk, *_key in notes]).order_by("pk"))
        wanted = set(held.values_list("target_id", "number"))
        there = set(Target.objects.filter(pk__in=[one.target_id for one in ended]).locked().values_list("pk"))
        fresh = [one for one in ended if one.key in wanted and (one.target_id,) in there]
        forget_outputs(IndexedOutput.objects.of_keys([one.key for one in fresh]))
        write_index([one for one in fresh if pieces[one.key]], texts, pieces)
        UnindexedOutput.objects.filter(pk__in=[pk for pk, *_key in notes]).delete()
    return len(notes)


def ended_runs(keys: Collection[Key]) -> list[Ended]:
    """Those of these runs that have ended; what has begun again meanwhile is noted at its next end."""
    fields = ("invocation_id", "finished_at", "stored_bytes")
    single = Target.objects.filter(pk__in=[target_id for target_id, number in keys if not number])
    found = [Ended(pk, 0, *row) for pk, *row in single.ended().values_list("pk", *fields)]
    records = Record.objects.of_keys([key for key in keys if key[1]]).filter(finished_at__isnull=False)
    return found + [Ended(*row) for row in records.values_list("target_id", "number", *fields)]


def texts_of(stored_bytes: Mapping[Key, int]) -> dict[Key, str]:
    """The outputs as people read them, on one line: of long ones the beginning and the end."""
    pieces = OutputChunk.objects.openings(stored_bytes, limits.INDEXED_BEGINNING)
    texts = {key: said(pieces.get(key, []), limits.INDEXED_BEGINNING) for key in stored_bytes}
    for (target_id, number), size in stored_bytes.items():
        if size > limits.INDEXED_BEGINNING:
            last = OutputChunk.objects.newest(target_id, limits.INDEXED_END, number)
            texts[target_id, number] += " … " + said(last, -limits.INDEXED_END)
    return texts


def said(pieces: Sequence[tuple[int, bytes]], most: int) -> str:
    """The text of these pieces: its first characters, or, with `most` below zero, its last ones."""
    text = assemble(pieces, total=0).text
    return readable(plain(text[:most] if most > 0 else text[most:]))


def write_index(runs: Sequence[Ended], texts: dict[Key, str], pieces: dict[Key, set[str]]) -> None:
    rows = IndexedOutput.objects.bulk_create(
        IndexedOutput(
            target_id=run.target_id,
            number=run.number,
            invocation_id=run.invocation_id,
            ended_at=run.ended_at,
            text=texts[run.key],
        )
        for run in runs
    )
    add_grams((row.pk, pieces[run.key]) for row, run in zip(rows, runs, strict=True))


def forget_outputs(outputs: IndexedOutputQuerySet) -> None:
    """Take these out of the index. Their pieces are cut before the transaction: that is half of the work."""
    rows = {pk: grams(text) for pk, text in outputs.values_list("pk", "text")}
    if not rows:
        return
    with transaction.atomic():
        there = IndexedOutput.objects.filter(pk__in=rows).order_by("pk")
        drop_grams({pk: rows[pk] for pk in lock(there).values_list("pk", flat=True)})
        there.delete()


# --- The table of the pieces ---


def add_grams(rows: Iterable[tuple[int, set[str]]]) -> None:
    if connection.vendor == "sqlite":
        statement = f"INSERT INTO {GRAMS} (rowid, grams) VALUES (%s, %s)"  # noqa: S608 - a name of our own
        values = [(pk, " ".join(pieces)) for pk, pieces in rows]
    else:
        statement = f"INSERT INTO {GRAMS} (rowid, grams) VALUES (%s, array_to_tsvector(%s))"  # noqa: S608
        values = [(pk, list(pieces)) for pk, pieces in rows]  # type: ignore[misc]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def drop_grams(rows: Mapping[int, set[str]]) -> None:
    """SQLite keeps no copy of the pieces, so it is told of them once more."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            statement = f"INSERT INTO {GRAMS} ({GRAMS}, rowid, grams) VALUES ('delete', %s, %s)"  # noqa: S608
            cursor.executemany(statement, [(pk, " ".join(pieces)) for pk, pieces in rows.items()])
        else:
            cursor.execute(f"DELETE FROM {GRAMS} WHERE rowid = ANY(%s)", [list(rows)])  # noqa: S608


def candidates(terms: Iterable[str], *, within: tuple[int, int], most: int) -> list[int]:
    """Keys of outputs that have all pieces of these terms, the newest first."""
    wanted = wanted_grams(terms)[: limits.GRAMS_ASKED]
    if connection.vendor == "sqlite":
        matches, query = f"{GRAMS} MATCH %s", " AND ".join(map(quoted_for_sqlite, wanted))
    else:
        matches, query = "grams @@ %s::tsquery", " & ".join(map(quoted_for_postgresql, wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM {GRAMS} WHERE {matches} AND rowid BETWEEN %s AND %s"  # noqa: S608
            " ORDER BY rowid DESC LIMIT %s",
            [query, *within, most],
        )
        return [pk for (pk,) in cursor.fetchall()]


def quoted_for_sqlite(piece: str) -> str:
    return '"{}"'.format(piece.replace('"', '""'))


def quoted_for_postgresql(piece: str) -> str:
    return "'{}'".format(piece.replace("\\", "\\\\").replace("'", "''"))

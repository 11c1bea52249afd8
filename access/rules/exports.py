"""The audit trail as a file: JSON lines or CSV, written line by line and read again by the verifier.

The last line says how the export ended and what it holds; a file without it was cut off. JSON lines end
with `{"end": …}`, CSV with a row of two cells, `end` and the same JSON.

CSV cells that a spreadsheet would take for a formula (they begin with = + - @, a tab or a carriage
return), and those that begin with an apostrophe, get an apostrophe before them. Whoever reads the file
takes one leading apostrophe off each cell and has exactly what was written.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from access.rules.chain import Link, canonical

Format = Literal["jsonl", "csv"]
FORMATS: tuple[Format, ...] = ("jsonl", "csv")
END = "end"
# The members that are no texts.
KINDS: dict[str, Any] = {
    "number": int | None,
    "facts": dict,
    "entries": int,
    "first": int | None,
    "last": int | None,
    "filters": dict,
}
HARMLESS = "'"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", HARMLESS)


class Unreadable(Exception):
    """A line that no export has; says what is wrong with it."""


class End(NamedTuple):
    """How an export ended, and what it holds."""

    entries: int
    first: int | None
    last: int | None
    # Of the last entry.
    hash: str
    # What was asked for besides the time: where something was, entries in between are left out.
    filters: dict[str, str]
    # Why it ended before its end; empty where it did not.
    broken_off: str = ""


# --- Write ---


def head(form: Format) -> str:
    return "" if form == "jsonl" else csv_row(Link._fields)


def line(link: Link, form: Format) -> str:
    if form == "jsonl":
        return canonical(link._asdict()) + "\n"
    cells = ["" if value is None else value for value in link._replace(facts={})]
    cells[Link._fields.index("facts")] = canonical(link.facts)
    return csv_row(cells)


def foot(end: End, form: Format) -> str:
    if form == "jsonl":
        return canonical({END: end._asdict()}) + "\n"
    return csv_row([END, canonical(end._asdict())])


def csv_row(cells: Iterable[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow([harmless(str(cell)) for cell in cells])
    return stream.getvalue()


def harmless(cell: str) -> str:
    return HARMLESS + cell if cell.startswith(DANGEROUS) else cell


# --- Read ---


def read(lines: Iterable[str]) -> Iterator[Link | End]:
    """The entries of an export, then its end. Raises Unreadable with the number of the line.

    The lines are those of a file that was opened with `newline=""`.
    """
    waiting = iter(lines)
    first = next(waiting, "")
    if first.startswith("{"):
        yield from read_json(again(first, waiting))
    elif first.startswith("number,"):
        yield from read_csv(waiting)
    else:
        raise Unreadable(
            "This is no export of an audit trail: line 1 is neither JSON nor the head of a table."
        )


def again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def read_json(lines: Iterable[str]) -> Iterator[Link | End]:
    for number, text in enumerate(lines, 1):
        try:
            document = json.loads(text, parse_float=refuse, parse_constant=refuse)
            yield checked(End(**document[END]) if END in document else Link(**document))
        except (ValueError, TypeError, RecursionError) as error:
            raise Unreadable(f"Line {number} cannot be read: it was changed or cut off.") from error


def read_csv(lines: Iterable[str]) -> Iterator[Link | End]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(lines, strict=True)
    while True:
        try:
            cells = next(rows, None)
            if cells is None:
                return
            yield checked(row([cell.removeprefix(HARMLESS) for cell in cells]))
        except (csv.Error, ValueError, TypeError, IndexError, RecursionError) as error:
            # The head of the table is the line before the first.
            message = f"Line {rows.line_num + 1} cannot be read: it was changed or cut off."
            raise Unreadable(message) from error


def row(cells: list[str]) -> Link | End:
    if cells[0] == END:
        return End(**json.loads(cells[1]))
    named: dict[str, Any] = dict(zip(Link._fields, cells, strict=True))
    named["number"] = int(named["number"]) if named["number"] else None
    named["facts"] = json.loads(named["facts"], parse_float=refuse, parse_constant=refuse)
    return Link(**named)


def checked(part: Link | End) -> Link | End:
    """The same. Raises TypeError where a member is of another kind than any export writes."""
    for name, value in zip(part._fields, part, strict=True):
        kind = KINDS.get(name, str)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(name)
    return part


def refuse(text: str) -> None:
    raise ValueError(text)

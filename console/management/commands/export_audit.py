import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from access.filters.audit import AuditSearch
from access.models import AuditEntry
from access.operations.trail import export_entries
from access.principals import Principal
from access.rules.exports import FORMATS, End
from console.kit.errors import Unavailable
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = (
        "Write the audit trail, for `verify_audit` and for archives. Without --output to the standard output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=FORMATS, default="jsonl", dest="form")
        parser.add_argument(
            "--from",
            type=moment,
            dest="begin",
            metavar="TIME",
            help="2026-11-21 or 2026-11-21T10:00:00 (UTC)",
        )
        parser.add_argument(
            "--to", type=moment, dest="end", metavar="TIME", help="up to this time, not including it"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="readable by its owner alone; - is the standard output",
        )

    def act(
        self, principal: Principal, *, as_json: bool, form: Any, output: Path | None, **options: Any
    ) -> None:
        search = AuditSearch(begin=options["begin"], end=options["end"])
        entries = search.whole(AuditEntry.objects.visible_to(principal))
        ends: list[End] = []
        lines = export_entries(
            principal, entries, form, filters=search.filters, said=search.said, ended=ends.append
        )
        if output is None or str(output) == "-":
            # Beside the class's own stream, which adds a line end of its own.
            sys.stdout.writelines(lines)
        else:
            write(output, lines)
            self.show(ends[0]._asdict(), lambda: said_of(ends[0]), as_json=as_json)
        if ends[0].broken_off:
            self.refuse(ends[0].broken_off)


def write(output: Path, lines: Iterator[str]) -> None:
    """Whole or not at all, for its owner alone."""
    draft = output.with_name(f"{output.name}.part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        with draft.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines)
        draft.replace(output)
    except OSError as error:
        raise Unavailable(f"{output} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)


def said_of(end: End) -> list[str]:
    if not end.entries:
        return ["No entries at that time."]
    lines = [f"{end.entries} entries, {end.first} to {end.last}."]
    return [*lines, f"Note this hash of entry {end.last} elsewhere: {end.hash}"]


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time; say 2026-11-21 or 2026-11-21T10:00:00.") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

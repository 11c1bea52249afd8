import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any, NoReturn

from django.core.management.base import BaseCommand

from access.rules.chain import Verifier
from access.rules.exports import End, Unreadable, read


class Command(BaseCommand):
    help = (
        "Say whether exports of the audit trail are as they were written: files that follow one another, in "
        "their order. Needs neither a console nor its database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="JSON lines or CSV; - is standard input")
        parser.add_argument(
            "--against",
            default="",
            metavar="HASH",
            help="a hash that was noted earlier: one of the entries has to have it",
        )

    def handle(self, *_args: Any, files: list[str], against: str, **_options: Any) -> None:
        verifier = Verifier(against)
        ends: list[End] = []
        for name in files:
            try:
                with sys.stdin if name == "-" else Path(name).open(encoding="utf-8", newline="") as stream:
                    fault = self.follow(verifier, stream, ends)
            except OSError as error:
                self.refuse(name, f"It cannot be read: {error.strerror}.")
            except UnicodeDecodeError:
                self.refuse(name, "It is no text in UTF-8: it was changed, or is no export.")
            gaps_allowed = any(end.filters for end in ends)
            if found := verifier.fault(gaps_allowed=gaps_allowed) or fault:
                self.refuse(name, found)
        if against and (found := verifier.noted_fault()):
            self.refuse(" ".join(files), found)
        self.stdout.write("\n".join(said_of(verifier, ends)))

    def follow(self, verifier: Verifier, stream: IO[str], ends: list[End]) -> str:
        """Take in one file; what is wrong with the file itself, besides its entries."""
        before = verifier.n_entries + verifier.n_unprotected
        end: End | None = None
        try:
            for part in read(stream):
                if end is not None:
                    return "Something stands after its last line."
                if isinstance(part, End):
                    end = part
                else:
                    verifier.add(part)
        except Unreadable as error:
            return str(error)
        last = verifier.last
        if end is None:
            after = f"after entry {last.number}" if last else "before its first entry"
            return f"It was cut off {after}: its last line, which says how it ended, is missing."
        ends.append(end)
        n_entries = verifier.n_entries + verifier.n_unprotected - before
        if n_entries != end.entries or (n_entries and last and end.hash != last.hash):
            return f"It holds {n_entries} entries and not the {end.entries} of which its last line speaks: cut off."
        return ""

    def refuse(self, name: str, sentence: str) -> NoReturn:
        self.stderr.write(f"{name}: {sentence}", style_func=str)
        sys.exit(1)


def said_of(verifier: Verifier, ends: list[End]) -> list[str]:
    first, last = verifier.first, verifier.last
    if first is None or last is None:
        lines = ["No entry of the chain in it."]
    elif any(end.filters for end in ends):
        between = f"{verifier.n_entries} entries between {first.number} and {last.number}"
        lines = [f"Ok, a filtered export: {between}, none of them changed."]
        lines.append("Others were left out on purpose, so whether any is missing cannot be said.")
    else:
        lines = [f"Ok: entries {first.number} to {last.number}, none changed and none missing."]
    if verifier.n_unprotected:
        lines.append(
            f"{verifier.n_unprotected} entries are older than the chain, which does not protect them."
        )
    lines += [f"It was broken off: {end.broken_off}" for end in ends if end.broken_off]
    if verifier.noted_number is not None:
        lines.append(f"The noted hash is that of entry {verifier.noted_number}: it is as it was then.")
    if last is not None:
        lines.append(f"Note this hash of entry {last.number} elsewhere: {last.hash}")
    return lines

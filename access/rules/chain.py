"""The audit trail's chain: each entry holds the hash of the one before it.

An entry's hash is the SHA-256, in hex, of its canonical JSON: the members of `HASHED` (`previous` is the
hash of the entry before), sorted by name, without spaces, UTF-8. Who changes, removes or inserts an entry
has to make every later hash anew, and then the last one is no longer the one that was noted elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Link(NamedTuple):
    """An entry as it is hashed, exported and verified."""

    # None for entries that are older than the chain: nothing protects them.
    number: int | None
    # UTC in microseconds: 2026-11-21T10:00:00.000000Z.
    at: str
    principal: str
    role: str
    door: str
    source_ip: str
    action: str
    resource: str
    outcome: str
    decided_by: str
    facts: dict[str, Any]
    previous: str
    hash: str

    def computed_hash(self) -> str:
        said = canonical({name: getattr(self, name) for name in HASHED})
        # Whoever changed a file may have put half a character into it.
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


HASHED = Link._fields[:-1]


def canonical(document: Mapping[str, Any]) -> str:
    """One text for one meaning: the order and the spelling of JSON's members play no part."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def plain(fact: Any) -> Any:
    """A fact as every database gives it back: JSON of texts, whole numbers, booleans, lists and members.

    Raises TypeError for everything else. Fractions are refused: databases spell them in several ways.
    """
    if fact is None or isinstance(fact, (bool, int)):
        return fact
    if isinstance(fact, str):
        return text(fact)
    if isinstance(fact, Mapping):
        return {text(str(name)): plain(value) for name, value in fact.items()}
    if isinstance(fact, (list, tuple)):
        return [plain(value) for value in fact]
    raise TypeError(f"{type(fact).__name__} cannot be a fact of the audit trail.")


def text(value: str, most: int | None = None) -> str:
    """Text that every database can keep: without NUL and lone surrogates, cut where there is no more room."""
    return str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:most]


# --- Verify ---


class Fault(NamedTuple):
    """What is wrong at a place of a chain."""

    sentence: str
    # The numbers that are missing before the entry; empty for other faults.
    gap: range = range(0)


class Verifier:
    """Follows a chain entry by entry and remembers the first fault."""

    def __init__(self, noted_hash: str = "") -> None:
        self.noted_hash = noted_hash.strip().lower()
        self.noted_number: int | None = None
        self.first: Link | None = None
        self.last: Link | None = None
        self.n_entries = 0
        self.n_gaps = 0
        # Those older than the chain.
        self.n_unprotected = 0
        self._gap: Fault | None = None
        self._fault: Fault | None = None

    def add(self, link: Link) -> None:
        if link.number is None:
            self.n_unprotected += 1
            if self.last is not None:
                self.note(Fault("An entry without a number stands among those of the chain."))
            return
        self.n_entries += 1
        if link.hash != link.computed_hash():
            self.note(Fault(f"Entry {link.number} was changed: its hash is not that of what it says."))
        elif self.last is not None:
            self.compare(self.last, link)
        if link.hash == self.noted_hash:
            self.noted_number = link.number
        self.first = self.first or link
        self.last = link

    def compare(self, before: Link, link: Link) -> None:
        """What a chain promises of two entries that stand one after the other."""
        number, last = link.number or 0, before.number or 0
        if number <= last:
            self.note(Fault(f"Entry {number} stands after entry {last}: swapped, or put in twice."))
            if self._gap is not None and number in self._gap.gap:
                self._gap = None
        elif number > last + 1:
            self.n_gaps += 1
            missing = range(last + 1, number)
            self._gap = self._gap or (None if self._fault else Fault(missing_sentence(missing), missing))
        elif link.previous != before.hash:
            self.note(
                Fault(f"Entry {number} does not follow entry {last}: one of them was made or changed later.")
            )

    def note(self, fault: Fault) -> None:
        self._fault = self._fault or fault

    def fault(self, *, gaps_allowed: bool = False) -> str:
        """The first fault as a sentence; empty where there is none."""
        if self._gap is not None and not gaps_allowed:
            return self._gap.sentence
        if self._fault is not None:
            return self._fault.sentence
        return ""

    def noted_fault(self) -> str:
        """What a noted hash says against the chain; empty where it was found, or none was noted."""
        if self.noted_hash and self.noted_number is None:
            return "No entry has the noted hash: what was noted was changed since, or is not in these files."
        return ""


def missing_sentence(missing: range) -> str:
    if len(missing) == 1:
        return f"Entry {missing[0]} is missing."
    return f"Entries {missing[0]} to {missing[-1]} are missing."

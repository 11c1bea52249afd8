"""What is looked for in the audit trail: the same for its page, its exports and the command line."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from access.models import AuditEntry
from access.querysets import AuditEntryQuerySet
from access.rules.chain import moment

PER_PAGE = 25
# A page looks at this many entries at most: also a word that nobody ever said is answered at once.
LOOKED_AT = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACE_FORM = re.compile(r"(\d{1,18})-(\d{1,18})")


class Place(NamedTuple):
    """Where a page begins: after this entry, in the order of the page."""

    at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.pk}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """None for what is no place, which is the beginning."""
        found = PLACE_FORM.fullmatch(text)
        if not found:
            return None
        try:
            return cls(EPOCH + timedelta(microseconds=int(found[1])), int(found[2]))
        except OverflowError:
            return None


class AuditPage(NamedTuple):
    """Some entries, newest first, and where it goes on."""

    entries: list[AuditEntry]
    # None where nothing is older.
    older: Place | None
    # Set where the page ended because it had looked at enough, not because it was full.
    looked_back_to: datetime | None


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What somebody looks for. Each empty text stands for anything."""

    resource: str = ""
    principal: str = ""
    action: str = ""
    outcome: str = ""
    door: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    text: str = ""

    @property
    def equals(self) -> dict[str, str]:
        """The columns that must have a value, those first of which there are fewest with the same."""
        names = ["resource", "principal", "action", "door"]
        # Refusals are few and have an index; what was done is nearly everything.
        names.insert(2 if self.outcome == AuditEntry.Outcome.REFUSED else 4, "outcome")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    @property
    def filters(self) -> dict[str, str]:
        """All but the time, as texts: with one of them an export leaves out what is between."""
        return self.equals | ({"text": self.text} if self.text else {})

    @property
    def said(self) -> dict[str, str]:
        """All of it, as texts."""
        times = {"from": self.begin, "to": self.end}
        return self.filters | {name: moment(at) for name, at in times.items() if at}

    def page(self, entries: AuditEntryQuerySet, place: Place | None) -> AuditPage:
        """The entries after a place: two quick questions, however long the trail is.

        The first filter leads: its index gives a window of the newest that match it, and the others are
        asked of those alone. Where the window ends before the page is full, the page says so.
        """
        leading = dict(list(self.equals.items())[:1])
        others = dict(list(self.equals.items())[1:])
        rows = entries.filter(**leading).between(self.begin, self.end).newest_first()
        if place is not None:
            rows = rows.before(*place)
        edge = edge_of(rows) if others or self.text else None
        if edge is not None:
            rows = rows.back_to(*edge)
        rows = rows.equal_to(**others)
        found = list((rows.mentioning(self.text) if self.text else rows)[: PER_PAGE + 1])
        if len(found) > PER_PAGE:
            last = found[PER_PAGE - 1]
            return AuditPage(found[:PER_PAGE], Place(last.at, last.pk), None)
        return AuditPage(found, edge, edge.at if edge else None)

    def whole(self, entries: AuditEntryQuerySet) -> AuditEntryQuerySet:
        """Everything that matches, for an export."""
        rows = entries.filter(**self.equals)
        if self.text:
            rows = rows.mentioning(self.text)
        if self.filters:
            return rows.between(self.begin, self.end)
        return rows.written_between(self.begin, self.end)


def edge_of(rows: AuditEntryQuerySet) -> Place | None:
    """Where the window ends; None where it holds everything."""
    edge = rows.values_list("at", "pk")[LOOKED_AT - 1 : LOOKED_AT].first()
    return Place(*edge) if edge else None

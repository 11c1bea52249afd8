"""What a panel offers to tick: the first that match, found by typing. What is ticked stays."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

# More are found by typing.
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Choices:
    """Rows to tick, those that are ticked first."""

    field: str
    text: str
    ticked: list[Any]
    rows: list[Any]
    has_more: bool


def choices(
    request: HttpRequest, rows: "QuerySet[Any]", *, field: str, column: str, searched: tuple[str, ...]
) -> Choices:
    """Those of `rows` in whose `searched` columns the typed text is; `column` is what a tick sends."""
    sent = request.POST or request.GET
    text = sent.get("q", "").strip()
    is_ticked = Q(**{f"{column}__in": sent.getlist(field)})
    matches = Q()
    for name in searched if text else ():
        matches |= Q(**{f"{name}__icontains": text})
    others = list(rows.filter(matches).exclude(is_ticked)[: SHOWN + 1])
    ticked = list(rows.filter(is_ticked)) if sent.getlist(field) else []
    return Choices(field, text, ticked, others[:SHOWN], len(others) > SHOWN)

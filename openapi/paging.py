"""Pages of a list: by their number, or by a token that says where the last one ended (openapi 5).

class DescribeCommands(Paged):
    answer = {"Commands": {"Command": [...]}, **PAGE}

    def perform(self, principal):
        page = self.page(Command.objects.visible_to(principal), "-created_at", "-pk")
        return {"Commands": {"Command": [...for row in page.rows]}, **page.fields}
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet

from openapi.actions.base import Regional, Shape, parameters_of
from openapi.errors import InvalidParameter
from openapi.parameters import Number, Text

SALT = "openapi.paging"
PAGE: Shape = {"PageNumber": int, "PageSize": int, "TotalCount": int, "NextToken": str}
OF_THE_PAGE = frozenset(["PageNumber", "PageSize", "NextToken", "MaxResults"])


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    fields: dict[str, Any]


class Paged(Regional):
    """An action that lists. With a token or MaxResults the numbers of the older way are not looked at.

    Some lists have other numbers: they declare the parameter anew.
    """

    page_number = Number(default=1, least=1, code="InvalidParam.PageNumber", doc="page, from 1")
    page_size = Number(default=10, least=1, most=50, code="InvalidParam.PageSize", doc="rows of a page")
    next_token = Text(doc="NextToken of the page before; PageNumber and PageSize are then ignored")
    max_results = Number(default=0, least=1, most=50, doc="rows of a page by tokens; 10 where it is left out")

    def page(self, rows: "QuerySet[Any, Any]", *order: str) -> Page:
        """The page that the call asks for, `order`ed by columns of the model that are never empty.

        The last one of them is unique. What comes or goes meanwhile moves no row from one page by token to
        another. How many there are in all is counted on first pages and on pages by number only.
        """
        ordered = rows.order_by(*order)
        found = ordered
        if self.next_token:
            found = ordered.filter(behind(order, self._where(len(order))))
        chosen = list(found[self._first : self._first + self._size + 1])
        total = 0 if self.next_token else self._total(ordered, len(chosen))
        return self._paged(chosen, total, lambda row: [value_of(row, name) for name in order])

    def _total(self, rows: "QuerySet[Any, Any]", n_chosen: int) -> int:
        """How many there are in all, counted by the database only where the page does not show the end."""
        ends_here = n_chosen <= self._size and (n_chosen or not self._first)
        return self._first + n_chosen if ends_here else rows.count()

    def page_of_list(self, rows: Sequence[Any], key: Callable[[Any], str]) -> Page:
        """The same of what is in memory, sorted by `key`."""
        found = sorted(rows, key=key)
        if self.next_token:
            where = self._where(1)[0]
            found = [row for row in found if key(row) > where]
        chosen = found[self._first : self._first + self._size + 1]
        return self._paged(chosen, 0 if self.next_token else len(rows), lambda row: [key(row)])

    @property
    def _by_token(self) -> bool:
        return bool(self.next_token or self.max_results)

    @property
    def _size(self) -> int:
        return (self.max_results or 10) if self._by_token else self.page_size

    @property
    def _first(self) -> int:
        return 0 if self._by_token else (self.page_number - 1) * self.page_size

    def _paged(self, chosen: list[Any], total: int, end: Callable[[Any], list[str]]) -> Page:
        rows = chosen[: self._size]
        numbers = {
            "PageNumber": 1 if self._by_token else self.page_number,
            "PageSize": self._size,
            "TotalCount": total,
        }
        token = self._token(end(rows[-1])) if len(chosen) > self._size else ""
        return Page(rows, {**numbers, "NextToken": token})

    def _token(self, end: list[str]) -> str:
        return signing.dumps({"of": self._listed(), "end": end}, salt=SALT, compress=True)

    def _where(self, columns: int) -> list[str]:
        """Where the page before ended. Raises InvalidParameter for a token of another list."""
        try:
            said = signing.loads(self.next_token, salt=SALT)
        except (signing.BadSignature, ValueError) as error:
            raise self._wrong_token() from error
        end: list[str] = said["end"]
        if said["of"] != self._listed() or len(end) != columns:
            raise self._wrong_token()
        return end

    def _wrong_token(self) -> InvalidParameter:
        return InvalidParameter("NextToken", "The token is not of this list with these filters.")

    def _listed(self) -> str:
        """What is listed: the action and its filters."""
        said = {
            parameter.name: str(self.__dict__[parameter.attribute])
            for parameter in parameters_of(type(self))
            if parameter.name not in OF_THE_PAGE
        }
        return sha256(json.dumps([self.version, self.name(), said]).encode()).hexdigest()[:32]


def value_of(row: Any, name: str) -> str:
    """As a token has it. Tells moments to the microsecond, by which rows are ordered."""
    value = row
    for step in name.removeprefix("-").split("__"):
        value = getattr(value, step)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def behind(order: Sequence[str], end: Sequence[str]) -> Q:
    """The rows that come after `end` in this order."""
    after = Q(pk__in=[])
    same = Q()
    for name, value in zip(order, end, strict=True):
        column = name.removeprefix("-")
        after |= same & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        same &= Q(**{column: value})
    return after

"""Lists with filters and pages, the same on every tab."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters import FilterSet

PER_PAGE = 25
# Nobody types more to find something, and databases refuse patterns without end.
SEARCH_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a filtered list, and how it was filtered."""

    page: Page[Any]
    filters: FilterSet
    number: int
    path: str

    @property
    def query(self) -> list[tuple[str, str]]:
        """The filters that are set, as pairs for an address or hidden fields."""
        values = [(name, self.filters.data.get(name, "")) for name in self.filters.filters]
        return [(name, value) for name, value in values if value]

    @property
    def is_filtered(self) -> bool:
        return bool(self.query)

    @property
    def address(self) -> str:
        """The same page again: what else a request carried (a choice of rows) is not part of it."""
        return self.address_of(self.page.number)

    @property
    def next_address(self) -> str:
        return self.address_of(self.page.next_page_number()) if self.page.has_next() else ""

    @property
    def previous_address(self) -> str:
        return self.address_of(self.page.previous_page_number()) if self.page.has_previous() else ""

    def address_of(self, number: int) -> str:
        pairs = self.query if number == 1 else [*self.query, ("page", str(number))]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


def listing(request: HttpRequest, rows: QuerySet[Any], filters: type[FilterSet]) -> Listing:
    """The page that the address asks for. A page that is none is the nearest one."""
    chosen = filters(request.GET, queryset=rows, request=request)
    paginator = Paginator(chosen.qs, PER_PAGE)
    return Listing(paginator.get_page(request.GET.get("page")), chosen, paginator.count, request.path)

"""Lists with filters and pages, the same on every tab."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters import FilterSet

PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a filtered list, and how it was filtered."""

    page: Page[Any]
    filters: FilterSet
    number: int

    @property
    def is_filtered(self) -> bool:
        return any(self.filters.data.get(name) for name in self.filters.filters)


def listing(request: HttpRequest, rows: QuerySet[Any], filters: type[FilterSet]) -> Listing:
    """The page that the address asks for. A page that is none is the nearest one."""
    chosen = filters(request.GET, queryset=rows, request=request)
    paginator = Paginator(chosen.qs, PER_PAGE)
    return Listing(paginator.get_page(request.GET.get("page")), chosen, paginator.count)

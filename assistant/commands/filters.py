"""The command list's filters and order, shared by the page and by "all that match"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.db.models import Expression, F
from django.db.models.functions import Lower
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from access.principals import Principal
from assistant.commands.models import Command
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.states import CommandType
from assistant.instances.filters import Asker, regions_seen
from console.kit.pagination import SEARCH_CHARACTERS, Listing

# The word in an address → what the table is ordered by.
SORTS: Mapping[str, Expression | F] = {
    "name": Lower("name"),
    "type": F("type"),
    "runs": F("n_invocations"),
    "last": F("last_invoked_at"),
    "created": F("created_at"),
}
# Numbers and times: the most is what one looks for first.
FALLING_FIRST = {"runs", "last", "created"}
DEFAULT_SORT = "-created"


class CommandFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name, id or description")
    )
    type = django_filters.ChoiceFilter(choices=CommandType.choices, label=_("Type"), empty_label=_("Any"))
    region = django_filters.ModelChoiceFilter(queryset=regions_seen, label=_("Region"))
    sort = django_filters.ChoiceFilter(
        method="by_sort", choices=[(sign + word, word) for word in SORTS for sign in ("", "-")]
    )

    class Meta:
        model = Command
        fields: list[str] = []

    def by_text(self, commands: CommandQuerySet, _name: str, value: str) -> CommandQuerySet:
        return commands.search(value.strip())

    def by_sort(self, commands: CommandQuerySet, _name: str, value: str) -> CommandQuerySet:
        key = SORTS[value.removeprefix("-")]
        order = key.desc(nulls_last=True) if value.startswith("-") else key.asc(nulls_last=True)
        return commands.order_by(order, "-created_at", "pk")


def chosen_commands(principal: Principal, fields: MultiValueDict[str, str], action: str) -> CommandQuerySet:
    """The saved commands that a form means: those ticked, or with `all` every one that matches its filters.

    All that match are all on which the action may be done; one that was ticked is refused by the operation.
    """
    visible = Command.objects.visible_to(principal).kept()
    if fields.get("all"):
        # How the rows are ordered chooses none.
        said = {name: fields.get(name) for name in CommandFilter.base_filters if name != "sort"}
        filters = CommandFilter(said, queryset=visible.open_to(principal, action), request=Asker(principal))
        # A filter that cannot be read must not widen the choice.
        matching: CommandQuerySet = filters.qs if filters.is_valid() else visible.none()
        return matching
    return visible.filter(pk__in=fields.getlist("command"))


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column that the table can be ordered by."""

    address: str
    # As `aria-sort` says it; empty where the table is ordered by another column.
    direction: str


def headings_of(listing: Listing) -> dict[str, Heading]:
    """For each word of SORTS where its head leads: this order, or the other way round where it is this one."""
    others = [(name, value) for name, value in listing.query if name != "sort"]
    now: Any = listing.filters.form.cleaned_data.get("sort") or DEFAULT_SORT
    return {word: heading_of(word, now, listing.path, others) for word in SORTS}


def heading_of(word: str, now: str, path: str, others: list[tuple[str, str]]) -> Heading:
    first = f"-{word}" if word in FALLING_FIRST else word
    other = word if word in FALLING_FIRST else f"-{word}"
    address = f"{path}?{urlencode([*others, ('sort', other if now == first else first)])}"
    if now.removeprefix("-") != word:
        return Heading(address, "")
    return Heading(address, "descending" if now.startswith("-") else "ascending")


def is_narrowed(listing: Listing) -> bool:
    """Whether a filter leaves commands out."""
    return any(name != "sort" for name, _value in listing.query)

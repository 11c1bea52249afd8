"""The command list's filters."""

import django_filters
from django.utils.translation import gettext_lazy as _

from assistant.commands.models import Command
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.states import CommandType
from assistant.instances.filters import regions_seen
from console.kit.pagination import SEARCH_CHARACTERS


class CommandFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name, id or description")
    )
    type = django_filters.ChoiceFilter(choices=CommandType.choices, label=_("Type"), empty_label=_("Any"))
    region = django_filters.ModelChoiceFilter(queryset=regions_seen, label=_("Region"))

    class Meta:
        model = Command
        fields: list[str] = []

    def by_text(self, commands: CommandQuerySet, _name: str, value: str) -> CommandQuerySet:
        return commands.search(value.strip())

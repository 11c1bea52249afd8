"""The instance list's filters, shared by the page and by "select all that match"."""

from dataclasses import dataclass
from typing import Any

import django_filters
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from access.principals import Principal
from assistant.instances.models import Activation, Instance, Region, Selection
from assistant.instances.querysets import (
    ActivationQuerySet,
    InstanceQuerySet,
    RegionQuerySet,
    SelectionQuerySet,
)
from assistant.instances.states import ConnectionStatus
from console.kit.pagination import SEARCH_CHARACTERS


@dataclass(frozen=True, slots=True)
class Asker:
    """Who filters, where no request is at hand: as much of one as filters look at."""

    principal: Principal


def regions_seen(asker: Any) -> RegionQuerySet:
    """The regions to choose from: one that is hidden is answered like one that is not there."""
    return Region.objects.visible_to(asker.principal) if asker else Region.objects.none()


def activations_seen(asker: Any) -> ActivationQuerySet:
    return Activation.objects.visible_to(asker.principal) if asker else Activation.objects.none()


def selections_seen(asker: Any) -> SelectionQuerySet:
    return Selection.objects.visible_to(asker.principal) if asker else Selection.objects.none()


def chosen_instances(
    principal: Principal,
    fields: MultiValueDict[str, str],
    action: str,
    *,
    filters: "type[InstanceFilter] | None" = None,
) -> InstanceQuerySet:
    """The instances that a form means: those ticked, or with `all` every one that matches its filters.

    All that match are all on which the action may be done; one that was ticked is refused by the operation.
    """
    visible = Instance.objects.visible_to(principal).registered()
    if fields.get("all"):
        asked = (filters or InstanceFilter)(
            fields, queryset=visible.open_to(principal, action), request=Asker(principal)
        )
        # A filter that cannot be read must not widen the choice.
        matching: InstanceQuerySet = asked.qs if asked.is_valid() else visible.none()
        return matching
    return visible.filter(pk__in=fields.getlist("instance"))


class InstanceFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name, id or address")
    )
    connection = django_filters.ChoiceFilter(
        method="by_connection", choices=ConnectionStatus.choices, label=_("Connection"), empty_label=_("Any")
    )
    os_type = django_filters.ChoiceFilter(
        choices=[("linux", "Linux"), ("windows", "Windows"), ("freebsd", "FreeBSD")],
        label=_("System"),
        empty_label=_("Any"),
    )
    tag = django_filters.CharFilter(method="by_tag", label=_("Tag"))
    region = django_filters.ModelChoiceFilter(queryset=regions_seen, label=_("Region"))
    activation = django_filters.ModelChoiceFilter(queryset=activations_seen, label=_("Activation code"))
    selection = django_filters.ModelChoiceFilter(
        queryset=selections_seen, method="by_selection", label=_("Selection")
    )

    class Meta:
        model = Instance
        fields: list[str] = []

    def by_text(self, instances: InstanceQuerySet, _name: str, value: str) -> InstanceQuerySet:
        return instances.search(value.strip())

    def by_connection(self, instances: InstanceQuerySet, _name: str, value: str) -> InstanceQuerySet:
        return instances.connected() if value == ConnectionStatus.NORMAL else instances.disconnected()

    def by_tag(self, instances: InstanceQuerySet, _name: str, value: str) -> InstanceQuerySet:
        key, equals, wanted = value.strip().partition("=")
        return instances.tagged(key.strip(), wanted.strip() if equals else None)

    def by_selection(
        self, instances: InstanceQuerySet, _name: str, selection: Selection | None
    ) -> InstanceQuerySet:
        if selection is None:
            return instances
        if selection.instance_ids:
            return instances.filter(pk__in=selection.instance_ids)
        kept = InstanceFilter(selection.filters, queryset=instances, request=self.request)
        matching: InstanceQuerySet = kept.qs if kept.is_valid() else instances.none()
        return matching

"""The results list's filters."""

import django_filters
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from assistant.commands.models import Command
from assistant.commands.states import CommandType
from assistant.instances.filters import regions_seen
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation, Target
from assistant.invocations.querysets import InvocationQuerySet, TargetQuerySet
from assistant.invocations.states import FAILURES, STOPPED, Overall, RepeatMode, Status
from console.kit.pagination import SEARCH_CHARACTERS


class InvocationFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Id or command"))
    status = django_filters.ChoiceFilter(choices=Overall.choices, label=_("State"), empty_label=_("Any"))
    type = django_filters.ChoiceFilter(
        method="by_type", choices=CommandType.choices, label=_("Type"), empty_label=_("Any")
    )
    plan = django_filters.ChoiceFilter(
        field_name="repeat_mode", choices=RepeatMode.choices, label=_("Plan"), empty_label=_("Any")
    )
    user = django_filters.CharFilter(field_name="created_by__username", label=_("User"))
    instance = django_filters.CharFilter(
        max_length=SEARCH_CHARACTERS, method="by_instance", label=_("Instance ID or name")
    )
    command = django_filters.CharFilter(field_name="command_id", label=_("Command ID"))
    begin = django_filters.IsoDateTimeFilter(
        field_name="created_at", lookup_expr="gte", label=_("From (UTC)")
    )
    end = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt", label=_("Until (UTC)"))
    region = django_filters.ModelChoiceFilter(queryset=regions_seen, label=_("Region"))

    class Meta:
        model = Invocation
        fields: list[str] = []

    def by_text(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        return invocations.search(value.strip())

    def by_type(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        # Asked run by run, in the list's own order: a join would read and sort all runs of the type first.
        return invocations.filter(Exists(Command.objects.filter(pk=OuterRef("command"), type=value)))

    def by_instance(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        meant = Instance.objects.filter(Q(pk=value.strip()) | Q(name=value.strip())).values("pk")
        return invocations.filter(pk__in=Target.objects.filter(instance__in=meant).values("invocation"))


# The sub-lists of one invocation's instances: word in the address → the states it stands for.
STATE_GROUPS = {
    "pending": [Status.PENDING, Status.SCHEDULED],
    "running": [Status.RUNNING, Status.STOPPING],
    "success": [Status.SUCCESS],
    "failed": sorted(FAILURES),
    "stopped": sorted(STOPPED),
}


class TargetFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name or id"))
    state = django_filters.ChoiceFilter(
        method="by_state", choices=[(word, word) for word in STATE_GROUPS], label=_("State")
    )
    digest = django_filters.CharFilter(field_name="digest")
    code = django_filters.CharFilter(field_name="error_code")
    unlike = django_filters.CharFilter(method="by_difference")

    class Meta:
        model = Target
        fields: list[str] = []

    def by_text(self, targets: TargetQuerySet, _name: str, value: str) -> TargetQuerySet:
        text = value.strip()
        return targets.filter(Q(instance__name__icontains=text) | Q(instance=text))

    def by_state(self, targets: TargetQuerySet, _name: str, value: str) -> TargetQuerySet:
        return targets.filter(status__in=STATE_GROUPS[value])

    def by_difference(self, targets: TargetQuerySet, _name: str, value: str) -> TargetQuerySet:
        return targets.unlike(value)

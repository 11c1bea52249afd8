"""The results list's filters."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from assistant.commands.states import CommandType
from assistant.instances.models import Region
from assistant.invocations.models import Invocation, Target
from assistant.invocations.querysets import InvocationQuerySet, TargetQuerySet
from assistant.invocations.states import FAILURES, STOPPED, Overall, Status


class InvocationFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="by_text", label=_("Id or command"))
    status = django_filters.ChoiceFilter(choices=Overall.choices, label=_("State"), empty_label=_("Any"))
    type = django_filters.ChoiceFilter(
        field_name="command__type", choices=CommandType.choices, label=_("Type"), empty_label=_("Any")
    )
    user = django_filters.CharFilter(field_name="created_by__username", label=_("User"))
    instance = django_filters.CharFilter(method="by_instance", label=_("Instance ID"))
    command = django_filters.CharFilter(field_name="command_id", label=_("Command ID"))
    region = django_filters.ModelChoiceFilter(queryset=Region.objects.all(), label=_("Region"))

    class Meta:
        model = Invocation
        fields: list[str] = []

    def by_text(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        return invocations.search(value.strip())

    def by_instance(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        return invocations.filter(pk__in=Target.objects.filter(instance=value.strip()).values("invocation"))


# The sub-lists of one invocation's instances: word in the address → the states it stands for.
STATE_GROUPS = {
    "pending": [Status.PENDING, Status.SCHEDULED],
    "running": [Status.RUNNING, Status.STOPPING],
    "success": [Status.SUCCESS],
    "failed": sorted(FAILURES),
    "stopped": sorted(STOPPED),
}


class TargetFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="by_text", label=_("Name or id"))
    state = django_filters.ChoiceFilter(
        method="by_state", choices=[(word, word) for word in STATE_GROUPS], label=_("State")
    )
    digest = django_filters.CharFilter(field_name="digest")
    code = django_filters.CharFilter(field_name="error_code")

    class Meta:
        model = Target
        fields: list[str] = []

    def by_text(self, targets: TargetQuerySet, _name: str, value: str) -> TargetQuerySet:
        text = value.strip()
        return targets.filter(Q(instance__name__icontains=text) | Q(instance=text))

    def by_state(self, targets: TargetQuerySet, _name: str, value: str) -> TargetQuerySet:
        return targets.filter(status__in=STATE_GROUPS[value])

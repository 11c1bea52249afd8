"""The results list's filters."""

from typing import TypeVar

import django_filters
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from assistant.commands.models import Command
from assistant.commands.states import CommandType
from assistant.instances.filters import InstanceFilter, regions_seen
from assistant.instances.models import Instance
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.forms import WordsField
from assistant.invocations.models import Invocation, Record, Target
from assistant.invocations.querysets import InvocationQuerySet, RecordQuerySet, TargetQuerySet
from assistant.invocations.rules.plans import PlanKind
from assistant.invocations.states import FAILURES, STOPPED, Overall, Status
from console.kit.pagination import SEARCH_CHARACTERS

Rows = TypeVar("Rows", TargetQuerySet, RecordQuerySet)


class InvocationFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Id or command"))
    status = django_filters.ChoiceFilter(choices=Overall.choices, label=_("State"), empty_label=_("Any"))
    type = django_filters.ChoiceFilter(
        method="by_type", choices=CommandType.choices, label=_("Type"), empty_label=_("Any")
    )
    plan = django_filters.ChoiceFilter(
        method="by_plan", choices=PlanKind.choices, label=_("Plan"), empty_label=_("Any")
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

    def by_plan(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        return invocations.planned_as(PlanKind(value))

    def by_instance(self, invocations: InvocationQuerySet, _name: str, value: str) -> InvocationQuerySet:
        meant = Instance.objects.filter(Q(pk=value.strip()) | Q(name=value.strip())).values("pk")
        return invocations.filter(pk__in=Target.objects.filter(instance__in=meant).values("invocation"))


# The sub-lists of one invocation's instances: word in the address → the states it stands for.
STATE_GROUPS = {
    "pending": [Status.PENDING],
    "scheduled": [Status.SCHEDULED],
    "running": [Status.RUNNING],
    "stopping": [Status.STOPPING],
    "success": [Status.SUCCESS],
    "failed": sorted(FAILURES),
    "stopped": sorted(STOPPED),
}


class WordsFilter(django_filters.Filter):
    field_class = WordsField


class RunStateFilter(django_filters.FilterSet):
    """Of one invocation: its instances, or its runs at one moment."""

    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name or id"))
    state = django_filters.ChoiceFilter(
        method="by_state", choices=[(word, word) for word in STATE_GROUPS], label=_("State")
    )
    digest = django_filters.CharFilter(field_name="digest")
    code = django_filters.CharFilter(field_name="error_code")
    unlike = django_filters.CharFilter(method="by_difference")
    # Parts of the page's address, which the view looks at.
    tab = django_filters.CharFilter(method="by_address")
    at = django_filters.CharFilter(method="by_address")

    def by_state(self, rows: Rows, _name: str, value: str) -> Rows:
        return rows.filter(status__in=STATE_GROUPS[value])

    def by_difference(self, rows: Rows, _name: str, value: str) -> Rows:
        return rows.unlike(value)

    def by_address(self, rows: Rows, _name: str, _value: str) -> Rows:
        return rows


class TargetFilter(RunStateFilter):
    says = WordsFilter(method="by_output", label=_("Words in the output"))

    class Meta:
        model = Target
        fields: list[str] = []

    def by_text(self, targets: TargetQuerySet, _name: str, value: str) -> TargetQuerySet:
        text = value.strip()
        return targets.filter(Q(instance__name__icontains=text) | Q(instance=text))

    def by_output(self, targets: TargetQuerySet, _name: str, value: list[str]) -> TargetQuerySet:
        return targets.saying(value)


class RecordFilter(RunStateFilter):
    class Meta:
        model = Record
        fields: list[str] = []

    def by_text(self, records: RecordQuerySet, _name: str, value: str) -> RecordQuerySet:
        text = value.strip()
        return records.filter(Q(target__instance__name__icontains=text) | Q(target__instance=text))


# How an earlier run went on an instance, where it is run again: word in the address → label.
OUTCOMES = {
    "failed": _("where it failed"),
    "success": _("where it was successful"),
    "stopped": _("where it was stopped"),
}


class PickerFilter(InstanceFilter):
    """The instances to run on; also those of an earlier run."""

    again = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_run")
    outcome = django_filters.ChoiceFilter(method="by_outcome", choices=[*OUTCOMES.items()])

    def by_run(self, instances: InstanceQuerySet, _name: str, value: str) -> InstanceQuerySet:
        results = Target.objects.visible_to(self.request.principal).filter(invocation=value)
        if outcome := self.form.cleaned_data.get("outcome"):
            results = results.filter(status__in=STATE_GROUPS[outcome])
        return instances.filter(pk__in=results.values("instance"))

    def by_outcome(self, instances: InstanceQuerySet, _name: str, _value: str) -> InstanceQuerySet:
        """Means something of a run alone, and is asked there."""
        return instances

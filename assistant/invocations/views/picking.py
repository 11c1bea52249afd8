"""The instances in the run panel: which there are to tick, which cannot take the command, whom it runs on."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import ngettext

from assistant.commands.forms import LANGUAGES
from assistant.commands.models import Command
from assistant.commands.rules.catalogue import CommonCommand
from assistant.commands.rules.content import has_reboot
from assistant.commands.states import CommandType
from assistant.instances.filters import chosen_instances
from assistant.instances.models import Instance, Region, Selection
from assistant.instances.querysets import InstanceQuerySet
from assistant.instances.rules.fitness import Fit, Wanted
from assistant.invocations.errors import InstanceUnknown
from assistant.invocations.filters import OUTCOMES, PickerFilter
from assistant.invocations.models import Target
from assistant.invocations.operations.blackouts import Shadow, shadows_on
from assistant.invocations.rules.abilities import can_carry_out
from assistant.invocations.rules.plans import NOW, Plan, PlanKind
from assistant.invocations.views.plans import Foreseen, foreseen, plan_form, plan_in
from console.kit.http import ConsoleRequest

# Instances that the run form lists to tick.
CHOICES_SHOWN = 50
KEPT_FILTERS = ("os_type", "region", "activation", "again")


def fields_of(request: ConsoleRequest) -> MultiValueDict[str, str]:
    return request.POST or request.GET


def action_of(request: ConsoleRequest) -> str:
    """What the run form asks for: a script that was typed is run, a saved or common command is invoked."""
    fields = fields_of(request)
    return "ecs:InvokeCommand" if fields.get("command") or fields.get("common") else "ecs:RunCommand"


def wanted_of(
    command: Command | CommonCommand | None, typed: Mapping[str, Any], plan: Plan = NOW.plan
) -> Wanted:
    """What the command asks of an instance, as far as the form is filled in."""
    username = str(typed.get("username", "")).strip()
    able = partial(takes, plan) if plan.waits else None
    if command is None:
        _label, kind = LANGUAGES.get(str(typed.get("language")), LANGUAGES["shell"])
        return Wanted(kind.os_type, username=username, able=able)
    region_id = command.region_id if isinstance(command, Command) else ""
    return Wanted(CommandType(command.type).os_type, region_id, username, able)


def takes(plan: Plan, os_type: str, agent_name: str, agent_version: str) -> bool:
    return can_carry_out(plan, agent_name=agent_name, agent_version=agent_version, os_type=os_type)


def meant(request: ConsoleRequest) -> InstanceQuerySet:
    """Those that are ticked, or all that match."""
    fields = fields_of(request)
    return chosen_instances(request.principal, fields, action_of(request), filters=PickerFilter)


def chosen(request: ConsoleRequest, wanted: Wanted) -> InstanceQuerySet:
    """Whom the form means. Of all that match those that can take the command; of those ticked every one."""
    instances = meant(request)
    return instances.fitting(wanted) if fields_of(request).get("all") else instances


def chosen_region(request: ConsoleRequest, wanted: Wanted) -> Region:
    region_id = chosen(request, wanted).fit(Wanted()).region_id
    return Region.objects.filter(pk=region_id).first() or Region.objects.order_by("pk")[0]


def check_ticked(request: ConsoleRequest, region: Region) -> None:
    """Nobody who was ticked is left out without a word (CA-166)."""
    if request.POST.get("all"):
        return
    ticked = set(request.POST.getlist("instance"))
    n_missing = len(ticked) - chosen(request, Wanted()).filter(region=region).count()
    if n_missing:
        message = ngettext(
            "%(number)d chosen instance is deregistered or in another region. Choose again.",
            "%(number)d chosen instances are deregistered or in another region. Choose again.",
            n_missing,
        )
        raise InstanceUnknown(message % {"number": n_missing}, field="targets")


def picker(
    request: ConsoleRequest, command: Command | CommonCommand | None, typed: Mapping[str, Any]
) -> dict[str, Any]:
    """The list to tick, and the sentence that says what will happen."""
    plan = plan_form(fields_of(request), command, initial=typed, is_sent=request.method == "POST")
    wanted = wanted_of(command, typed, plan_in(plan))
    fields = fields_of(request)
    visible = Instance.objects.visible_to(request.principal)
    reachable = visible.registered().open_to(request.principal, action_of(request))
    filters = PickerFilter(fields, queryset=reachable, request=request)
    ticked = set(fields.getlist("instance"))
    rows = rows_of(filters.qs, wanted, ticked)
    gone = list(visible.filter(pk__in=ticked).gone().for_choice()) if ticked else []
    matching = filters.qs.fit(wanted)
    return {
        "filters": filters,
        "rows": [*gone, *rows],
        "matching": matching,
        "n_unseen": matching.number + matching.n_left_out - len(rows),
        "ticked": ticked,
        # Ticked before the filter was changed, and not shown by it.
        "hidden_ticks": sorted(ticked - {instance.pk for instance in [*gone, *rows]}),
        "all_chosen": bool(fields.get("all")),
        # Filters that this form has no field for: "all that match" still means them.
        "kept_filters": [(name, fields[name]) for name in KEPT_FILTERS if fields.get(name)],
        "again": fields.get("again", ""),
        "n_gone": gone_since(request, fields.get("again", "")),
        "outcomes": OUTCOMES,
        "selections": Selection.objects.visible_to(request.principal).for_table(),
        **foretold(request, command, typed, matching=matching),
    }


def rows_of(instances: InstanceQuerySet, wanted: Wanted, ticked: Collection[str]) -> list[Instance]:
    """Those that can take the command before those that cannot; of these the ticked ones come first of all.

    What is shown and cannot take it is not sent: nobody is refused for a tick that is out of sight.
    """
    misfits = instances.misfits(wanted).for_choice()
    rows = list(misfits.filter(pk__in=ticked)[:CHOICES_SHOWN]) if ticked else []
    rows += instances.fitting(wanted).for_choice()[: CHOICES_SHOWN - len(rows)]
    if len(rows) < CHOICES_SHOWN:
        rows += misfits.exclude(pk__in=ticked)[: CHOICES_SHOWN - len(rows)]
    return rows


def gone_since(request: ConsoleRequest, invocation_id: str) -> int:
    """How many instances of an earlier run are deregistered by now."""
    if not invocation_id:
        return 0
    results = Target.objects.visible_to(request.principal).filter(invocation=invocation_id)
    return results.filter(instance__released_at__isnull=False).count()


def foretold(
    request: ConsoleRequest,
    command: Command | CommonCommand | None,
    typed: Mapping[str, Any],
    *,
    matching: Fit | None = None,
) -> dict[str, Any]:
    """What will happen. `matching` are all that match, where they are counted already."""
    plan = plan_form(fields_of(request), command, initial=typed, is_sent=request.method == "POST")
    wanted = wanted_of(command, typed, plan_in(plan))
    if matching is None or not fields_of(request).get("all"):
        matching = meant(request).fit(wanted)
    times = foreseen(plan)
    return {
        "foreseen": times,
        "shadows": shadows(times, chosen(request, wanted)),
        "waits": plan.kind is not PlanKind.NOW or str(typed.get("waits_until") or 0) != "0",
        # Those that are offline fail when their turn comes, not before.
        "takes_turns": bool(str(typed.get("at_a_time") or "").strip()),
        "fit": matching,
        "takes_all": bool(fields_of(request).get("all")),
        "username": wanted.username,
        "has_reboot": has_reboot(command.content if command else str(typed.get("content", ""))),
    }


def shadows(times: Foreseen | None, instances: InstanceQuerySet) -> list[tuple[Shadow, list[datetime]]]:
    """The blackout windows that a plan's next times fall into, each with those times as they are shown."""
    # By each server's own clock there is no one moment to look a window up for.
    if times is None or times.is_local:
        return []
    shown = dict(times.times)
    found = shadows_on([*shown], instances)
    return [(shadow, [shown[moment] for moment in shadow.moments]) for shadow in found]

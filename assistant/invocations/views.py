"""The people's door: run a command, watch it, read what came of it."""

from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.commands.errors import CommandUnknown
from assistant.commands.forms import values_in
from assistant.commands.models import Command
from assistant.commands.rules.catalogue import CommonCommand, catalogue
from assistant.commands.rules.content import has_reboot
from assistant.instances.filters import InstanceFilter, chosen_instances
from assistant.instances.models import Instance, Region
from assistant.invocations import limits
from assistant.invocations.errors import InstanceUnknown
from assistant.invocations.filters import STATE_GROUPS, InvocationFilter, TargetFilter
from assistant.invocations.forms import InvokeForm, RunForm
from assistant.invocations.models import Invocation, OutputChunk, Target
from assistant.invocations.operations.common_commands import invoke_common_command
from assistant.invocations.operations.runs import (
    invoke_command,
    run_again,
    run_again_on_failed,
    run_command,
)
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.answers import Answers, Group, answers
from assistant.invocations.rules.colours import plain
from assistant.invocations.rules.comparisons import compare
from assistant.invocations.rules.output import assemble
from assistant.invocations.rules.remedies import remedy_for
from assistant.invocations.states import OPEN
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]

# What the page of one invocation shows.
ANSWERS_SHOWN = 12
ANSWER_LINES = 20
ANSWER_BYTES = 4096
NAMES_SHOWN = 3
PREVIEW_BYTES = 240
# What the page of a comparison shows of the difference.
COMPARED_LINES = 1000
# Instances that the run form lists to tick.
CHOICES_SHOWN = 50
KEPT_FILTERS = ("os_type", "region", "activation")


# --- Run ---


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_http_methods(GET_OR_POST)
def run(request: ConsoleRequest) -> HttpResponse:
    command = saved_command(request)
    form = run_form(request, command)
    if form.is_valid():
        try:
            invocation = started(request, form, command)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, invocation.get_absolute_url())
    context = {"form": form, "command": command, **choices(request), **preview(request)}
    return panel(request, "invocations/run.html", context)


def run_form(request: ConsoleRequest, command: Command | CommonCommand | None) -> RunForm | InvokeForm:
    # Somebody without scripts who filters, or looks at the parameters: as it was typed, and nothing runs.
    looks = "look" in request.POST
    said = None if looks else request.POST or None
    initial = (request.POST or request.GET).dict()
    if command:
        return InvokeForm(said, initial=initial, parameters=command.parameters)
    return RunForm(said, initial=initial)


@needs("ecs:RunCommand")
@require_POST
def run_parameters(request: ConsoleRequest) -> HttpResponse:
    """The parameters in a command that is being typed, with a field for the value of each."""
    return render(request, "invocations/_parameters.html", {"form": RunForm(initial=request.POST.dict())})


def saved_command(request: ConsoleRequest) -> Command | CommonCommand | None:
    """The command that shall be run as it was saved, or as it was supplied; none where one is typed."""
    fields = request.POST or request.GET
    if fields.get("common"):
        return common_command(fields["common"])
    command_id = fields.get("command", "")
    if not command_id:
        return None
    return get_object_or_404(Command.objects.visible_to(request.principal).kept(), pk=command_id)


def common_command(name: str) -> CommonCommand:
    if name not in catalogue():
        raise CommandUnknown(_("There is no common command of this name."))
    return catalogue()[name]


def started(request: ConsoleRequest, form: Any, command: Command | CommonCommand | None) -> Invocation:
    targets = chosen_instances(request.principal, request.POST, action_of(request))
    username, values = form.cleaned_data["username"], values_in(form, form.parameters)
    region = command.region if isinstance(command, Command) else chosen_region(request)
    check_ticked(request, region)
    if isinstance(command, CommonCommand):
        return invoke_common_command(
            request.principal, command, region, targets=targets, username=username, parameters=values
        )
    if command:
        return invoke_command(
            request.principal, command, targets=targets, username=username, parameters=values
        )
    return run_command(
        request.principal,
        region,
        form.script(),
        targets=targets,
        username=username,
        keep=form.cleaned_data["keep"],
        parameters=values,
    )


def action_of(request: ConsoleRequest) -> str:
    """What the run form asks for: a script that was typed is run, a saved or common command is invoked."""
    fields = request.POST or request.GET
    return "ecs:InvokeCommand" if fields.get("command") or fields.get("common") else "ecs:RunCommand"


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_safe
def run_targets(request: ConsoleRequest) -> HttpResponse:
    """The instances to tick, filtered anew; what was ticked stays."""
    return render(request, "invocations/_choices.html", {**choices(request), **preview(request)})


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_http_methods(GET_OR_POST)
def run_preview(request: ConsoleRequest) -> HttpResponse:
    """The sentence that says what will happen."""
    return render(request, "invocations/_preview.html", preview(request))


def choices(request: ConsoleRequest) -> dict[str, Any]:
    fields = request.POST or request.GET
    visible = Instance.objects.visible_to(request.principal).registered()
    filters = InstanceFilter(
        fields, queryset=visible.open_to(request.principal, action_of(request)), request=request
    )
    rows = list(filters.qs.for_table()[:CHOICES_SHOWN])
    ticked = set(fields.getlist("instance"))
    return {
        "filters": filters,
        "rows": rows,
        "n_matching": filters.qs.count(),
        "ticked": ticked,
        # Ticked before the filter was changed, and not shown by it.
        "hidden_ticks": sorted(ticked - {instance.pk for instance in rows}),
        "all_chosen": bool(fields.get("all")),
        # Filters of the instances list that this form has no field for: "all that match" still means them.
        "kept_filters": [(name, fields[name]) for name in KEPT_FILTERS if fields.get(name)],
    }


def preview(request: ConsoleRequest) -> dict[str, Any]:
    fields = request.POST or request.GET
    chosen = chosen_instances(request.principal, request.POST or request.GET, action_of(request))
    n_chosen, n_connected = chosen.tally()
    return {
        "n_chosen": n_chosen,
        "n_offline": n_chosen - n_connected,
        "username": fields.get("username", "").strip(),
        "has_reboot": has_reboot(fields.get("content", "")),
    }


def chosen_region(request: ConsoleRequest) -> Region:
    """The region of what was chosen: the first one's, where people mix (the operation leaves out the rest)."""
    first = (
        chosen_instances(request.principal, request.POST or request.GET, action_of(request))
        .select_related("region")
        .order_by("pk")
        .first()
    )
    return first.region if first else Region.objects.order_by("pk")[0]


def check_ticked(request: ConsoleRequest, region: Region) -> None:
    """Nobody who was ticked is left out without a word (CA-166)."""
    if request.POST.get("all"):
        return
    ticked = set(request.POST.getlist("instance"))
    chosen = chosen_instances(request.principal, request.POST, action_of(request)).filter(region=region)
    n_missing = len(ticked) - chosen.count()
    if n_missing:
        message = ngettext(
            "%(number)d chosen instance is deregistered or in another region. Choose again.",
            "%(number)d chosen instances are deregistered or in another region. Choose again.",
            n_missing,
        )
        raise InstanceUnknown(message % {"number": n_missing}, field="targets")


# --- Execution results ---


@needs("ecs:DescribeInvocations")
@require_safe
@vary_on_headers("HX-Request")
def invocation_list(request: ConsoleRequest) -> HttpResponse:
    rows = Invocation.objects.visible_to(request.principal).for_table()
    found = listing(request, rows, InvocationFilter)
    context = {"listing": found, "page_obj": found.page}
    return render(request, "invocations/_table.html" if request.htmx else "invocations/list.html", context)


FRAGMENTS = {
    "invocation-status": "invocations/_status.html",
    "invocation-answers": "invocations/_answers.html",
    "invocation-targets": "invocations/_targets.html",
}


@needs("ecs:DescribeInvocations")
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def invocation_detail(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """The page, or the one of its three live parts that asks."""
    invocation = visible_invocation(request, invocation_id)
    template = FRAGMENTS.get(request.htmx.target or "") if request.htmx else None
    context: dict[str, Any] = {"invocation": invocation}
    if template != "invocations/_status.html":
        if template != "invocations/_targets.html":
            context |= said_in(request, invocation)
        if template != "invocations/_answers.html":
            context |= targets_of(request, invocation)
    return render(request, template or "invocations/detail.html", context)


def said_in(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """What the servers said: grouped, or, where there is one alone, its output as it comes."""
    targets = invocation.targets.visible_to(request.principal)
    if invocation.n_total != 1:
        return {"answers": answers_of(targets)}
    alone = targets.for_table().select_related("invocation__command").first()
    return output_of(request, alone) if alone else {}


def output_of(request: ConsoleRequest, target: Target) -> dict[str, Any]:
    """Of an output too long for a page the beginning, or, while the command runs, what came last."""
    is_cut = target.stored_bytes > limits.OUTPUT_PAGE_BYTES
    follows = is_cut and not target.is_final
    if follows:
        pieces = OutputChunk.objects.newest(target.pk, limits.OUTPUT_PAGE_BYTES)
        begin = pieces[0][0] if pieces else 0
        output = assemble([(offset - begin, body) for offset, body in pieces], total=0)
    else:
        pieces = OutputChunk.objects.beginnings([target.pk], limits.OUTPUT_PAGE_BYTES).get(target.pk, [])
        output = assemble(pieces, total=0 if is_cut else target.output_bytes)
    return {
        "target": target,
        "output": output,
        "is_cut": is_cut,
        "follows": follows,
        "remedy": remedy_for(target.error_code),
        "late_output": not target.instance.is_own_agent and not target.is_final,
        "run_before": run_before(request, target) if target.digest else None,
    }


def run_before(request: ConsoleRequest, target: Target) -> Target | None:
    """The same script's last run on the same instance."""
    seen = Target.objects.visible_to(request.principal)
    return seen.runs_before(target).select_related("invocation", "instance").first()


def answers_of(targets: TargetQuerySet) -> Answers:
    """The most frequent answers. Four queries, however many instances there are."""
    groups = [Group(**row) for row in targets.answers()[: ANSWERS_SHOWN + 1]]
    samples = [group.sample for group in groups]
    pieces = OutputChunk.objects.beginnings(samples, ANSWER_BYTES)
    outputs = {pk: assemble(pieces.get(pk, []), total=0) for pk in samples}
    n_shown = sum(group.number for group in groups)
    return answers(
        groups,
        outputs,
        places_of(targets, groups),
        n_ended=targets.exclude(status__in=OPEN).count() if len(groups) > ANSWERS_SHOWN else n_shown,
        most=ANSWERS_SHOWN,
        most_lines=ANSWER_LINES,
    )


def places_of(targets: TargetQuerySet, groups: list[Group]) -> dict[int, list[tuple[str, str]]]:
    """The instances of each answer, (id, name) by its sample: the sample's, and all where they are few."""
    few = {group.digest: group.sample for group in groups if group.digest and group.number <= NAMES_SHOWN}
    wanted = targets.filter(Q(pk__in=[group.sample for group in groups]) | Q(digest__in=few)).order_by("pk")
    places: dict[int, list[tuple[str, str]]] = {group.sample: [] for group in groups}
    for pk, digest, *place in wanted.values_list("pk", "digest", "instance_id", "instance__name"):
        places[few.get(digest, pk)].append((place[0], place[1]))
    return places


def targets_of(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    targets = invocation.targets.visible_to(request.principal).for_table().order_by("pk")
    found = listing(request, targets, TargetFilter)
    add_previews(found.page.object_list)
    return {"listing": found, "page_obj": found.page, "groups": list(STATE_GROUPS)}


def add_previews(targets: Any) -> None:
    """Give each row the first line of its output, one query for all."""
    pieces = OutputChunk.objects.beginnings([target.pk for target in targets], PREVIEW_BYTES)
    for target in targets:
        text = plain(assemble(pieces.get(target.pk, []), total=0).text).strip()
        target.preview = text.splitlines()[0] if text else ""


@needs("ecs:DescribeInvocationResults")
@require_safe
@vary_on_headers("HX-Request")
def target_detail(request: ConsoleRequest, invocation_id: str, instance_id: str) -> HttpResponse:
    """One instance's result, live while it runs."""
    target = visible_target(request, invocation_id, instance_id)
    context = {
        "invocation": target.invocation,
        "sees_run": Invocation.objects.visible_to(request.principal).filter(pk=invocation_id).exists(),
        **output_of(request, target),
    }
    return render(request, "invocations/_target.html" if request.htmx else "invocations/target.html", context)


@needs("ecs:DescribeInvocationResults")
@require_safe
def target_compare(request: ConsoleRequest, invocation_id: str, instance_id: str) -> HttpResponse:
    """What a result says otherwise than another instance's of its run, or than the run before on its own."""
    target = visible_target(request, invocation_id, instance_id)
    named = request.GET.get("instance", "")
    other = visible_target(request, invocation_id, named) if named else run_before(request, target)
    context: dict[str, Any] = {"target": target, "other": other, "invocation": target.invocation}
    if other:
        both = [target.pk, other.pk]
        pieces = OutputChunk.objects.beginnings(both, limits.OUTPUT_PAGE_BYTES)
        new, old = (assemble(pieces.get(pk, []), total=0).text for pk in both)
        context["comparison"] = compare(old, new, most_lines=COMPARED_LINES)
        context["is_cut"] = max(target.stored_bytes, other.stored_bytes) > limits.OUTPUT_PAGE_BYTES
    return render(request, "invocations/compare.html", context)


@needs("ecs:DescribeInvocationResults")
@require_safe
def target_output(request: ConsoleRequest, invocation_id: str, instance_id: str) -> HttpResponse:
    """All that is stored of one output, byte by byte, as a file."""
    target = visible_target(request, invocation_id, instance_id)
    body = b"".join(body for _offset, body in OutputChunk.objects.whole(target.pk))
    response = HttpResponse(body, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{invocation_id}-{instance_id}.txt"'
    return response


# --- Stop, run again ---


@needs("ecs:StopInvocation")
@require_http_methods(GET_OR_POST)
def invocation_stop(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """Stop on the ticked instances, or on all that are open; on GET, what would be hit."""
    reachable = Invocation.objects.reachable_to(request.principal).select_related("command")
    invocation = get_object_or_404(reachable, pk=invocation_id)
    fields = request.POST or request.GET
    ticked = fields.getlist("instance")
    sees_run = Invocation.objects.visible_to(request.principal).filter(pk=invocation_id).exists()
    visible = invocation.targets.open_to(request.principal, "ecs:StopInvocation")
    if not sees_run:
        visible = visible.visible_to(request.principal)
    targets = visible.filter(instance__in=ticked) if ticked else visible
    if request.method == "POST":
        stop_invocation(request.principal, invocation, targets=targets)
        return gone_to(request, invocation.get_absolute_url() if sees_run else reverse("console:overview"))
    stoppable = targets.stoppable()
    choices = visible.stoppable().for_table().order_by("pk")[:CHOICES_SHOWN]
    hidden = sorted(set(ticked) - {target.instance_id for target in choices})
    context = {
        "invocation": invocation,
        "sees_run": sees_run,
        "n_hit": stoppable.count(),
        "ticked": ticked,
        "hidden_ticks": hidden,
        "choices": choices,
    }
    return panel(request, "invocations/stop.html", context)


@needs("ecs:RunCommand")
@require_POST
def invocation_run_again(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    again = run_again(request.principal, visible_invocation(request, invocation_id))
    return gone_to(request, again.get_absolute_url())


@needs("ecs:RunCommand")
@require_POST
def invocation_run_again_failed(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    again = run_again_on_failed(request.principal, visible_invocation(request, invocation_id))
    return gone_to(request, again.get_absolute_url())


def visible_invocation(request: ConsoleRequest, invocation_id: str) -> Invocation:
    invocations = Invocation.objects.visible_to(request.principal)
    return get_object_or_404(invocations.select_related("command", "created_by", "region"), pk=invocation_id)


def visible_target(request: ConsoleRequest, invocation_id: str, instance_id: str) -> Target:
    visible = Target.objects.visible_to(request.principal)
    targets = visible.select_related("invocation__command", "instance")
    return get_object_or_404(targets, invocation=invocation_id, instance=instance_id)

"""The people's door: run a command, watch it, read what came of it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.commands.models import Command
from assistant.commands.rules.content import has_reboot
from assistant.instances.filters import InstanceFilter, chosen_instances
from assistant.instances.models import Instance, Region
from assistant.invocations import limits
from assistant.invocations.errors import InstanceUnknown
from assistant.invocations.filters import STATE_GROUPS, InvocationFilter, TargetFilter
from assistant.invocations.forms import InvokeForm, RunForm
from assistant.invocations.models import Invocation, OutputChunk, Target
from assistant.invocations.operations.runs import (
    invoke_command,
    run_again,
    run_again_on_failed,
    run_command,
)
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.answers import Answer, answers
from assistant.invocations.rules.output import assemble
from assistant.invocations.rules.remedies import remedy_for
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
# Instances that the run form lists to tick.
CHOICES_SHOWN = 50
KEPT_FILTERS = ("os_type", "region", "activation")


# --- Run ---


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_http_methods(GET_OR_POST)
def run(request: ConsoleRequest) -> HttpResponse:
    command = saved_command(request)
    form = (InvokeForm if command else RunForm)(request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            invocation = started(request, form, command)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, invocation.get_absolute_url())
    context = {"form": form, "command": command, **choices(request), **preview(request)}
    return panel(request, "invocations/run.html", context)


def saved_command(request: ConsoleRequest) -> Command | None:
    """The command that shall be run as it was saved; none where one is typed."""
    command_id = (request.POST or request.GET).get("command", "")
    if not command_id:
        return None
    return get_object_or_404(Command.objects.visible_to(request.principal).kept(), pk=command_id)


def started(request: ConsoleRequest, form: Any, command: Command | None) -> Invocation:
    targets = chosen_instances(request.principal, request.POST, action_of(request))
    username = form.cleaned_data["username"]
    region = command.region if command else chosen_region(request)
    check_ticked(request, region)
    if command:
        return invoke_command(request.principal, command, targets=targets, username=username)
    keep, script = form.cleaned_data["keep"], form.script()
    return run_command(request.principal, region, script, targets=targets, username=username, keep=keep)


def action_of(request: ConsoleRequest) -> str:
    """What the run form asks for: a script that was typed is run, a saved command is invoked."""
    return "ecs:InvokeCommand" if (request.POST or request.GET).get("command") else "ecs:RunCommand"


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
    filters = InstanceFilter(fields, queryset=visible.open_to(request.principal, action_of(request)))
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
    alone = targets.for_table().first()
    return output_of(alone) if alone else {}


def output_of(target: Target) -> dict[str, Any]:
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
    }


def answers_of(targets: TargetQuerySet) -> list[Answer]:
    """The most frequent answers. Four queries, however many instances there are."""
    groups = list(targets.answers()[:ANSWERS_SHOWN])
    samples = [int(str(group["sample"])) for group in groups]
    pieces = OutputChunk.objects.beginnings(samples, ANSWER_BYTES)
    outputs = {pk: assemble(pieces.get(pk, []), total=0) for pk in samples}
    few = [str(group["digest"]) for group in groups if int(str(group["number"])) <= NAMES_SHOWN]
    names: dict[str, list[str]] = {}
    for digest, name in targets.filter(digest__in=few).values_list("digest", "instance__name"):
        names.setdefault(digest, []).append(name)
    return answers(groups, outputs, names, most_lines=ANSWER_LINES)


def targets_of(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    targets = invocation.targets.visible_to(request.principal).for_table().order_by("pk")
    found = listing(request, targets, TargetFilter)
    add_previews(found.page.object_list)
    return {"listing": found, "page_obj": found.page, "groups": list(STATE_GROUPS)}


def add_previews(targets: Any) -> None:
    """Give each row the first line of its output, one query for all."""
    pieces = OutputChunk.objects.beginnings([target.pk for target in targets], PREVIEW_BYTES)
    for target in targets:
        text = assemble(pieces.get(target.pk, []), total=0).text.strip()
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
        **output_of(target),
    }
    return render(request, "invocations/_target.html" if request.htmx else "invocations/target.html", context)


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
    visible = invocation.targets.open_to(request.principal, "ecs:StopInvocation")
    targets = visible.filter(instance__in=ticked) if ticked else visible
    if request.method == "POST":
        stop_invocation(request.principal, invocation, targets=targets)
        return gone_to(request, invocation.get_absolute_url())
    stoppable = targets.stoppable()
    choices = visible.stoppable().for_table().order_by("pk")[:CHOICES_SHOWN]
    hidden = sorted(set(ticked) - {target.instance_id for target in choices})
    context = {
        "invocation": invocation,
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

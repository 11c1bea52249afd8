"""The people's door: watch a run, read what came of it, stop it, run it again."""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.filters import STATE_GROUPS, InvocationFilter, TargetFilter
from assistant.invocations.models import Invocation, OutputChunk, Target
from assistant.invocations.operations.plans import is_open
from assistant.invocations.operations.retention import kept_in_words
from assistant.invocations.operations.runs import run_again, run_again_on_failed
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.views.guard import asked
from assistant.invocations.views.holding import add_held, add_held_at
from assistant.invocations.views.outputs import (
    add_said,
    answers_of,
    compared,
    found_or_gone,
    output_of,
    run_before,
)
from assistant.invocations.views.records import (
    history_of,
    moments_in,
    planned_in,
    records_in,
    said_at,
    shows_instances,
)
from assistant.invocations.views.searching import add_snippets
from console.kit.http import ConsoleRequest, gone_to, panel
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]

Part = Callable[[ConsoleRequest, Invocation], dict[str, Any]]

# Instances that the stop form lists to tick.
STOPS_SHOWN = 50


@needs("ecs:DescribeInvocations")
@require_safe
@vary_on_headers("HX-Request")
def invocation_list(request: ConsoleRequest) -> HttpResponse:
    rows = Invocation.objects.visible_to(request.principal).for_table()
    found = listing(request, rows, InvocationFilter)
    add_held(request, found.page.object_list)
    context = {"listing": found, "page_obj": found.page}
    if request.htmx:
        return render(request, "invocations/_table.html", context)
    return render(request, "invocations/list.html", {**context, "kept": kept_in_words()})


@needs("ecs:DescribeInvocations")
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def invocation_detail(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """The page, or the one of its live parts that asks."""
    invocation = visible_invocation(request, invocation_id)
    parts = PARTS_OF_PLANS if invocation.plan.recurs else PARTS
    context: dict[str, Any] = {"invocation": invocation}
    asked = (request.htmx.target or "").removeprefix("invocation-") if request.htmx else ""
    if asked in parts:
        return render(request, f"invocations/_{asked}.html", context | parts[asked](request, invocation))
    shown = [name for name in parts if name in shown_of(request, invocation)]
    for name in shown:
        context |= parts[name](request, invocation)
    context["parts"] = [f"invocations/_{name}.html" for name in shown]
    return render(request, "invocations/detail.html", context)


def shown_of(request: ConsoleRequest, invocation: Invocation) -> Collection[str]:
    """Which parts the page shows: of a plan that recurs its runs or its instances."""
    if not invocation.plan.recurs:
        return PARTS
    shows = shows_instances(request, invocation)
    return ("status", "targets") if shows else ("status", "timeline", "answers", "records")


def status_of(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """What holds a plan that runs once."""
    add_held(request, [invocation])
    return {"takes_instances": is_open(invocation, now=timezone.now())}


def said_in(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """What the servers said: grouped, or, where there is one alone, its output as it comes."""
    targets = invocation.targets.visible_to(request.principal)
    if invocation.n_total != 1:
        return {"answers": answers_of(targets)}
    alone = targets.for_table().select_related("invocation__command").first()
    return output_of(request, alone) if alone else {}


def targets_of(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    # They were made in this order, and an index has it: no page sorts ten thousand rows.
    targets = invocation.targets.visible_to(request.principal).for_table().order_by("instance_id")
    found = listing(request, targets, TargetFilter)
    add_said(found, targets)
    add_snippets(found.page.object_list, found.filters.form.cleaned_data.get("says"))
    kept = "tab=instances&" if invocation.plan.recurs else ""
    return {
        "listing": found,
        "page_obj": found.page,
        "groups": list(STATE_GROUPS),
        "kept": kept,
        "is_narrowed": any(name != "tab" for name, _value in found.query),
    }


# The live parts of a run's page, by their fragments' names.
PARTS: Mapping[str, Part] = {"status": status_of, "answers": said_in, "targets": targets_of}
PARTS_OF_PLANS: Mapping[str, Part] = {
    "status": planned_in,
    "timeline": moments_in,
    "answers": said_at,
    "records": records_in,
    "targets": targets_of,
}


@needs("ecs:DescribeInvocationResults")
@require_safe
@vary_on_headers("HX-Request")
def target_detail(request: ConsoleRequest, invocation_id: str, instance_id: str) -> HttpResponse:
    """One instance's result, live while it runs."""
    target = visible_target(request, invocation_id, instance_id)
    add_held_at(target)
    context = {
        "invocation": target.invocation,
        "sees_run": Invocation.objects.visible_to(request.principal).filter(pk=invocation_id).exists(),
        "place": target,
        "left_out": target.left_out,
        **(history_of(request, target) if target.invocation.plan.recurs else output_of(request, target)),
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
        context |= compared(target, other)
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
    n_hit = targets.stoppable().count()
    choices = list(visible.stoppable().for_table().order_by("pk")[:STOPS_SHOWN])
    hidden = sorted(set(ticked) - {target.instance_id for target in choices})
    context = {
        "invocation": invocation,
        "sees_run": sees_run,
        "n_hit": n_hit,
        "n_unseen": 0 if ticked else n_hit - len(choices),
        "ticked": ticked,
        "hidden_ticks": hidden,
        "choices": choices,
    }
    return panel(request, "invocations/stop.html", context)


@needs("ecs:RunCommand")
@require_http_methods(GET_OR_POST)
def invocation_run_again(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """Run the same on the same instances; on GET, what would be hit."""
    invocation = visible_invocation(request, invocation_id)
    return done_again(request, run_again, invocation, "")


@needs("ecs:RunCommand")
@require_http_methods(GET_OR_POST)
def invocation_run_again_failed(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """Run the same where it did not end well; on GET, what would be hit."""
    invocation = visible_invocation(request, invocation_id)
    return done_again(request, run_again_on_failed, invocation, "failed")


def done_again(
    request: ConsoleRequest, operation: Callable[..., Invocation], invocation: Invocation, outcome: str
) -> HttpResponse:
    """On the instances on which it went so, on all where none is said."""
    if request.method != "POST":
        return panel(request, "invocations/confirm.html", what_runs_again(request, invocation, outcome))
    try:
        again = operation(request.principal, invocation, confirmed=request.POST.get("confirmed", ""))
    except ConfirmationNeeded as question:
        return asked(request, invocation, question)
    return gone_to(request, again.get_absolute_url())


def what_runs_again(request: ConsoleRequest, invocation: Invocation, outcome: str) -> dict[str, Any]:
    targets = invocation.targets.all()
    if outcome:
        targets = targets.filter(status__in=STATE_GROUPS[outcome])
    n_gone = targets.filter(instance__released_at__isnull=False).count()
    copy = {"all": "1", "again": invocation.pk, **({"outcome": outcome} if outcome else {})}
    return {
        "invocation": invocation,
        "address": request.path,
        "n_gone": n_gone,
        "n_left": targets.count() - n_gone,
        "edit": f"{reverse('invocations:run')}?{urlencode(copy)}",
    }


def visible_invocation(request: ConsoleRequest, invocation_id: str) -> Invocation:
    invocations = Invocation.objects.visible_to(request.principal)
    rows = invocations.select_related("command", "created_by", "region", "rollout").filter(pk=invocation_id)
    return found_or_gone(rows.first())


def visible_target(request: ConsoleRequest, invocation_id: str, instance_id: str) -> Target:
    visible = Target.objects.visible_to(request.principal)
    targets = visible.select_related("invocation__command", "instance")
    return found_or_gone(targets.filter(invocation=invocation_id, instance=instance_id).first())

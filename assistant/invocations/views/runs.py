"""The people's door: run a command."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs, own
from assistant.commands.errors import CommandUnknown
from assistant.commands.forms import values_in
from assistant.commands.models import Command
from assistant.commands.rules.catalogue import CommonCommand, catalogue
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.forms import InvokeForm, RunForm, TermsForm, initial_of_plan, initial_of_run
from assistant.invocations.models import Invocation
from assistant.invocations.operations.common_commands import invoke_common_command
from assistant.invocations.operations.runs import invoke_command, run_command
from assistant.invocations.rules.plans import Timing
from assistant.invocations.views.guard import put_question
from assistant.invocations.views.picking import (
    check_ticked,
    chosen,
    chosen_region,
    fields_of,
    foretold,
    picker,
    wanted_of,
)
from assistant.invocations.views.plans import foreseen, plan_form, zone_choices
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_http_methods(GET_OR_POST)
def run(request: ConsoleRequest) -> HttpResponse:
    command = saved_command(request)
    form = run_form(request, command)
    plan = plan_form(fields_of(request), command, initial=form.initial, is_sent=form.is_bound)
    terms = TermsForm(request.POST if form.is_bound else None, initial=fields_of(request).dict())
    question = None
    if all([form.is_valid(), plan.is_valid(), terms.is_valid()]):
        try:
            timing = replace(plan.timing, terms=terms.terms)
            invocation = started(request, form, command, timing)
        except ConfirmationNeeded as error:
            question = put_question(form, error)
        except ConsoleError as error:
            put_error(next((one for one in (plan, terms) if error.field in one.fields), form), error)
        else:
            return gone_to(request, invocation.get_absolute_url())
    context = {
        **picker(request, command, form.initial),
        "form": form,
        "command": command,
        "plan": plan,
        "terms": terms,
        "question": question,
    }
    return panel(request, "invocations/run.html", context)


def run_form(request: ConsoleRequest, command: Command | CommonCommand | None) -> RunForm | InvokeForm:
    # Somebody without scripts who filters, or looks at the parameters: as it was typed, and nothing runs.
    looks = "look" in request.POST
    said = None if looks else request.POST or None
    initial = {**copied(request), **fields_of(request).dict()}
    if command:
        return InvokeForm(said, initial=initial, parameters=command.parameters)
    return RunForm(said, initial=initial)


def copied(request: ConsoleRequest) -> dict[str, Any]:
    """How the form begins that runs an earlier run again, edited."""
    if not request.GET.get("again"):
        return {}
    invocations = Invocation.objects.visible_to(request.principal).select_related("command")
    invocation = get_object_or_404(invocations, pk=request.GET["again"])
    return {**initial_of_run(invocation), **initial_of_plan(invocation)}


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_http_methods(GET_OR_POST)
def run_plan(request: ConsoleRequest) -> HttpResponse:
    """What the plan that is being chosen comes to."""
    fields = fields_of(request)
    plan = plan_form(fields, saved_command(request), initial={}, is_sent=request.method == "POST")
    return render(request, "invocations/_foreseen.html", {"foreseen": foreseen(plan)})


@own
@require_safe
@vary_on_headers("HX-Request")
def run_zones(request: ConsoleRequest) -> HttpResponse:
    """Every time zone that has a name: for a field that completes what is typed, or to look one up."""
    zones = zone_choices(timezone.now().date())
    template = "invocations/_zone_options.html" if request.htmx else "invocations/zones.html"
    return render(request, template, {"zones": zones})


@needs("ecs:RunCommand")
@require_POST
def run_parameters(request: ConsoleRequest) -> HttpResponse:
    """The parameters in a command that is being typed, with a field for the value of each."""
    return render(request, "invocations/_parameters.html", {"form": RunForm(initial=request.POST.dict())})


def saved_command(request: ConsoleRequest) -> Command | CommonCommand | None:
    """The command that shall be run as it was saved, or as it was supplied; none where one is typed."""
    fields = fields_of(request)
    if name := fields.get("common"):
        return common_command(name)
    command_id = fields.get("command", "")
    if not command_id:
        return None
    return get_object_or_404(Command.objects.visible_to(request.principal).kept(), pk=command_id)


def common_command(name: str) -> CommonCommand:
    if name not in catalogue():
        raise CommandUnknown(_("There is no common command of this name."))
    return catalogue()[name]


def started(
    request: ConsoleRequest, form: Any, command: Command | CommonCommand | None, timing: Timing
) -> Invocation:
    wanted = wanted_of(command, form.cleaned_data, timing.plan)
    targets = chosen(request, wanted)
    username, values = form.cleaned_data["username"], values_in(form, form.parameters)
    region = command.region if isinstance(command, Command) else chosen_region(request, wanted)
    check_ticked(request, region)
    order: dict[str, Any] = {
        "targets": targets,
        "username": username,
        "parameters": values,
        "timing": timing,
    }
    if isinstance(command, CommonCommand):
        return invoke_common_command(request.principal, command, region, **order)
    if command:
        return invoke_command(request.principal, command, **order)
    return run_command(request.principal, region, form.script(), keep=form.cleaned_data["keep"], **order)


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_safe
def run_targets(request: ConsoleRequest) -> HttpResponse:
    """The instances to tick, filtered anew; what was ticked stays."""
    found = picker(request, saved_command(request), request.GET)
    return render(request, "invocations/_choices.html", found)


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_http_methods(GET_OR_POST)
def run_preview(request: ConsoleRequest) -> HttpResponse:
    """The sentence that says what will happen."""
    said = foretold(request, saved_command(request), fields_of(request))
    return render(request, "invocations/_preview.html", said)

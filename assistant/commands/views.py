"""The people's door: saved commands."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from access.scopes import arn
from assistant.commands.errors import CommandUnknown
from assistant.commands.filters import CommandFilter
from assistant.commands.forms import (
    CommandForm,
    CommonFilterForm,
    RenameForm,
    initial_of,
    initial_of_common,
)
from assistant.commands.models import Command
from assistant.commands.operations.commands import create_command, delete_commands, modify_command
from assistant.commands.rules.catalogue import CommonCommand, catalogue, matching
from assistant.instances.models import Region
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("ecs:DescribeCommands")
@require_safe
@vary_on_headers("HX-Request")
def command_list(request: ConsoleRequest) -> HttpResponse:
    rows = Command.objects.visible_to(request.principal).kept().for_table(request.principal)
    context = {"listing": listing(request, rows, CommandFilter), "ticked": request.GET.getlist("command")}
    return render(request, "commands/_table.html" if request.htmx else "commands/list.html", context)


@needs("ecs:DescribeCommands")
@require_safe
def command_detail(request: ConsoleRequest, command_id: str) -> HttpResponse:
    command = visible_command(request, command_id)
    return render(request, "commands/detail.html", {"command": command})


@needs("ecs:CreateCommand")
@require_http_methods(GET_OR_POST)
def command_create(request: ConsoleRequest) -> HttpResponse:
    return create(request, {"title_for": None, "action": request.path}, initial={})


@needs("ecs:CreateCommand")
@require_http_methods(GET_OR_POST)
def command_clone(request: ConsoleRequest, command_id: str) -> HttpResponse:
    """A new command that begins as another one (CA-89)."""
    command = visible_command(request, command_id)
    return create(request, {"title_for": command, "action": request.path}, initial=initial_of(command))


def create(request: ConsoleRequest, context: dict[str, Any], *, initial: dict[str, Any]) -> HttpResponse:
    regions = Region.objects.visible_to(request.principal)
    # Somebody without scripts who looks at the parameters: as it was typed, and nothing is saved.
    looks = "look" in request.POST
    said = request.POST.dict() if looks else initial
    form = CommandForm(None if looks else request.POST or None, initial=said, regions=regions)
    if form.is_valid():
        try:
            command = create_command(request.principal, form.cleaned_data["region"], form.script())
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, command.get_absolute_url())
    return panel(request, "commands/create.html", {**context, "form": form})


@needs("ecs:CreateCommand")
@require_POST
def command_definitions(request: ConsoleRequest) -> HttpResponse:
    """What is said of the parameters in a command that is being typed."""
    form = CommandForm(initial=request.POST.dict(), regions=Region.objects.none())
    return render(request, "commands/_definitions.html", {"form": form})


@needs("ecs:ModifyCommand")
@require_http_methods(GET_OR_POST)
def command_rename(request: ConsoleRequest, command_id: str) -> HttpResponse:
    """Only name and description: what it does stays as it is, because runs rely on it (CA-91)."""
    command = visible_command(request, command_id)
    form = RenameForm(
        request.POST or None, initial={"name": command.name, "description": command.description}
    )
    if request.method == "POST" and form.is_valid():
        try:
            modify_command(request.principal, command, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, command.get_absolute_url())
    return panel(request, "commands/rename.html", {"command": command, "form": form})


@needs("ecs:DeleteCommand")
@require_http_methods(GET_OR_POST)
def command_delete(request: ConsoleRequest) -> HttpResponse:
    """Delete the ticked ones; on GET, what would be hit."""
    fields = request.POST or request.GET
    chosen = Command.objects.visible_to(request.principal).kept().filter(pk__in=fields.getlist("command"))
    if request.method == "POST":
        delete_commands(request.principal, chosen)
        return gone_to(request, reverse("commands:command_list"))
    return panel(
        request,
        "commands/delete.html",
        {"commands": chosen.for_table(request.principal).order_by("name", "pk")},
    )


def visible_command(request: ConsoleRequest, command_id: str) -> Command:
    commands = Command.objects.visible_to(request.principal).kept()
    return get_object_or_404(commands.select_related("region", "created_by"), pk=command_id)


# --- Common commands ---


@needs("ecs:DescribeCommands", "ecs:InvokeCommand")
@require_safe
@vary_on_headers("HX-Request")
def common_list(request: ConsoleRequest) -> HttpResponse:
    form = CommonFilterForm(request.GET)
    region = named_region(request)
    found = [(common, common_arn(common, region)) for common in matching(catalogue().values(), **form.said())]
    context = {"form": form, "found": found, "is_filtered": any(form.said().values())}
    template = "commands/_common_table.html" if request.htmx else "commands/common_list.html"
    return render(request, template, context)


@needs("ecs:DescribeCommands", "ecs:InvokeCommand")
@require_safe
def common_detail(request: ConsoleRequest, common_name: str) -> HttpResponse:
    common = common_named(common_name)
    context = {"common": common, "common_arn": common_arn(common, named_region(request))}
    return render(request, "commands/common_detail.html", context)


@needs("ecs:CreateCommand")
@require_http_methods(GET_OR_POST)
def common_copy(request: ConsoleRequest, common_name: str) -> HttpResponse:
    """A command of one's own that begins as a common one."""
    common = common_named(common_name)
    context = {"title_for": common, "action": request.path}
    return create(request, context, initial=initial_of_common(common))


def common_named(name: str) -> CommonCommand:
    if name not in catalogue():
        raise CommandUnknown(_("There is no common command of this name."))
    return catalogue()[name]


def named_region(request: ConsoleRequest) -> str:
    """The region in whose name a common command is shown: the one of the address, or the first."""
    regions = Region.objects.visible_to(request.principal).order_by("pk").values_list("pk", flat=True)
    return request.GET.get("region") or regions.first() or "*"


def common_arn(common: CommonCommand, region: str) -> str:
    return arn("ecs", "command", common.name, region=region)

"""The people's door: saved commands."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.commands.filters import CommandFilter
from assistant.commands.forms import CommandForm, RenameForm, initial_of
from assistant.commands.models import Command
from assistant.commands.operations.commands import create_command, delete_commands, modify_command
from assistant.instances.models import Region
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("ecs:DescribeCommands")
@require_safe
@vary_on_headers("HX-Request")
def command_list(request: ConsoleRequest) -> HttpResponse:
    rows = Command.objects.visible_to(request.principal).kept().for_table()
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
    form = CommandForm(request.POST or None, initial=initial, regions=regions)
    if request.method == "POST" and form.is_valid():
        try:
            command = create_command(request.principal, form.cleaned_data["region"], form.script())
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, command.get_absolute_url())
    return panel(request, "commands/create.html", {**context, "form": form})


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
    return panel(request, "commands/delete.html", {"commands": chosen.for_table().order_by("name", "pk")})


def visible_command(request: ConsoleRequest, command_id: str) -> Command:
    commands = Command.objects.visible_to(request.principal).kept()
    return get_object_or_404(commands.select_related("region", "created_by"), pk=command_id)

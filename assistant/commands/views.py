"""The people's door: saved commands."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from access.scopes import arn
from assistant.commands.errors import CommandUnknown
from assistant.commands.filters import CommandFilter, chosen_commands, headings_of, is_narrowed
from assistant.commands.forms import (
    CommandForm,
    CommonFilterForm,
    ImportForm,
    RenameForm,
    initial_of,
    initial_of_common,
)
from assistant.commands.models import Command
from assistant.commands.operations.bundles import export_commands, import_commands, plan_import
from assistant.commands.operations.commands import (
    check_number,
    create_command,
    delete_commands,
    holders_of,
    modify_command,
)
from assistant.commands.operations.scripts import default_name
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.rules.archives import packed
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
    found = listing(request, rows, CommandFilter)
    context = {
        "listing": found,
        "is_narrowed": is_narrowed(found),
        "headings": headings_of(found),
        "ticked": request.GET.getlist("command"),
        "all_chosen": "all" in request.GET,
    }
    return render(request, "commands/_table.html" if request.htmx else "commands/list.html", context)


@needs("ecs:DescribeCommands")
@require_safe
def command_detail(request: ConsoleRequest, command_id: str) -> HttpResponse:
    command = visible_command(request, command_id)
    return render(request, "commands/detail.html", {"command": command})


@needs("ecs:CreateCommand")
@require_http_methods(GET_OR_POST)
def command_create(request: ConsoleRequest) -> HttpResponse:
    initial = {"name": default_name(timezone.now())}
    return create(request, {"title_for": None, "action": request.path}, initial=initial)


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
    """Name, description and timeout: what it does stays as it is, because runs rely on it (CA-91, CA-92)."""
    command = visible_command(request, command_id)
    said = {"name": command.name, "description": command.description, "timeout": command.timeout}
    form = RenameForm(request.POST or None, initial=said)
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
    """Delete the ticked ones, or all that match; on GET, what would be hit and what has to stay."""
    fields = request.POST or request.GET
    chosen = chosen_commands(request.principal, fields, "ecs:DeleteCommand")
    if request.method == "POST":
        delete_commands(request.principal, chosen)
        return gone_to(request, reverse("commands:command_list"))
    commands = shown_choice(request, chosen)
    held = holders_of(command.pk for command in commands)
    context = {
        "commands": [command for command in commands if command.pk not in held],
        "held": [(command, held[command.pk]) for command in commands if command.pk in held],
    }
    return panel(request, "commands/delete.html", context)


# --- Files ---


@needs("ecs:DescribeCommands")
@require_http_methods(GET_OR_POST)
def command_export(request: ConsoleRequest) -> HttpResponse:
    """The ticked ones, or all that match, as a file; POST, because what is handed out is remembered."""
    chosen = chosen_commands(request.principal, request.POST or request.GET, "ecs:DescribeCommands")
    if request.method == "POST":
        files = export_commands(request.principal, chosen)
        name = f"commands-{timezone.localdate().isoformat()}.zip"
        return HttpResponse(
            packed(files),
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
    commands = shown_choice(request, chosen)
    secrets = [(command, secret_names(command)) for command in commands if secret_names(command)]
    return panel(request, "commands/export.html", {"commands": commands, "secrets": secrets})


@needs("ecs:CreateCommand")
@require_http_methods(GET_OR_POST)
def command_import(request: ConsoleRequest) -> HttpResponse:
    """First the file, then what would come of it; what is confirmed is read and checked anew."""
    regions = Region.objects.visible_to(request.principal)
    form = ImportForm(request.POST or None, request.FILES or None, regions=regions)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        region, with_doubled = form.cleaned_data["region"], form.cleaned_data["with_doubled"]
        if "confirm" in request.POST:
            import_commands(request.principal, region, form.entries, with_doubled=with_doubled)
            return gone_to(request, reverse("commands:command_list"))
        plan = plan_import(request.principal, region, form.entries)
        context |= {"plan": plan, "region": region, "packed": form.carried}
    return panel(request, "commands/import.html", context)


def shown_choice(request: ConsoleRequest, chosen: CommandQuerySet) -> list[Command]:
    """What a dialog lists before something is done."""
    check_number(chosen.count())
    return list(chosen.for_table(request.principal).order_by("name", "pk"))


def secret_names(command: Command) -> list[str]:
    return [definition.name for definition in command.definitions if definition.secret]


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

"""Saved commands: create, change, delete (CA-79 to CA-97)."""

from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.principals import Principal
from access.scopes import arn
from assistant.commands import errors, followups, limits
from assistant.commands.models import Command
from assistant.commands.operations.scripts import Script, check_length, check_timeout, write_command
from assistant.commands.querysets import CommandQuerySet
from assistant.instances.models import Region


@operation("ecs:CreateCommand")
def create_command(principal: Principal, region: Region, script: Script) -> Command:
    """Save a command, to be run any number of times. A clone is one that begins as another (CA-89)."""
    authorize(principal, "ecs:CreateCommand", arn("ecs", "command", "*", region=region.pk))

    command = write_command(principal, region, script, kept=True)

    record(principal, "ecs:CreateCommand", command.pk, name=command.name)
    followups.commands_changed()
    return command


@operation("ecs:ModifyCommand")
def modify_command(
    principal: Principal,
    command: Command,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: int | None = None,
) -> Command:
    """Change how a command is called and how long it may take; for runs to come (CA-91, CA-92)."""
    authorize(principal, "ecs:ModifyCommand", command.arn)

    before = {"name": command.name, "description": command.description, "timeout": command.timeout}
    if name is not None:
        check_length("name", name, limits.NAME_CHARACTERS)
        command.name = name
    if description is not None:
        check_length("description", description, limits.DESCRIPTION_CHARACTERS)
        command.description = description
    if timeout is not None:
        check_timeout(timeout)
        command.timeout = max(timeout, limits.TIMEOUT_LEAST)
    command.save(update_fields=["name", "description", "timeout"])

    after = {"name": command.name, "description": command.description, "timeout": command.timeout}
    record(principal, "ecs:ModifyCommand", command.pk, before=before, after=after)
    followups.commands_changed()
    return command


@operation("ecs:DeleteCommand")
def delete_commands(principal: Principal, commands: CommandQuerySet) -> int:
    """Take commands off the list of saved ones; says how many. What has run stays readable (CA-94)."""
    chosen = list(commands.kept().order_by("pk"))
    if not chosen:
        raise errors.CommandUnknown(_("These commands have been deleted already."))
    authorize(principal, "ecs:DeleteCommand", *(command.arn for command in chosen))

    # The row stays: it is the snapshot of its runs.
    Command.objects.filter(pk__in=[command.pk for command in chosen]).update(kept=False)

    for command in chosen:
        record(principal, "ecs:DeleteCommand", command.pk, name=str(command))
    followups.commands_changed()
    return len(chosen)

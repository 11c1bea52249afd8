"""Saved commands: create, change, delete (CA-79 to CA-97)."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.principals import Principal
from access.scopes import arn
from assistant.commands import errors, followups, limits
from assistant.commands.models import Command
from assistant.commands.operations.scripts import Script, check_length, check_timeout, write_command
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.signals import commands_about_to_be_deleted
from assistant.instances.models import Region
from console.kit.errors import InvalidParameter


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
    working_dir: str | None = None,
) -> Command:
    """Change how a command is called, how long it may take and where it runs; for runs to come (CA-91, CA-92).

    What is not named stays as it is, also what somebody else has changed since `command` was read. Raises
    CommandUnknown for one that has been deleted.
    """
    authorize(principal, "ecs:ModifyCommand", command.arn)

    wanted: dict[str, str | int] = {}
    if name is not None:
        check_length("name", name, limits.NAME_CHARACTERS)
        wanted["name"] = name
    if description is not None:
        check_length("description", description, limits.DESCRIPTION_CHARACTERS)
        wanted["description"] = description
    if timeout is not None:
        check_timeout(timeout)
        wanted["timeout"] = max(timeout, limits.TIMEOUT_LEAST)
    if working_dir is not None:
        check_length("working_dir", working_dir, limits.WORKING_DIR_CHARACTERS)
        wanted["working_dir"] = working_dir
    held = held_command(command)
    before = changeable(held)
    for field, value in wanted.items():
        setattr(held, field, value)
    held.save(update_fields=list(wanted))

    record(principal, "ecs:ModifyCommand", held.pk, before=before, after=changeable(held))
    followups.commands_changed()
    return held


def held_command(command: Command) -> Command:
    """A saved command as it is now, kept from others until the transaction ends. Raises CommandUnknown."""
    held = Command.objects.kept().held().filter(pk=command.pk).first()
    if held is None:
        raise errors.CommandUnknown(_("This command has been deleted."))
    return held


def changeable(command: Command) -> dict[str, str | int]:
    return {
        "name": command.name,
        "description": command.description,
        "timeout": command.timeout,
        "working_dir": command.working_dir,
    }


@operation("ecs:DeleteCommand")
def delete_commands(principal: Principal, commands: CommandQuerySet) -> int:
    """Take commands off the list of saved ones; says how many. What has run stays readable (CA-94).

    All or none: raises CommandInUse, which names the runs, where one of them still runs, waits or has a plan.
    """
    # Held, so that a run that begins just now is either seen below or waits for the commit.
    chosen = list(commands.kept().order_by("pk").select_for_update(of=("self",)))
    if not chosen:
        raise errors.CommandUnknown(_("These commands have been deleted already."))
    authorize(principal, "ecs:DeleteCommand", *(command.arn for command in chosen))

    check_number(len(chosen))
    check_free(chosen)

    # The row stays: it is the snapshot of its runs.
    Command.objects.filter(pk__in=[command.pk for command in chosen]).update(kept=False)

    for command in chosen:
        record(principal, "ecs:DeleteCommand", command.pk, name=str(command))
    followups.commands_changed()
    return len(chosen)


def check_number(number: int) -> None:
    if number > limits.COMMANDS_AT_ONCE:
        message = _("At most %(most)d commands at once. Filter the list, and do them in parts.")
        raise InvalidParameter(message % {"most": limits.COMMANDS_AT_ONCE}, field="command")


def check_free(commands: Iterable[Command]) -> None:
    """Raise CommandInUse for the first command that something holds."""
    chosen = list(commands)
    held = holders_of(command.pk for command in chosen)
    for command in chosen:
        runs = held.get(command.pk, [])
        if runs:
            message = ngettext(
                "%(name)s is in use: stop the run %(runs)s first, or wait for its end.",
                "%(name)s is in use: stop the runs %(runs)s first, or wait for their end.",
                len(runs),
            )
            raise errors.CommandInUse(message % {"name": command, "runs": named(runs)})


def holders_of(command_ids: Iterable[str]) -> dict[str, list[str]]:
    """What holds these commands, by command: runs and plans that have not ended."""
    held: dict[str, list[str]] = {}
    answers: Any = commands_about_to_be_deleted.send(Command, command_ids=list(command_ids))
    for _receiver, answer in answers:
        for command_id, runs in answer.items():
            held.setdefault(command_id, []).extend(runs)
    return held


def named(runs: list[str]) -> str:
    """The first few, and how many there are beside them."""
    some = ", ".join(runs[: limits.HOLDERS_NAMED])
    more = len(runs) - limits.HOLDERS_NAMED
    return _("%(some)s and %(more)d more") % {"some": some, "more": more} if more > 0 else some

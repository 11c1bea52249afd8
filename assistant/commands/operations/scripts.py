"""A script as somebody asks for it, checked and written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.quotas import claim
from access.principals import Principal
from access.rules.quotas import COMMANDS
from assistant.commands import errors, limits
from assistant.commands.models import Command
from assistant.commands.rules.content import encoded_size, opening
from assistant.commands.rules.parameters import (
    Definition,
    check_definitions,
    check_size,
    keys_in,
    values_for,
)
from assistant.commands.states import CommandType
from assistant.instances.models import Region
from console.kit import ids
from console.kit.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class Script:
    """What shall be run, as somebody asks for it."""

    content: str
    type: str = CommandType.SHELL
    name: str = ""
    description: str = ""
    working_dir: str = ""
    timeout: int = limits.TIMEOUT_DEFAULT
    enable_parameter: bool = False
    definitions: tuple[Definition, ...] = ()


def script_of(command: Command) -> Script:
    """The script of a command, to be run or saved again."""
    return Script(
        content=command.content,
        type=command.type,
        name=command.name,
        description=command.description,
        working_dir=command.working_dir,
        timeout=command.timeout,
        enable_parameter=command.enable_parameter,
        definitions=tuple(command.definitions),
    )


def write_command(
    principal: Principal, region: Region, script: Script, *, kept: bool, provider: str = "", version: int = 1
) -> Command:
    """Write a script down, to be saved or as the snapshot of one run; part of the operation that does it.

    `provider` and `version` say where a common command comes from.
    Raises InvalidParameter for everything about the script that cannot be taken.
    """
    command = draft_of(principal, region, script, kept=kept, provider=provider, version=version)
    if kept:
        saved = Command.objects.kept().filter(region=region)
        claim(principal, COMMANDS, region.pk, in_use=saved.count)
    command.save(force_insert=True)
    return command


def draft_of(
    principal: Principal, region: Region, script: Script, *, kept: bool, provider: str = "", version: int = 1
) -> Command:
    """The command that a script becomes, not written yet. Raises InvalidParameter for what cannot be taken."""
    kind = check_script(script)
    return Command(
        id=ids.new_id("c", region.code),
        region=region,
        name=script.name or (default_name(timezone.now()) if kept else ""),
        description=script.description,
        type=kind,
        content=script.content,
        opening=opening(script.content, limits.OPENING_CHARACTERS),
        working_dir=script.working_dir,
        timeout=max(script.timeout, limits.TIMEOUT_LEAST),
        enable_parameter=script.enable_parameter,
        parameter_definitions=[definition.document() for definition in script.definitions],
        kept=kept,
        provider=provider,
        version=version,
        created_by_id=principal.user_id,
    )


def default_name(now: datetime) -> str:
    """What a saved command is called that nobody gave a name: `cmd-2021-01-07` (CA-79)."""
    return f"cmd-{timezone.localdate(now).isoformat()}"


def check_script(script: Script) -> CommandType:
    kind = CommandType.spelled(script.type)
    if kind is None:
        message = _("There is no command type %(type)s; say %(types)s.")
        types = {"type": script.type[:64], "types": ", ".join(CommandType.values)}
        raise errors.CommandTypeUnknown(message % types, field="type")
    check_content(script.content)
    check_length("name", script.name, limits.NAME_CHARACTERS)
    check_length("description", script.description, limits.DESCRIPTION_CHARACTERS)
    check_length("working_dir", script.working_dir, limits.WORKING_DIR_CHARACTERS)
    check_timeout(script.timeout)
    check_parameters(script)
    return kind


def check_parameters(script: Script) -> None:
    if script.enable_parameter:
        check_definitions(script.definitions, keys_in(script.content))
    elif script.definitions:
        message = _("The command does not use parameters, so none can be described.")
        raise errors.ParametersDisabled(message, field="parameters")


def parameters_of(script: Script | Command, given: Mapping[str, str]) -> dict[str, str]:
    """The values of one run, all of its keys. Raises InvalidParameter for values that cannot be taken."""
    if not script.enable_parameter:
        if given:
            message = _("The command does not use parameters, so none can be given.")
            raise errors.ParametersDisabled(message, field="parameters")
        return {}
    values = values_for(script.content, script.definitions, given)
    check_size(script.content, values)
    return values


def check_timeout(timeout: int) -> None:
    if timeout > limits.TIMEOUT_MOST:
        message = _("The timeout is at most %(most)d seconds (a day).") % {"most": limits.TIMEOUT_MOST}
        raise InvalidParameter(message, field="timeout")


def check_content(content: str) -> None:
    if not content.strip():
        raise errors.CommandContentMissing(_("Write the command first."), field="content")
    if "\x00" in content:
        raise InvalidParameter(_("The command holds a NUL character; remove it."), field="content")
    size = encoded_size(content)
    if size > limits.CONTENT_CHARACTERS:
        message = _("The command has %(size)d characters in Base64; at most %(most)d are possible.")
        numbers = {"size": size, "most": limits.CONTENT_CHARACTERS}
        raise errors.CommandContentTooLarge(message % numbers, field="content")


def check_length(field: str, value: str, most: int) -> None:
    if len(value) > most:
        raise InvalidParameter(_("At most %(most)d characters.") % {"most": most}, field=field)
    if any(ord(character) < 32 for character in value):
        raise errors.CharacterRefused(_("Remove the control characters."), field=field)

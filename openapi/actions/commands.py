"""Saved commands, and the common ones that everybody has."""

from collections.abc import Mapping
from typing import Any

from access.principals import Principal
from assistant.commands.models import Command
from assistant.commands.operations.commands import create_command, delete_commands, modify_command
from assistant.commands.operations.scripts import Script
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.rules.catalogue import CommonCommand, catalogue
from assistant.commands.rules.content import launched, with_launcher
from assistant.commands.rules.parameters import Definition
from assistant.commands.states import CommandType
from console.kit.clock import api_time
from openapi.actions.base import Action, Regional, Shape, check_named
from openapi.actions.instances import like
from openapi.encodings import BASE64, decoded, encoded
from openapi.errors import ApiError, InvalidParameter
from openapi.paging import PAGE, Paged
from openapi.parameters import Flag, MaybeNumber, MaybeText, Number, Pairs, Text

# What the API calls refusals of a script.
SCRIPT_CODES = {
    "MissingParam.CommandContent": "MissingParameter",
    "InvalidParameter.name": "CmdName.ExceedLimit",
    "InvalidParameter.description": "CmdDesc.ExceedLimit",
    "InvalidParameter.timeout": "InvalidTimeout.ExceedLimit",
    "InvalidParameter.working_dir": "InvalidParameter.WorkingDir",
    "InvalidParameter.content": "CmdContent.DecodeError",
    "InvalidParameterCharacter.name": "InvalidParameterCharacter.CommandName",
    "InvalidParameterCharacter.description": "InvalidParameterCharacter.CommandDescription",
    "InvalidParameterCharacter.working_dir": "InvalidParameterCharacter.CommandWorkingDir",
}
LAUNCHER_BYTES = 1024
# The word by which programs ask for all common commands, whoever supplies them.
EVERYBODYS = "AlibabaCloud"
SUPPLIER = "CloudAssistant"

COMMAND: Shape = {
    "Category": str,
    "CommandContent": str,
    "CommandId": str,
    "CreationTime": str,
    "Description": str,
    "EnableParameter": bool,
    "InvokeTimes": int,
    "Latest": bool,
    "Launcher": str,
    "Name": str,
    "ParameterDefinitions": {
        "ParameterDefinition": [
            {
                "DefaultValue": str,
                "Description": str,
                "ParameterName": str,
                "PatternRegex": str,
                "PossibleValues": {"PossibleValue": [str]},
                "Required": bool,
            }
        ]
    },
    "ParameterNames": {"ParameterName": [str]},
    "Provider": str,
    "ResourceGroupId": str,
    "Tags": {"Tag": [{"TagKey": str, "TagValue": str}]},
    "Timeout": int,
    "Type": str,
    "Version": int,
    "WorkingDir": str,
}


class CommandNotFound(ApiError):
    code = "InvalidCmdId.NotFound"
    status = 404


class ResourceGroupNotFound(ApiError):
    code = "InvalidResourceGroup.NotFound"
    status = 404


class LauncherTooLong(ApiError):
    code = "InvalidLauncher.LengthLimitExceeded"
    status = 403


# --- What several actions share ---


class Labelled(Action):
    """What may be given to a command or a run, and what this console has no place for."""

    resource_group_id = Text(doc="there are no resource groups here: any is refused")
    tag = Pairs(doc="commands and runs have no tags here: any is refused")

    def check_labels(self) -> None:
        """Nothing is taken that would be lost."""
        if self.resource_group_id:
            message = "There are no resource groups here. Leave ResourceGroupId out."
            raise ResourceGroupNotFound(message, field="ResourceGroupId")
        if self.tag:
            raise InvalidParameter("Tag", "Commands and runs have no tags here. Leave Tag out.")


def own_command(region_id: str, command_id: str) -> Command:
    """A saved command; whether it may be used is for the operation to say. Raises CommandNotFound."""
    found = Command.objects.kept().filter(region=region_id, pk=command_id).first()
    if found is None:
        raise CommandNotFound(f"There is no command {command_id[:64]}.", field="CommandId")
    return found


def launching(content: str, kind: str, launcher: str) -> str:
    """The script with what it shall be started with. Raises LauncherTooLong and InvalidParameter."""
    if not launcher:
        return content
    if len(launcher.encode()) > LAUNCHER_BYTES:
        raise LauncherTooLong(f"A launcher has at most {LAUNCHER_BYTES} bytes.", field="Launcher")
    if CommandType.spelled(kind) is not CommandType.SHELL:
        raise InvalidParameter("Launcher", "Only RunShellScript can be started with a launcher.")
    if content.startswith("#!"):
        raise InvalidParameter("Launcher", "The script names its interpreter itself, in its first line.")
    if "{{" in launcher or not launcher.isprintable():
        message = "A launcher is one line, such as `python3 -u`; the script's file is put behind it."
        raise InvalidParameter("Launcher", message)
    return with_launcher(content, launcher)


# --- The actions ---


class CreateCommand(Labelled, Regional):
    doc = "Save a command, to be run any number of times."
    answer = {"CommandId": str}
    is_idempotent = True
    codes = SCRIPT_CODES

    command_content = Text(required=True, doc="the script, in Base64 unless ContentEncoding says PlainText")
    content_encoding = Text(doc="`Base64` (default) or `PlainText`")
    description = Text(doc="up to 512 characters")
    enable_parameter = Flag(doc="whether {{name}} in the script stands for a value of the run")
    launcher = Text(doc="what a shell script is started with, such as `python3 -u`; up to 1 KB")
    name_ = Text("Name", required=True, doc="up to 128 characters")
    timeout = Number(default=60, doc="seconds; less than 10 counts as 10")
    type = Text(required=True, doc="`RunShellScript`, `RunBatScript` or `RunPowerShellScript`")
    working_dir = Text(doc="directory, up to 200 characters; the home of root where it is left out")

    def perform(self, principal: Principal) -> dict[str, Any]:
        self.check_labels()
        content = decoded(self.command_content, self.content_encoding, default=BASE64)
        script = Script(
            content=launching(content, self.type, self.launcher),
            type=self.type,
            name=self.name_,
            description=self.description,
            working_dir=self.working_dir,
            timeout=self.timeout,
            enable_parameter=self.enable_parameter,
        )
        return {"CommandId": create_command(principal, self.region, script).pk}


class ModifyCommand(Regional):
    doc = "Change how a command is called, how long it may take and where it runs; the script stays."
    codes = SCRIPT_CODES

    command_content = Text(doc="taken and not used: a script never changes")
    command_id = Text(required=True, doc="id of the command")
    description = MaybeText(doc="up to 512 characters")
    launcher = MaybeText(doc="belongs to the script: it can only be what it is")
    name_ = MaybeText("Name", doc="up to 128 characters")
    timeout = MaybeNumber(doc="seconds; less than 10 counts as 10")
    working_dir = MaybeText(doc="directory, up to 200 characters")

    def perform(self, principal: Principal) -> dict[str, Any]:
        command = own_command(self.region.pk, self.command_id)
        if self.launcher not in (None, launched(command.content)[0]):
            message = "A script never changes, nor what it is started with. Create another command."
            raise InvalidParameter("Launcher", message)
        modify_command(
            principal,
            command,
            name=self.name_,
            description=self.description,
            timeout=self.timeout,
            working_dir=self.working_dir,
        )
        return {}


class DeleteCommand(Regional):
    doc = "Take a command off the list; what has run stays readable."

    command_id = Text(required=True, doc="id of the command")

    def perform(self, principal: Principal) -> dict[str, Any]:
        commands: CommandQuerySet = Command.objects.filter(region=self.region, pk=self.command_id)
        delete_commands(principal, commands)
        return {}


class DescribeCommands(Paged):
    doc = "Saved commands, the newest first; with Provider the common ones."
    answer = {"Commands": {"Command": [COMMAND]}, **PAGE}

    command_id = Text(doc="only this one; the name of a common command is one, too")
    content_encoding = Text(doc="`Base64` (default) or `PlainText`: how scripts are answered")
    description = Text(doc="description; `*` at either end stands for anything")
    latest = Flag(doc="of common commands the newest version only: here there is no other")
    name_ = Text("Name", doc="name; `*` at either end stands for anything")
    provider = Text(doc="`AlibabaCloud` for all common commands, or the beginning of a provider's name")
    resource_group_id = Text(doc="there are none: with one nothing is found")
    tag = Pairs(doc="commands have none: with one nothing is found")
    type = Text(one_of=tuple(CommandType.values), doc="type of command")

    def perform(self, principal: Principal) -> dict[str, Any]:
        if self.provider or self.command_id in catalogue():
            found = (
                [] if self._is_labelled else [common for common in catalogue().values() if self._fits(common)]
            )
            page = self.page_of_list(found, lambda common: common.name)
            listed = [self._told(common_facts(common), common.content) for common in page.rows]
        else:
            page = self.page(self._own(principal), "-created_at", "-pk")
            listed = [self._told(facts_of(command), command.content) for command in page.rows]
        return {"Commands": {"Command": listed}, **page.fields}

    @property
    def _is_labelled(self) -> bool:
        return bool(self.tag or self.resource_group_id)

    def _own(self, principal: Principal) -> CommandQuerySet:
        rows = Command.objects.visible_to(principal).kept().filter(region=self.region)
        if self._is_labelled:
            return rows.none()
        if self.command_id:
            check_named(self, principal, "command", self.command_id)
            rows = rows.filter(pk=self.command_id)
        if self.type:
            rows = rows.filter(type=self.type)
        for column, pattern in (("name", self.name_), ("description", self.description)):
            rows = rows.filter(like(column, pattern)) if pattern else rows
        return rows.for_table(principal).defer(None)

    def _fits(self, common: CommonCommand) -> bool:
        provider = self.provider.replace(EVERYBODYS, SUPPLIER, 1)
        return (
            common.provider.startswith(provider)
            and self.command_id in ("", common.name)
            and self.type in ("", common.type.value)
            and (not self.name_ or is_like(common.name, self.name_))
            and (not self.description or is_like(common.description, self.description))
        )

    def _told(self, facts: dict[str, Any], content: str) -> dict[str, Any]:
        launcher, script = launched(content)
        content_said = encoded(script, self.content_encoding)
        return {
            **facts,
            "CommandContent": content_said,
            "Launcher": launcher,
            "ResourceGroupId": "",
            "Tags": {"Tag": []},
        }


def is_like(text: str, pattern: str) -> bool:
    """The same as `like` of what is in memory."""
    starts, ends = pattern.startswith("*"), pattern.endswith("*")
    wanted = pattern.strip("*")
    if starts and ends:
        return wanted in text
    if starts:
        return text.endswith(wanted)
    return text.startswith(wanted) if ends else text == pattern


def facts_of(command: Any) -> dict[str, Any]:
    """Of a row of `CommandQuerySet.for_table`."""
    return {
        "Category": "",
        "CommandId": command.pk,
        "CreationTime": api_time(command.created_at),
        "Description": command.description,
        "EnableParameter": command.enable_parameter,
        "InvokeTimes": command.n_invocations or 0,
        "Latest": True,
        "Name": command.name,
        **parameters_told(command.parameters, {}),
        "Provider": command.provider,
        "Timeout": command.timeout,
        "Type": command.type,
        "Version": command.version,
        "WorkingDir": command.working_dir,
    }


def common_facts(common: CommonCommand) -> dict[str, Any]:
    return {
        "Category": common.category,
        "CommandId": common.name,
        "CreationTime": "",
        "Description": common.description,
        "EnableParameter": bool(common.parameters),
        "InvokeTimes": 0,
        "Latest": True,
        "Name": common.name,
        **parameters_told(common.parameters, common.patterns),
        "Provider": common.provider,
        "Timeout": common.timeout,
        "Type": common.type.value,
        "Version": common.version,
        "WorkingDir": "",
    }


def parameters_told(definitions: list[Definition], patterns: Mapping[str, str]) -> dict[str, Any]:
    told = [
        {
            "DefaultValue": definition.default or "",
            "Description": definition.description,
            "ParameterName": definition.name,
            "PatternRegex": patterns.get(definition.key, ""),
            "PossibleValues": {"PossibleValue": list(definition.possible_values)},
            "Required": definition.required,
        }
        for definition in definitions
    ]
    return {
        "ParameterDefinitions": {"ParameterDefinition": told},
        "ParameterNames": {"ParameterName": [definition.name for definition in definitions]},
    }

"""Commands into files and back: what would come of a file, and doing it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.quotas import claim, limit
from access.principals import Principal
from access.rules.quotas import COMMANDS
from access.scopes import arn
from assistant.commands import errors, followups, limits
from assistant.commands.models import Command
from assistant.commands.operations.commands import check_number
from assistant.commands.operations.scripts import Script, check_script, draft_of
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.rules.bundles import Entry, written
from assistant.instances.models import Region
from console.kit.errors import InvalidParameter

EXPORT = "ecs:ExportCommands"


@operation("ecs:DescribeCommands")
def export_commands(principal: Principal, commands: CommandQuerySet) -> dict[str, bytes]:
    """The files of saved commands, by path; the earliest command first. What is handed out is remembered."""
    chosen = list(commands.kept().order_by("created_at", "pk")[: limits.COMMANDS_AT_ONCE + 1])
    if not chosen:
        raise errors.CommandUnknown(_("Choose the commands to export in the list."))
    authorize(principal, "ecs:DescribeCommands", *(command.arn for command in chosen))

    check_number(len(chosen))
    files = written(entry_of(command) for command in chosen)

    for command in chosen:
        record(principal, EXPORT, command.pk, name=str(command))
    return files


def entry_of(command: Command) -> Entry:
    return Entry(
        file="",
        name=str(command),
        content=command.content,
        type=command.type,
        description=command.description,
        working_dir=command.working_dir,
        timeout=command.timeout,
        enable_parameter=command.enable_parameter,
        definitions=tuple(command.definitions),
    )


# --- Back ---


@dataclass(frozen=True, slots=True)
class Planned:
    """What would come of one entry."""

    entry: Entry
    script: Script
    fault: str = ""
    # The first command of the same name, type and content, and what else of it is not the same.
    same_as: Command | None = None
    differs_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What would come of a file in a region."""

    planned: list[Planned]
    # How many more commands the region has room for.
    room: int

    @property
    def faulty(self) -> list[Planned]:
        return [one for one in self.planned if one.fault]

    @property
    def doubled(self) -> list[Planned]:
        return [one for one in self.planned if one.same_as and not one.fault]

    @property
    def new(self) -> list[Planned]:
        return [one for one in self.planned if not one.same_as and not one.fault]

    @property
    def telling_first(self) -> list[Planned]:
        return [*self.faulty, *self.new, *self.doubled]

    def wanted(self, *, with_doubled: bool) -> list[Planned]:
        return [one for one in self.planned if with_doubled or not one.same_as]


def plan_import(principal: Principal, region: Region, entries: Iterable[Entry]) -> ImportPlan:
    """What an import of these entries would do; the permission to do it is needed already."""
    authorize(principal, "ecs:CreateCommand", arn("ecs", "command", "*", region=region.pk))
    scripts = [(entry, script_of_entry(entry)) for entry in entries]
    known = known_like(principal, region, {entry.name for entry, _script in scripts})
    in_use = Command.objects.kept().filter(region=region).count()
    return ImportPlan(
        [planned(entry, script, known) for entry, script in scripts],
        room=max(limit(COMMANDS, region.pk) - in_use, 0),
    )


@operation("ecs:CreateCommand")
def import_commands(
    principal: Principal, region: Region, entries: Iterable[Entry], *, with_doubled: bool = False
) -> list[Command]:
    """Save the commands of a file: all of them or none.

    Those that are there already, by name, type and content, are left out; `with_doubled` saves them once more.
    Raises BundleBroken, which names the first faults, and the quota's refusal.
    """
    plan = plan_import(principal, region, entries)

    check_faultless(plan.faulty)
    wanted = plan.wanted(with_doubled=with_doubled)
    commands = [draft_of(principal, region, one.script, kept=True) for one in wanted]
    if not commands:
        return []
    saved = Command.objects.kept().filter(region=region)
    claim(principal, COMMANDS, region.pk, in_use=saved.count, n=len(commands))
    Command.objects.bulk_create(commands)

    for command in commands:
        record(principal, "ecs:CreateCommand", command.pk, name=command.name, imported=True)
    followups.commands_changed()
    return commands


def check_faultless(faulty: list[Planned]) -> None:
    if not faulty:
        return
    named = " ".join(f"{one.entry.file}: {one.fault}" for one in islice(faulty, limits.FAULTS_NAMED))
    message = _("Nothing was imported. %(faults)s")
    if len(faulty) > limits.FAULTS_NAMED:
        message = _("Nothing was imported. %(faults)s And %(more)d more.")
    facts = {"faults": named, "more": len(faulty) - limits.FAULTS_NAMED}
    raise errors.BundleBroken(message % facts, field="file")


def script_of_entry(entry: Entry) -> Script:
    return Script(
        content=entry.content,
        type=entry.type,
        name=entry.name,
        description=entry.description,
        working_dir=entry.working_dir,
        timeout=entry.timeout,
        enable_parameter=entry.enable_parameter,
        definitions=entry.definitions,
    )


Key = tuple[str, str, str]


def key_of(name: str, kind: str, content: str) -> Key:
    """What makes two commands the same; version control and editors change how lines end."""
    return name, kind, content.replace("\r\n", "\n").rstrip("\n")


def known_like(principal: Principal, region: Region, names: set[str]) -> Mapping[Key, Command]:
    """The commands with these names that the principal may see; the earliest of each."""
    known: dict[Key, Command] = {}
    commands = Command.objects.visible_to(principal).kept().filter(region=region, name__in=names)
    for command in commands.order_by("created_at", "pk"):
        known.setdefault(key_of(command.name, command.type, command.content), command)
    return known


def planned(entry: Entry, script: Script, known: Mapping[Key, Command]) -> Planned:
    if entry.fault:
        return Planned(entry, script, fault=entry.fault)
    try:
        kind = check_script(script)
    except InvalidParameter as error:
        return Planned(entry, script, fault=error.message)
    same = known.get(key_of(entry.name, kind, entry.content))
    return Planned(entry, script, same_as=same, differs_in=differences(same, script) if same else ())


def differences(command: Command, script: Script) -> tuple[str, ...]:
    """What of a command is not as a script of the same name, type and content has it."""
    pairs = {
        _("description"): (command.description, script.description),
        _("directory"): (command.working_dir, script.working_dir),
        _("timeout"): (command.timeout, max(script.timeout, limits.TIMEOUT_LEAST)),
        _("parameters"): (
            (command.enable_parameter, command.definitions),
            (script.enable_parameter, list(script.definitions)),
        ),
    }
    return tuple(words for words, (there, here) in pairs.items() if there != here)

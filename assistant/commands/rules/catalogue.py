"""The common commands that come with the console: read from the folder `catalogue`, checked, never changed (CA-213).

Each is a script and a description of the same name. A script takes its parameters in lines of one form,
`key='{{key}}'` (PowerShell: `$key = '{{key}}'`), and no value may hold a single quote or a line break: so whoever may run a common command
cannot make another command of it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.commands import limits
from assistant.commands.rules.content import encoded_size
from assistant.commands.rules.parameters import Definition, field_of, placeholders
from assistant.commands.states import CommandType
from console.kit.errors import InvalidParameter

FOLDER = Path(__file__).parent.parent / "catalogue"

# The word in a description → what people read.
CATEGORIES = {
    "System": gettext_lazy("System"),
    "Disk": gettext_lazy("Disks"),
    "Performance": gettext_lazy("Performance"),
    "Network": gettext_lazy("Network"),
    "Services": gettext_lazy("Services"),
    "Packages": gettext_lazy("Packages"),
    "Runtimes": gettext_lazy("Runtimes"),
    "Security": gettext_lazy("Security"),
    "Logs": gettext_lazy("Logs"),
    "Cleanup": gettext_lazy("Cleanup"),
    "Client": gettext_lazy("Client"),
}
LINUX, WINDOWS = "linux", "windows"
SYSTEMS = {
    LINUX: gettext_lazy("Any Linux"),
    "debian": gettext_lazy("Debian, Ubuntu"),
    "redhat": gettext_lazy("Red Hat and its family"),
    "suse": gettext_lazy("SUSE"),
    WINDOWS: gettext_lazy("Windows"),
}
FIELDS = {
    "Name",
    "Title",
    "Description",
    "Category",
    "Version",
    "Type",
    "Systems",
    "Timeout",
    "NeedsRoot",
    "Changes",
    "Parameters",
}
# The line in which a script takes a parameter.
TAKEN = {
    CommandType.SHELL: "{name}='{{{{{name}}}}}'",
    CommandType.POWERSHELL: "${name} = '{{{{{name}}}}}'",
}
# PowerShell takes typographic quotes for straight ones.
NEVER_IN_A_VALUE = re.compile("['\x00-\x1f\u2018-\u201b]")
EXIT_STATUSES = re.compile(r"^# Exit status: (.+)$", re.MULTILINE)


class CatalogueBroken(Exception):
    """A file of the catalogue is not as it has to be: a mistake of ours, found by the tests."""


@dataclass(frozen=True, slots=True)
class CommonCommand:
    name: str
    title: str
    description: str
    category: str
    version: int
    type: CommandType
    systems: tuple[str, ...]
    timeout: int
    needs_root: bool
    changes: bool
    content: str
    parameters: list[Definition] = field(default_factory=list)
    # What a value of a parameter has to match, by the parameter's key.
    patterns: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.title

    @property
    def provider(self) -> str:
        return f"CloudAssistant.ECS.{self.category}"

    @property
    def summary(self) -> str:
        """The first sentence of its description."""
        return re.split(r"(?<=\.) ", self.description, maxsplit=1)[0]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """What its exit statuses mean, as the script says it: (number, words)."""
        said = EXIT_STATUSES.search(self.content)
        return re.findall(r"(\d) (.+?)(?:, (?=\d )|\.?$)", said[1]) if said else []

    @property
    def category_label(self) -> Any:
        return CATEGORIES[self.category]

    @property
    def system_labels(self) -> list[Any]:
        return [SYSTEMS[system] for system in self.systems]

    def runs_on(self, system: str) -> bool:
        return system in self.systems or (LINUX in self.systems and system != WINDOWS)

    def mentions(self, text: str) -> bool:
        """Whether each word of `text` stands in its name, title, description, provider or category."""
        parts = (self.name, self.title, self.description, self.provider, self.category_label)
        said = " ".join(str(part) for part in parts).casefold()
        return all(word in said for word in text.casefold().split())


def matching(
    commands: Iterable[CommonCommand], *, text: str = "", category: str = "", system: str = ""
) -> list[CommonCommand]:
    """Those that fit what is asked, in the order of categories and titles."""
    order = list(CATEGORIES)
    found = (
        command
        for command in commands
        if command.mentions(text)
        and category in ("", command.category)
        and (not system or command.runs_on(system))
    )
    return sorted(found, key=lambda command: (order.index(command.category), command.title))


def check_values(command: CommonCommand, values: Mapping[str, str]) -> None:
    """Raise InvalidParameter for a value that could be more than a value, or does not fit its parameter."""
    for definition in command.parameters:
        value = values.get(definition.name, "")
        where = field_of(definition.name)
        if NEVER_IN_A_VALUE.search(value):
            message = _("The value of %(name)s can hold neither single quotes nor line breaks.")
            raise InvalidParameter(message % {"name": definition.name}, field=where)
        pattern = command.patterns.get(definition.key)
        if value and pattern and not re.fullmatch(pattern, value):
            message = _("%(name)s cannot be %(value)s. %(description)s")
            facts = {"name": definition.name, "value": value[:100], "description": definition.description}
            raise InvalidParameter(message % facts, field=where)


# --- Reading ---


@cache
def catalogue() -> Mapping[str, CommonCommand]:
    """All common commands by name. They come with the console, so they are read once."""
    return read_catalogue(FOLDER)


def read_catalogue(folder: Path) -> dict[str, CommonCommand]:
    """Every command of a folder, by name. Raises CatalogueBroken for the first mistake."""
    commands: dict[str, CommonCommand] = {}
    for path in sorted(folder.glob("*.json")):
        command = read_command(path)
        if command.name in commands:
            raise CatalogueBroken(f"{path.name}: there are two {command.name}.")
        commands[command.name] = command
    orphans = {path.name for path in folder.iterdir() if path.suffix != ".json"} - commands.keys()
    if orphans:
        raise CatalogueBroken(f"Without a description: {', '.join(sorted(orphans))}.")
    return commands


def read_command(path: Path) -> CommonCommand:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        missing = FIELDS ^ said.keys()
        if missing:
            raise CatalogueBroken(f"{path.name}: missing or unknown: {', '.join(sorted(missing))}.")
        content = (path.parent / said["Name"]).read_text(encoding="utf-8")
        command = CommonCommand(
            name=said["Name"],
            title=said["Title"],
            description=said["Description"],
            category=said["Category"],
            version=said["Version"],
            type=CommandType(said["Type"]),
            systems=tuple(said["Systems"]),
            timeout=said["Timeout"],
            needs_root=said["NeedsRoot"],
            changes=said["Changes"],
            content=content,
            parameters=[definition_of(one) for one in said["Parameters"]],
            patterns={one["Name"]: one["Pattern"] for one in said["Parameters"] if "Pattern" in one},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogueBroken(f"{path.name}: {error}") from error
    for fault in faults(command, path.stem):
        raise CatalogueBroken(f"{path.name}: {fault}")
    return command


def definition_of(said: Mapping[str, Any]) -> Definition:
    return Definition(
        name=said["Name"],
        description=said["Description"],
        required=said["Required"],
        default=said["Default"] or None,
        possible_values=tuple(said.get("PossibleValues", ())),
    )


def faults(command: CommonCommand, stem: str) -> list[str]:
    """What is wrong with a command, in sentences."""
    is_shell = command.type is CommandType.SHELL
    checks = {
        f"the file of {command.name} is called otherwise.": command.name.rpartition(".")[0] == stem,
        "name, title or description are empty or too long.": has_words(command),
        f"there is no category {command.category}.": command.category in CATEGORIES,
        "systems are missing or unknown.": bool(command.systems) and set(command.systems) <= SYSTEMS.keys(),
        "the version is a number from 1 on.": command.version >= 1,
        "the timeout is out of bounds.": limits.TIMEOUT_LEAST <= command.timeout <= limits.TIMEOUT_MOST,
        "the script is too long.": encoded_size(command.content) <= limits.CONTENT_CHARACTERS * 3 // 4,
        "the script has no interpreter line.": command.content.startswith("#!/") is is_shell,
        "type and systems do not fit.": (WINDOWS in command.systems) is not is_shell,
        "the script does not say what its exit statuses mean.": bool(command.statuses),
        "script and description name different parameters.": has_its_parameters(command),
    }
    return [fault for fault, is_well in checks.items() if not is_well] + [
        fault for definition in command.parameters for fault in faults_of(command, definition)
    ]


def has_words(command: CommonCommand) -> bool:
    return bool(
        command.title
        and command.description
        and len(command.name) <= limits.NAME_CHARACTERS
        and len(command.description) <= limits.DESCRIPTION_CHARACTERS
    )


def has_its_parameters(command: CommonCommand) -> bool:
    """Each is taken once, in a line of the one form that is safe."""
    lines = command.content.splitlines()
    taken = placeholders(command.content)
    names = [definition.name for definition in command.parameters]
    form = TAKEN[command.type]
    return (
        sorted(taken) == sorted(names)
        and len(names) <= limits.PARAMETERS
        and all(form.format(name=name) in lines for name in names)
    )


def faults_of(command: CommonCommand, definition: Definition) -> list[str]:
    name, default = definition.name, definition.default or ""
    pattern = command.patterns.get(name)
    if not definition.description:
        return [f"{name} has no description."]
    if (pattern is None) is not bool(definition.possible_values):
        return [f"{name} has either a pattern or possible values."]
    if definition.possible_values and default not in definition.possible_values:
        return [f"the default of {name} is not one of its values."]
    if pattern and default and not re.fullmatch(pattern, default):
        return [f"the default of {name} does not match its pattern."]
    if definition.required and default:
        return [f"{name} is required and has a default."]
    return []

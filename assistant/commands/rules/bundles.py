"""Commands as files that people keep in version control: a folder, or the same folder as a ZIP.

    commands.json            what each command is called and how it runs, in the API's words
    scripts/restart-web.sh   its script, one file each, as it is

The same commands become the same bytes, and a change of one is a readable difference. No secret is in it: a
secret parameter has neither a default nor allowed values.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.commands import errors, limits
from assistant.commands.rules.content import language_of
from assistant.commands.rules.parameters import Definition
from assistant.commands.states import CommandType
from console.kit.errors import InvalidParameter

MANIFEST = "commands.json"
FORMAT = "cloud-assistant-commands/1"
SCRIPTS = "scripts"
SUFFIXES = {"shell": ".sh", "python": ".py", "perl": ".pl", "bat": ".bat", "powershell": ".ps1"}
# The type of a command that does not say its own, by the ending of its script.
TYPES = {
    suffix: {"bat": CommandType.BAT, "powershell": CommandType.POWERSHELL}.get(language, CommandType.SHELL)
    for language, suffix in SUFFIXES.items()
}
STEM_CHARACTERS = 60

FILE, NAME, DESCRIPTION, TYPE = "File", "Name", "Description", "Type"
WORKING_DIR, TIMEOUT, ENABLE_PARAMETER = "WorkingDir", "Timeout", "EnableParameter"
DEFINITIONS = "ParameterDefinitions"
WORDS: Mapping[str, type] = {
    FILE: str,
    NAME: str,
    DESCRIPTION: str,
    TYPE: str,
    WORKING_DIR: str,
    TIMEOUT: int,
    ENABLE_PARAMETER: bool,
    DEFINITIONS: list,
}
WORDS_OF_A_DEFINITION: Mapping[str, type] = {
    "ParameterName": str,
    "Description": str,
    "Required": bool,
    "DefaultValue": str,
    "PossibleValues": list,
    "Secret": bool,
}
KINDS = {
    str: gettext_lazy("a text"),
    int: gettext_lazy("a whole number"),
    bool: gettext_lazy("true or false"),
    list: gettext_lazy("a list"),
    dict: gettext_lazy("an object"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One command as a bundle has it, or why it cannot be read."""

    file: str
    name: str = ""
    content: str = ""
    type: str = ""
    description: str = ""
    working_dir: str = ""
    timeout: int = limits.TIMEOUT_DEFAULT
    enable_parameter: bool = False
    definitions: tuple[Definition, ...] = field(default=())
    fault: str = ""


# --- Writing ---


def written(entries: Iterable[Entry]) -> dict[str, bytes]:
    """The files of a bundle by path. Where names collide the earlier entry keeps the plain one."""
    taken: set[str] = set()
    named = {path_of(entry, taken): entry for entry in entries}
    said = [document_of(path, named[path]) for path in sorted(named)]
    manifest = json.dumps({"Format": FORMAT, "Commands": said}, indent=2, ensure_ascii=False) + "\n"
    scripts = {path: named[path].content.encode() for path in sorted(named)}
    return {MANIFEST: manifest.encode(), **scripts}


def path_of(entry: Entry, taken: set[str]) -> str:
    stem = slugify(entry.name)[:STEM_CHARACTERS].strip("-_") or "command"
    suffix = SUFFIXES[language_of(entry.content, CommandType(entry.type))]
    number, path = 1, f"{SCRIPTS}/{stem}{suffix}"
    while path in taken:
        number += 1
        path = f"{SCRIPTS}/{stem}-{number}{suffix}"
    taken.add(path)
    return path


def document_of(path: str, entry: Entry) -> dict[str, Any]:
    document = {
        FILE: path,
        NAME: entry.name,
        DESCRIPTION: entry.description,
        TYPE: entry.type,
        WORKING_DIR: entry.working_dir,
        TIMEOUT: entry.timeout,
        ENABLE_PARAMETER: entry.enable_parameter,
    }
    if entry.definitions:
        document[DEFINITIONS] = [document_of_definition(definition) for definition in entry.definitions]
    return document


def document_of_definition(definition: Definition) -> dict[str, Any]:
    """Without a default where there is none; of a secret nothing that could be its value."""
    never = ("DefaultValue", "PossibleValues") if definition.secret else ()
    said = definition.document().items()
    return {word: value for word, value in said if word not in never and value is not None and value != []}


# --- Reading ---


def read(files: Mapping[str, bytes]) -> list[Entry]:
    """The commands of a bundle, in its order; what is wrong with one stands in its entry.

    Raises BundleBroken for what no single command is to blame for.
    """
    base, manifest = manifest_of(files)
    said = manifest.get("Commands")
    if not isinstance(said, list) or not said:
        raise errors.BundleBroken(_("%(file)s names no commands.") % {"file": MANIFEST}, field="file")
    if len(said) > limits.COMMANDS_AT_ONCE:
        message = _("%(file)s names %(number)d commands; at most %(most)d can be imported at once.")
        facts = {"file": MANIFEST, "number": len(said), "most": limits.COMMANDS_AT_ONCE}
        raise errors.BundleBroken(message % facts, field="file")
    inside = {name.removeprefix(base): content for name, content in files.items() if name.startswith(base)}
    entries = [entry_of(number, document, inside) for number, document in enumerate(said, start=1)]
    return [*entries, *forgotten(entries, inside)]


def manifest_of(files: Mapping[str, bytes]) -> tuple[str, dict[str, Any]]:
    """The folder that the manifest lies in (`web-commands/`, or none) and what it says."""
    places = [name for name in files if PurePosixPath(name).name == MANIFEST and name.count("/") <= 1]
    shallowest = [name for name in places if name.count("/") == min(one.count("/") for one in places)]
    if len(shallowest) != 1:
        message = _("There is no %(file)s in it. Export a command to see what one looks like.")
        several = _("There is more than one %(file)s in it.")
        raise errors.BundleBroken((several if places else message) % {"file": MANIFEST}, field="file")
    [place] = shallowest
    try:
        said = json.loads(text_of(files[place]))
    except (ValueError, RecursionError) as error:
        message = _("%(file)s is no JSON: %(why)s.") % {"file": MANIFEST, "why": str(error)[:200]}
        raise errors.BundleBroken(message, field="file") from error
    if not isinstance(said, dict) or said.get("Format") != FORMAT:
        message = _('%(file)s does not begin with "Format": "%(format)s".')
        raise errors.BundleBroken(message % {"file": MANIFEST, "format": FORMAT}, field="file")
    return place.removesuffix(MANIFEST), said


def text_of(content: bytes) -> str:
    """Editors of Windows put a mark in front that no shell understands."""
    return content.decode("utf-8-sig")


def entry_of(number: int, said: Any, files: Mapping[str, bytes]) -> Entry:
    try:
        check_words(said, WORDS, needed=(FILE, NAME))
    except InvalidParameter as error:
        file, name = (shown(said, word) for word in (FILE, NAME))
        return Entry(file or f"{MANIFEST}, {number}", name, fault=error.message)
    entry = Entry(
        file=said[FILE],
        name=said[NAME],
        type=said.get(TYPE) or TYPES.get(PurePosixPath(said[FILE]).suffix.lower(), CommandType.SHELL),
        description=said.get(DESCRIPTION, ""),
        working_dir=said.get(WORKING_DIR, ""),
        timeout=said.get(TIMEOUT, limits.TIMEOUT_DEFAULT),
        enable_parameter=said.get(ENABLE_PARAMETER, False),
    )
    try:
        return filled(entry, said.get(DEFINITIONS, []), files)
    except InvalidParameter as error:
        return Entry(entry.file, entry.name, type=entry.type, fault=error.message)


def shown(said: Any, word: str) -> str:
    """A word of an entry that cannot be read, as far as it can be shown."""
    value = said.get(word) if isinstance(said, dict) else None
    return value.encode(errors="replace").decode()[: limits.NAME_CHARACTERS] if isinstance(value, str) else ""


def filled(entry: Entry, definitions: list[Any], files: Mapping[str, bytes]) -> Entry:
    """The entry with its script and parameters."""
    if entry.file not in files:
        raise fault(_("There is no file %(file)s."), file=entry.file)
    try:
        content = text_of(files[entry.file])
    except UnicodeDecodeError as error:
        raise fault(_("%(file)s is no text in UTF-8."), file=entry.file) from error
    for definition in definitions:
        check_words(definition, WORDS_OF_A_DEFINITION, needed=("ParameterName",))
        for value in definition.get("PossibleValues", []):
            check_word("PossibleValues", value, str)
    return Entry(
        file=entry.file,
        name=entry.name,
        content=content,
        type=entry.type,
        description=entry.description,
        working_dir=entry.working_dir,
        timeout=entry.timeout,
        enable_parameter=entry.enable_parameter,
        definitions=tuple(Definition.stored(definition) for definition in definitions),
    )


def check_words(said: Any, words: Mapping[str, type], *, needed: Iterable[str]) -> None:
    """Raise for a word that is unknown, missing or of another kind: a slip of the pen is not passed over."""
    if not isinstance(said, dict):
        raise fault(_("It is not %(kind)s."), kind=KINDS[dict])
    for word in sorted(said.keys() - words.keys()):
        raise fault(_("There is no %(word)s; there are %(words)s."), word=word[:64], words=", ".join(words))
    for word in needed:
        if not said.get(word):
            raise fault(_("%(word)s is missing."), word=word)
    for word, value in said.items():
        check_word(word, value, words[word])


def check_word(word: str, value: Any, kind: type) -> None:
    # A bool is an int to Python.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise fault(_("%(word)s has to be %(kind)s."), word=word, kind=KINDS[kind])
    if isinstance(value, str) and any(one == "\x00" or "\ud800" <= one <= "\udfff" for one in value):
        raise fault(_("%(word)s holds characters that no text has."), word=word)


def fault(message: str, **facts: Any) -> InvalidParameter:
    return InvalidParameter(message % facts)


def forgotten(entries: Iterable[Entry], files: Mapping[str, bytes]) -> Iterator[Entry]:
    """Scripts that no entry names: somebody has added a file and not said what it is."""
    named = {entry.file for entry in entries}
    for name in sorted(files.keys() - named):
        if PurePosixPath(name).suffix.lower() in TYPES:
            yield Entry(name, fault=_("No command in %(manifest)s names this file.") % {"manifest": MANIFEST})

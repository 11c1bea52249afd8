"""Parameters in a script: `{{key}}`, given per run, and `{{ACS::Name}}`, given by us (CA-98 to CA-107).

A value is put in as it is, in one pass: what a value holds is not looked at again.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext as _

from assistant.commands import errors, limits
from assistant.commands.rules.content import encoded_size
from console.kit.errors import InvalidParameter

PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
KEY = re.compile(r"[A-Za-z0-9_-]+")
NOT_PLAIN = re.compile(r"[^\w .:-]")
BUILT_IN_PREFIX = "acs::"
REGION_ID, ACCOUNT_ID, INSTANCE_ID = "RegionId", "AccountId", "InstanceId"
INSTANCE_NAME, INVOKE_ID, COMMAND_ID = "InstanceName", "InvokeId", "CommandId"
BUILT_INS = (REGION_ID, ACCOUNT_ID, INSTANCE_ID, INSTANCE_NAME, INVOKE_ID, COMMAND_ID)
BUILT_IN_KEYS = {f"{BUILT_IN_PREFIX}{name}".lower(): name for name in BUILT_INS}
# What stands for a secret wherever values are shown.
MASK = "****"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a command says of one of its parameters."""

    name: str
    description: str = ""
    required: bool = False
    # None: there is no default, and an empty text is one.
    default: str | None = None
    possible_values: tuple[str, ...] = ()
    secret: bool = False

    @property
    def key(self) -> str:
        return self.name.lower()

    def document(self) -> dict[str, Any]:
        """As it is stored, in the API's words; `Secret` is ours."""
        return {
            "ParameterName": self.name,
            "Description": self.description,
            "Required": self.required,
            "DefaultValue": self.default,
            "PossibleValues": list(self.possible_values),
            "Secret": self.secret,
        }

    @classmethod
    def stored(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            name=document["ParameterName"],
            description=document.get("Description", ""),
            required=document.get("Required", False),
            default=document.get("DefaultValue"),
            possible_values=tuple(document.get("PossibleValues", ())),
            secret=document.get("Secret", False),
        )


# --- What a script holds ---


def placeholders(content: str) -> list[str]:
    """What stands between braces, without the blanks and line breaks beside them, in order."""
    return [match[1].strip() for match in PLACEHOLDER.finditer(content)]


def keys_in(content: str) -> list[str]:
    """The keys to give values for, as they are first spelled. Raises InvalidParameter for what is none."""
    keys: dict[str, str] = {}
    for name in placeholders(content):
        if name.lower().startswith(BUILT_IN_PREFIX):
            check_built_in(name)
        else:
            check_key(name)
            keys.setdefault(name.lower(), name)
    if len(keys) > limits.PARAMETERS:
        message = _("The command has %(number)d parameters; at most %(most)d are possible.")
        numbers = {"number": len(keys), "most": limits.PARAMETERS}
        raise errors.ParametersTooMany(message % numbers, field="content")
    return list(keys.values())


def built_ins_in(content: str) -> set[str]:
    """The built-in parameters that a script asks for, by name; only those that there are."""
    found = {name.lower() for name in placeholders(content)}
    return {BUILT_IN_KEYS[key] for key in found & BUILT_IN_KEYS.keys()}


def check_built_in(name: str) -> None:
    if name.lower() not in BUILT_IN_KEYS:
        message = _("There is no built-in parameter {{%(name)s}}; there are %(names)s.")
        facts = {"name": name[:100], "names": ", ".join(f"ACS::{known}" for known in BUILT_INS)}
        raise errors.ParameterNameWrong(message % facts, field="content")


def check_key(name: str) -> None:
    if not name:
        message = _(
            "Between {{ and }} the command has no parameter name. Write one, or do not use parameters."
        )
        raise errors.ParameterNameMissing(message, field="content")
    if len(name.encode()) > limits.PARAMETER_NAME_BYTES:
        message = _("The parameter name %(name)s… is too long; at most %(most)d characters are possible.")
        facts = {"name": name[:20], "most": limits.PARAMETER_NAME_BYTES}
        raise errors.ParameterNameTooLong(message % facts, field="content")
    if not KEY.fullmatch(name):
        message = _(
            "{{%(name)s}} is no parameter: a name has letters, digits, - and _. If the command needs these "
            "braces for itself, do not use parameters."
        )
        raise errors.ParameterNameWrong(message % {"name": name}, field="content")


# --- What is said of them ---


def check_definitions(definitions: Iterable[Definition], keys: Iterable[str]) -> None:
    """Each is about a key of the script, once, and its default is a value that may be given."""
    known = {key.lower() for key in keys}
    seen: set[str] = set()
    for definition in definitions:
        if definition.key not in known:
            message = _("The command has no parameter %(name)s.") % {"name": definition.name[:100]}
            raise errors.ParameterNotMatched(message, field="parameters")
        if definition.key in seen:
            raise errors.ParameterTwice(
                _("%(name)s is described twice.") % {"name": definition.name}, field="parameters"
            )
        seen.add(definition.key)
        check_definition(definition)


def check_definition(definition: Definition) -> None:
    said = {"name": definition.name, "most": limits.PARAMETER_DESCRIPTION_CHARACTERS}
    if len(definition.description) > limits.PARAMETER_DESCRIPTION_CHARACTERS:
        message = _("The description of %(name)s has at most %(most)d characters.")
        raise InvalidParameter(message % said, field="parameters")
    # Either would be a secret that stands in the command for all to read.
    if definition.secret and (definition.default or definition.possible_values):
        message = _("%(name)s is secret: it can have neither a default nor allowed values.")
        raise errors.ParameterValueWrong(message % said, field="parameters")
    for value in (definition.default or "", *definition.possible_values):
        check_text(definition.name, value, field="parameters")
    if (
        definition.default
        and definition.possible_values
        and definition.default not in definition.possible_values
    ):
        message = _("The default of %(name)s is not one of its allowed values.")
        raise errors.ParameterValueWrong(message % said, field="parameters")


# --- Values of one run ---


def values_for(content: str, definitions: Iterable[Definition], given: Mapping[str, str]) -> dict[str, str]:
    """A value for every key of the script: the one that was given, its default, or nothing (CA-100).

    Raises InvalidParameter for a name that the script does not have, and for a value that is missing or not allowed.
    """
    by_key = {definition.key: definition for definition in definitions}
    values = by_lower_name(given)
    keys = keys_in(content)
    for key in values.keys() - {key.lower() for key in keys}:
        message = _("The command has no parameter %(name)s.") % {"name": key[:100]}
        raise errors.ParameterNotMatched(message, field="parameters")
    result = {}
    for key in keys:
        definition = by_key.get(key.lower()) or Definition(key)
        value = values.get(key.lower(), definition.default or "")
        check_value(definition, value)
        result[key] = value
    return result


def by_lower_name(given: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given.items():
        if name.lower() in values:
            message = _("The parameter %(name)s is given twice.") % {"name": name[:100]}
            raise errors.ParameterTwice(message, field="parameters")
        values[name.lower()] = value
    return values


def check_value(definition: Definition, value: str) -> None:
    field = field_of(definition.name)
    if definition.required and not value:
        message = _("%(name)s needs a value.") % {"name": definition.name}
        raise errors.ParameterValueMissing(message, field=field)
    check_text(definition.name, value, field=field)
    if value and definition.possible_values and value not in definition.possible_values:
        message = _("%(name)s is one of: %(values)s.")
        facts = {"name": definition.name, "values": ", ".join(definition.possible_values)}
        raise errors.ParameterValueWrong(message % facts, field=field)


def check_text(name: str, value: str, *, field: str) -> None:
    if "\x00" in value:
        message = _("The value of %(name)s holds a NUL character; remove it.") % {"name": name}
        raise errors.ParameterValueWrong(message, field=field)


def field_of(name: str) -> str:
    """The form field of a parameter's value."""
    return f"parameter-{name.lower()}"


def check_size(content: str, values: Mapping[str, str]) -> None:
    """Script and values fit together (CA-75), and so does what becomes of them."""
    size = encoded_size(content) + encoded_size(as_text(values)) if values else encoded_size(content)
    if size > limits.CONTENT_CHARACTERS:
        message = _(
            "The command and its parameters have %(size)d characters in Base64; at most %(most)d are possible."
        )
        numbers = {"size": size, "most": limits.CONTENT_CHARACTERS}
        raise errors.CommandContentTooLarge(message % numbers, field="parameters")
    filled = len(substituted(content, values).encode())
    if filled > limits.FILLED_BYTES:
        message = _(
            "With its parameters put in the command has %(size)d bytes; at most %(most)d are possible."
        )
        numbers = {"size": filled, "most": limits.FILLED_BYTES}
        raise errors.CommandContentTooLarge(message % numbers, field="parameters")


def as_text(values: Mapping[str, str]) -> str:
    """The values as the API takes them."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


# --- Substitution ---


def substituted(content: str, values: Mapping[str, str]) -> str:
    """The script with every known placeholder replaced; others stay as they are."""
    known = {name.lower(): value for name, value in values.items()}
    return PLACEHOLDER.sub(lambda match: known.get(match[1].strip().lower(), match[0]), content)


def built_in_values(**values: str) -> dict[str, str]:
    """Values of built-in parameters, for `substituted`: `InstanceId="i-1"`.

    Whoever may rename a server must not run commands on it: no value means anything to a shell.
    """
    return {f"{BUILT_IN_PREFIX}{name}": NOT_PLAIN.sub("_", value) for name, value in values.items()}


def masked(values: Mapping[str, str], definitions: Iterable[Definition]) -> dict[str, str]:
    """The values as they may be shown and stored in the open."""
    secret = secret_keys(definitions)
    return {name: MASK if name.lower() in secret else value for name, value in values.items()}


def secret_keys(definitions: Iterable[Definition]) -> set[str]:
    return {definition.key for definition in definitions if definition.secret}

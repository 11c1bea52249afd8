"""What there is to say about an action, out of its declaration: for the document, the pages and the table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from openapi import limits
from openapi.actions.base import CMS, Action, Shape, parameters_of
from openapi.actions.registry import served
from openapi.parameters import Parameter, Text

# The modules of actions in the order of the reference, and what is theirs in words.
GROUPS = {
    "runs": _("Running"),
    "invocations": _("Results"),
    "commands": _("Commands"),
    "managed_instances": _("Managed instances"),
    "activations": _("Activation codes"),
    "agents": _("Agents"),
    "instances": _("Instances"),
    "reboots": _("Restarts"),
    "tags": _("Tags"),
    "account": _("Quotas"),
    "regions": _("Regions"),
}
LOOKS = ("Describe", "List", "Get")
TOKEN = Text(
    "ClientToken",
    doc=f"up to {limits.TOKEN_CHARACTERS} characters: a second call with it gets the first one's answer",
)
TYPES = {str: "text", int: "int", bool: "bool"}
# What every answer has, by version.
HEAD: Shape = {"RequestId": str}
HEADS: Mapping[str, Shape] = {CMS: {"RequestId": str, "Code": str, "Message": str, "Success": bool}}


@dataclass(frozen=True, slots=True)
class Line:
    """A field of an answer: `Commands.Command[].Name`."""

    name: str
    kind: str


def by_group() -> dict[str, list[type[Action]]]:
    """Every action that is served, under its group's words."""
    found: dict[str, list[type[Action]]] = {str(label): [] for label in GROUPS.values()}
    for action in sorted(served().values(), key=lambda one: one.name()):
        found[group_of(action)].append(action)
    return found


def group_of(action: type[Action]) -> str:
    return str(GROUPS[action.__module__.rpartition(".")[2]])


def only_looks(action: type[Action]) -> bool:
    return action.name().startswith(LOOKS)


def parameters_shown(action: type[Action]) -> list[Parameter[Any]]:
    """Those that are needed first, then by name."""
    found = [*parameters_of(action), *([TOKEN] if action.is_idempotent else [])]
    return sorted(found, key=lambda one: (not one.required, one.name))


def choices_of(parameter: Parameter[Any]) -> tuple[str, ...]:
    return parameter.one_of if isinstance(parameter, Text) else ()


def answer_of(action: type[Action]) -> Shape:
    return {**HEADS.get(action.version, HEAD), **action.answer}


def lines_of(shape: Any, name: str = "") -> Iterator[Line]:
    if isinstance(shape, list):
        yield from lines_of(shape[0], f"{name}[]")
    elif isinstance(shape, Mapping) and shape:
        for inner, kind in shape.items():
            yield from lines_of(kind, f"{name}.{inner}" if name else inner)
    else:
        yield Line(name, "object" if isinstance(shape, Mapping) else TYPES[shape])

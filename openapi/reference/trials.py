"""Trying an action from its page: a form out of its parameters, and a call out of the form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from openapi.actions.base import Action
from openapi.desk import Answer
from openapi.parameters import Flag, JsonObject, MaybeFlag, Moment, Pairs, Parameter, Texts
from openapi.reference.described import choices_of, parameters_shown
from openapi.reference.examples import VALUES, example_parameters

Control = Literal["line", "lines", "choice"]
BOOLEANS = ("true", "false")
# Stands before each name in the form, so that none is taken for one of the form's own.
PREFIX = "say:"
# What a form begins with: scripts and outputs as people read them.
READABLE = {f"{PREFIX}ContentEncoding": "PlainText"}
CHARACTERS_SHOWN = 200_000
FIELDS_UNFOLDED = 6


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter in the form."""

    name: str
    label: str
    doc: str
    is_required: bool
    # Said in most calls: what comes first.
    is_usual: bool
    control: Control
    is_list: bool
    hint: str = ""
    value: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What came back, for people."""

    status: int
    code: str
    message: str
    request_id: str
    body: str
    is_cut: bool = False
    is_good: bool = False


def fields_of(action: type[Action], typed: Mapping[str, str] | None = None) -> list[Field]:
    """With what was typed; values that may be secrets are not written back into a page."""
    typed = READABLE if typed is None else typed
    usual = {one.name for one in example_parameters(action)}
    return [
        field_of(one, typed, is_usual=one.name in usual or len(parameters_shown(action)) <= FIELDS_UNFOLDED)
        for one in parameters_shown(action)
    ]


def field_of(parameter: Parameter[Any], typed: Mapping[str, str], *, is_usual: bool) -> Field:
    name = f"{PREFIX}{parameter.name}"
    choices = BOOLEANS if isinstance(parameter, Flag | MaybeFlag) else choices_of(parameter)
    is_long = isinstance(parameter, Texts | Pairs | JsonObject) or parameter.name.endswith("Content")
    control: Control = "choice" if choices else "lines" if is_long else "line"
    return Field(
        name=name,
        label=parameter.name,
        doc=parameter.doc,
        is_required=parameter.required,
        is_usual=is_usual,
        control=control,
        is_list=isinstance(parameter, Texts | Pairs),
        hint=hint_of(parameter),
        value="" if isinstance(parameter, JsonObject) else typed.get(name, ""),
        choices=choices,
    )


def hint_of(parameter: Parameter[Any]) -> str:
    if isinstance(parameter, Moment):
        return "2026-01-02T03:04:05Z"
    if isinstance(parameter, Pairs):
        return "env=prod"
    if isinstance(parameter, JsonObject):
        return '{"name": "value"}'
    value = VALUES.get(parameter.name)
    return value if isinstance(value, str) else ""


def said_of(action: type[Action], typed: Mapping[str, str]) -> dict[str, str]:
    """The call's parameters. One line is one of a list; what is left empty is not said."""
    said: dict[str, str] = {}
    for parameter in parameters_shown(action):
        text = typed.get(f"{PREFIX}{parameter.name}", "").replace("\r\n", "\n")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if isinstance(parameter, Pairs):
            for number, line in enumerate(lines, start=1):
                key, _equals, value = line.partition("=")
                said |= {f"{parameter.name}.{number}.Key": key, f"{parameter.name}.{number}.Value": value}
        elif isinstance(parameter, Texts):
            said |= {f"{parameter.name}.{number}": line for number, line in enumerate(lines, start=1)}
        elif text:
            said[parameter.name] = text
    return said


def trial_of(answer: Answer) -> Trial:
    said: dict[str, Any] = json.loads(answer.body)
    body = json.dumps(said, indent=2, ensure_ascii=False)
    is_good = answer.status == 200
    return Trial(
        status=answer.status,
        code=said.get("Code", ""),
        message=said.get("Message", ""),
        request_id=said["RequestId"],
        body=body[:CHARACTERS_SHOWN],
        is_cut=len(body) > CHARACTERS_SHOWN,
        is_good=is_good,
    )

"""Reads a policy's document, and says what is wrong with one and where (CA-230 to CA-233)."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from access import limits
from access.rules import arns
from access.rules.conditions import OPERATORS, Condition
from access.rules.policies import Effect, Policy, Statement

VERSION = "1"
ACTION_FORM = re.compile(r"[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
KEY_FORM = re.compile(r"[A-Za-z0-9-]+:.+")
MEMBERS = ("Effect", "Action", "NotAction", "Resource", "Condition")


@dataclass(frozen=True)
class DocumentFault(ValueError):
    """What is wrong, and the path to it in the document, `Statement[0].Resource[1]`; empty for the whole."""

    path: str
    reason: str
    # Counted from 1, where the text is no JSON; else the path says where it is.
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def read(document: str, *, name: str = "") -> Policy:
    """The policy that a document is. Raises DocumentFault."""
    if len(document) > limits.DOCUMENT_CHARACTERS:
        numbers = {"size": len(document), "most": limits.DOCUMENT_CHARACTERS}
        raise DocumentFault(
            "", _("The document has %(size)d characters; at most %(most)d are possible.") % numbers
        )
    members = parsed(document)
    try:
        check_printable(members)
    except RecursionError as error:
        raise too_deep() from error
    return build(members, name=name)


def parsed(document: str) -> Any:
    try:
        return json.loads(document, object_pairs_hook=no_member_twice)
    except DocumentFault:
        raise
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        reason = _("Line %(line)d, column %(column)d: %(reason)s.") % place
        raise DocumentFault("", reason, error.lineno) from error
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:
        # A whole number of thousands of digits.
        raise DocumentFault("", _("A number in it is too long.")) from error


def too_deep() -> DocumentFault:
    return DocumentFault("", _("This is nested too deeply."))


def check_printable(value: Any) -> None:
    """No text holds what a database or a page cannot take: control characters, halves of surrogate pairs."""
    if isinstance(value, str) and UNPRINTABLE.search(value):
        raise DocumentFault("", _("A text in it holds characters that cannot be printed."))
    if isinstance(value, dict):
        check_printable(list(value))
        value = value.values()
    if not isinstance(value, str) and isinstance(value, Iterable):
        for one in value:
            check_printable(one)


def no_member_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        check_printable(list(members))
        names = Counter(name for name, _value in pairs)
        twice = next(name for name, times in names.items() if times > 1)
        raise DocumentFault("", _("The member %(name)s is there twice.") % {"name": twice[:64]})
    return members


def build(members: Any, *, name: str = "") -> Policy:
    """The policy that a read document is."""
    check_object("", members, ("Version", "Statement"))
    if members.get("Version") != VERSION:
        raise DocumentFault("Version", _('Say "1": there is no other version.'))
    statements = members.get("Statement")
    if not isinstance(statements, list) or not statements:
        raise DocumentFault("Statement", _("Give a list of at least one statement."))
    return Policy(
        name, tuple(build_statement(name, index, members) for index, members in enumerate(statements))
    )


def build_statement(policy: str, index: int, members: Any) -> Statement:
    path = f"Statement[{index}]"
    check_object(path, members, MEMBERS)
    effect = members.get("Effect")
    if effect not in list(Effect):
        raise DocumentFault(f"{path}.Effect", _("Say Allow or Deny."))
    if ("Action" in members) is ("NotAction" in members):
        raise DocumentFault(path, _("Give one of Action and NotAction."))
    word = "Action" if "Action" in members else "NotAction"
    actions = texts(f"{path}.{word}", members[word])
    for place, action in actions.items():
        check_action(place, action)
    if "Resource" not in members:
        raise DocumentFault(f"{path}.Resource", _("Say which resources are meant; * means all."))
    resources = texts(f"{path}.Resource", members["Resource"])
    for place, resource in resources.items():
        check_resource(place, resource)
    return Statement(
        policy=policy,
        index=index,
        effect=Effect(effect),
        actions=tuple(actions.values()),
        is_except=word == "NotAction",
        resources=tuple(resources.values()),
        conditions=build_conditions(f"{path}.Condition", members.get("Condition", {})),
    )


def check_object(path: str, members: Any, known: tuple[str, ...]) -> None:
    if not isinstance(members, dict):
        raise DocumentFault(path, _("An object in braces belongs here."))
    for member in members:
        if member not in known:
            facts = {"name": member[:64], "known": ", ".join(known)}
            raise DocumentFault(
                joined(path, member), _("There is no member %(name)s; say %(known)s.") % facts
            )


def joined(path: str, member: str) -> str:
    return f"{path}.{member[:64]}" if path else member[:64]


def texts(path: str, value: Any) -> Mapping[str, str]:
    """The texts of a text or a list of texts, each with its path (CA-231)."""
    if isinstance(value, str) and value:
        return {path: value}
    if not isinstance(value, list) or not value:
        raise DocumentFault(path, _("Give a text, or a list of at least one."))
    for number, one in enumerate(value):
        if not isinstance(one, str) or not one:
            raise DocumentFault(f"{path}[{number}]", _("A text belongs here."))
    return {f"{path}[{number}]": one for number, one in enumerate(value)}


def check_action(path: str, action: str) -> None:
    if action != "*" and not ACTION_FORM.fullmatch(action):
        message = _("%(action)s is no action: say service:Name, as in ecs:RunCommand, or *.")
        raise DocumentFault(path, message % {"action": action[:64]})


def check_resource(path: str, resource: str) -> None:
    if resource == "*":
        return
    arn = arns.split(resource)
    if arn is None or arn.scheme != "acs" or not arn.service or not arn.relative_id:
        message = _("%(resource)s is no resource: say acs:service:region:account:type/id, or *.")
        raise DocumentFault(path, message % {"resource": resource[:128]})


def build_conditions(path: str, operators: Any) -> tuple[Condition, ...]:
    check_object(path, operators, tuple(OPERATORS))
    conditions = []
    for operator, keys in operators.items():
        if not isinstance(keys, dict) or not keys:
            raise DocumentFault(f"{path}.{operator}", _("Give at least one key with its values."))
        for key, value in keys.items():
            place = f"{path}.{operator}.{key[:64]}"
            if not KEY_FORM.fullmatch(key):
                raise DocumentFault(place, _("A key is service:Name, as in ecs:CommandRunAs."))
            conditions.append(build_condition(place, operator, key, value))
    return tuple(conditions)


def build_condition(path: str, operator: str, key: str, value: Any) -> Condition:
    values = tuple(texts(path, spelled(value)).values())
    try:
        return Condition(operator, key, values)
    except (ValueError, InvalidOperation) as error:
        message = _("%(operator)s cannot compare with %(values)s.")
        facts = {"operator": operator, "values": ", ".join(values)[:128]}
        raise DocumentFault(path, message % facts) from error


def spelled(value: Any) -> Any:
    """Numbers and truth values as the texts that requests carry."""
    if isinstance(value, list):
        return [spelled(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value

"""Policies to begin with, for people who have not written one."""

import json
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

ANYWHERE = ["acs:ecs:*:*:instance/*", "acs:ecs:*:*:command/*"]
RUNNING = ["ecs:RunCommand", "ecs:InvokeCommand", "ecs:StopInvocation"]
LOOKING = ["ecs:Describe*"]


class Example(NamedTuple):
    """A document to be changed, and what it is for."""

    word: str
    label: Any
    document: str


def example(word: str, label: Any, *statements: dict[str, Any]) -> Example:
    return Example(word, label, json.dumps({"Version": "1", "Statement": list(statements)}, indent=2))


def allow(actions: list[str], resources: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | {"Condition": condition} if condition else statement


EXAMPLES = [
    example("read-only", _("Read only"), allow(["ecs:Describe*", "ecs:List*"], "*")),
    example(
        "run-as",
        _("Run only as some accounts"),
        allow([*RUNNING, *LOOKING], ANYWHERE, {"StringEquals": {"ecs:CommandRunAs": ["user01", "user02"]}}),
    ),
    example(
        "region",
        _("Only in one region"),
        allow([*RUNNING, *LOOKING], ["acs:ecs:local:*:instance/*", "acs:ecs:local:*:command/*"]),
    ),
    example(
        "tag",
        _("Only instances with a tag"),
        allow([*RUNNING, *LOOKING], ANYWHERE, {"StringEquals": {"ecs:tag/env": ["staging"]}}),
    ),
]

BY_WORD = {one.word: one for one in EXAMPLES}

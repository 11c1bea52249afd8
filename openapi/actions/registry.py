"""Which class serves which action of which version, and which actions are known and not served yet."""

from functools import cache
from importlib import import_module
from typing import TypeGuard

from openapi.actions.base import VERSIONS, Action
from openapi.actions.not_served import NOT_SERVED
from openapi.errors import ActionNotServed, ActionUnknown, VersionUnknown

MODULES = (
    "account",
    "activations",
    "agents",
    "commands",
    "instances",
    "invocations",
    "managed_instances",
    "reboots",
    "regions",
    "runs",
    "tags",
)


@cache
def served() -> dict[tuple[str, str], type[Action]]:
    """Every action that is served, by version and name."""
    found: dict[tuple[str, str], type[Action]] = {}
    for module in MODULES:
        for value in vars(import_module(f"openapi.actions.{module}")).values():
            if is_action(value):
                found[value.version, value.name()] = value
    return found


def is_action(value: object) -> TypeGuard[type[Action]]:
    """Whether it can be called; what several actions have in common cannot."""
    is_class = isinstance(value, type) and issubclass(value, Action) and value is not Action
    return is_class and "perform" in vars(value)


def action_of(version: str, name: str) -> type[Action]:
    """Raises VersionUnknown, ActionNotServed and ActionUnknown."""
    if version not in VERSIONS:
        raise VersionUnknown(f"There is no version {version[:40]}: say {', '.join(VERSIONS)}.")
    action = served().get((version, name))
    if action is not None:
        return action
    if name in NOT_SERVED[version]:
        raise ActionNotServed(f"{name} is not served by this version of the console yet.")
    raise ActionUnknown(f"There is no action {name[:80]} in version {version}.")

"""One thing being done: its action, its transaction, what it was granted, what it will be remembered by.

    @operation("ecs:StopInvocation")
    def stop_invocation(principal, invocation, *, targets=None): ...

The call runs in one transaction. Its audit entries are written at the end of it, because whoever writes
one holds the end of the chain until the commit. A refusal is written after the rollback. A call that
ends well without having asked its permission is rolled back: nobody forgets to ask.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import transaction

from access.models import AuditEntry
from access.operations.audit import append, entry
from access.principals import Principal
from access.rules.policies import Decision
from console.kit.errors import NotAllowed

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class PermissionNotAsked(RuntimeError):
    """An operation changed something without asking: a mistake of ours, never of the caller."""


@dataclass(slots=True)
class Call:
    """One operation while it runs."""

    action: str
    decided_by: str = ""
    was_asked: bool = False
    entries: list[AuditEntry] = field(default_factory=list)


_current: ContextVar[Call | None] = ContextVar("call", default=None)

# Every operation by its full name, with its action: what the walk through all of them reads.
OPERATIONS: dict[str, str] = {}


def operation(
    action: str,
) -> Callable[
    [Callable[Concatenate[Principal, Arguments], Result]], Callable[Concatenate[Principal, Arguments], Result]
]:
    """Declare a function that does what `action` names (`ecs:RunCommand`) for the principal it takes first."""

    def declare(
        function: Callable[Concatenate[Principal, Arguments], Result],
    ) -> Callable[Concatenate[Principal, Arguments], Result]:
        OPERATIONS[f"{function.__module__}.{function.__name__}"] = action

        @wraps(function)
        def carried_out(
            principal: Principal, /, *arguments: Arguments.args, **named: Arguments.kwargs
        ) -> Result:
            if _current.get() is not None:
                # Part of a greater call, which has its own transaction and its own question.
                return function(principal, *arguments, **named)
            call = Call(action)
            token = _current.set(call)
            try:
                with transaction.atomic():
                    result = function(principal, *arguments, **named)
                    if not call.was_asked:
                        raise PermissionNotAsked(f"{function.__name__} never asked for {action}.")
                    append(call.entries)
            except NotAllowed as refusal:
                remember_refusal(principal, refusal)
                raise
            finally:
                _current.reset(token)
            return result

        return carried_out

    return declare


def granted(decision: Decision) -> None:
    """Note in the running call that permission was asked for and given."""
    call = _current.get()
    if call is not None:
        call.was_asked = True
        call.decided_by = call.decided_by or decision.statement_name


def record(principal: Principal, action: str, resource: str = "", **facts: Any) -> None:
    """Remember what `principal` did, in the transaction that did it. Facts are JSON and hold no secrets."""
    call = _current.get()
    if call is None:
        append([entry(principal, action, resource, facts)])
    else:
        call.entries.append(entry(principal, action, resource, facts, decided_by=call.decided_by))


@contextmanager
def remembered(principal: Principal) -> Iterator[None]:
    """Have a refusal written that comes out of here: to stand around the transaction that it rolls back."""
    try:
        yield
    except NotAllowed as refusal:
        remember_refusal(principal, refusal)
        raise


def remember_refusal(principal: Principal, refusal: NotAllowed) -> None:
    """Write what was refused: to be called outside the transaction that was rolled back."""
    facts = dict(refusal.facts)
    action, resource = str(facts.pop("action", "")), str(facts.pop("resource", ""))
    if action:
        refused = entry(principal, action, resource, facts, outcome=AuditEntry.Outcome.REFUSED)
        append([refused])

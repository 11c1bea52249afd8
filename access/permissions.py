"""The rule of a view: which action somebody must be allowed, anywhere at all, to come in.

    @needs("ecs:DescribeInvocations")
    @require_safe
    def invocation_list(request): ...

What a view shows is `visible_to` the principal, and what it does is asked by its operation. The rule
closes the door before: an empty list is no lie, and a form that could only be refused is not filled in.
A view without a rule is refused by `access.middleware.Rules`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from access.operations.calls import remember_refusal
from access.operations.decisions import authorize_look
from access.principals import Principal
from console.kit.errors import NotAllowed

SAFE = ("GET", "HEAD", "OPTIONS")

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def needs(*actions: str) -> Callable[[View], View]:
    """Let in who may do one of the actions somewhere."""

    def declare(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            principal: Principal = request.principal  # type: ignore[attr-defined]
            if not any(principal.opens(action) for action in actions):
                refuse(request, principal, actions[0])
            return view(request, *arguments, **named)

        checked.rule = actions  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return declare


def refuse(request: HttpRequest, principal: Principal, action: str) -> None:
    """Raise NotAllowed. What somebody wanted to do is remembered, what they wanted to look at is not."""
    try:
        authorize_look(principal, action)
    except NotAllowed as refusal:
        if request.method not in SAFE:
            remember_refusal(principal, refusal)
        raise


def own(view: View) -> View:
    """Let in everybody who has signed in: what the view shows is theirs."""
    view.rule = ("own",)  # type: ignore[attr-defined]
    return view

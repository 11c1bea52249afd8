"""May this principal do this? Every operation asks here, before it changes anything."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from access.operations.calls import granted
from access.principals import Principal
from access.rules import actions
from access.rules.policies import Decision
from console.kit.errors import NotAllowed

# A question about one resource: its name, and the condition keys that belong to it alone.
Question = tuple[str, Mapping[str, str]]

EVERYTHING = "*"


def authorize(
    principal: Principal, action: str, *resources: str, context: Mapping[str, str] | None = None
) -> None:
    """Raise NotAllowed unless `principal` may do `action` (`ecs:RunCommand`) on all resources (CA-235).

    Without a resource the action is one that has none: it is asked for on `*`.
    """
    authorize_each(principal, action, [(one, context or {}) for one in resources or (EVERYTHING,)])


def authorize_each(principal: Principal, action: str, questions: Iterable[Question]) -> None:
    """The same where each resource brings condition keys of its own."""
    if principal.is_administrator:
        granted(Decision(action, "", is_allowed=True))
        return
    for resource, context in questions:
        decision = principal.decide(action, resource, context)
        if not decision.is_allowed:
            raise refusal(principal, decision)
        granted(decision)


def authorize_look(principal: Principal, action: str) -> None:
    """Raise NotAllowed where nothing at all allows the principal to look, so that a list is no empty lie."""
    if not principal.opens(action):
        raise refusal(principal, Decision(action, "", is_allowed=False))
    granted(Decision(action, "", is_allowed=True))


def authorize_own(principal: Principal) -> None:
    """What everybody who is signed in may do with what is theirs: password, second factor, sessions."""
    if principal.user_id is None:
        raise NotAllowed(_("Sign in first."))
    granted(Decision("", "", is_allowed=True))


def authorize_administrator(principal: Principal, action: str) -> None:
    """What no policy can allow: changing administrators and making more of them."""
    if not principal.is_administrator:
        message = _("Only administrators may do this.")
        raise NotAllowed(message, action=action)
    granted(Decision(action, "", is_allowed=True))


def refusal(principal: Principal, decision: Decision) -> NotAllowed:
    action = actions.known(decision.action)
    facts = {
        "name": principal.name,
        "action": decision.action,
        "words": action.label if action else _("do this"),
        "resource": decision.resource,
    }
    if decision.resource in ("", EVERYTHING):
        message = _("%(name)s may not %(words)s: %(action)s.") % facts
    else:
        message = _("%(name)s may not %(words)s: %(action)s on %(resource)s.") % facts
    denied_by = {"decided_by": decision.statement_name} if decision.statement else {}
    return NotAllowed(message, action=decision.action, resource=decision.resource, **denied_by)

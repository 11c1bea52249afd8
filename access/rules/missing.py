"""What is missing where something is denied: the statements that come nearest, and why they do not do.

Nearest are those that would allow it but for a condition, then those that allow the action on other
resources. Where there is neither, nothing names the action.
"""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

from access.rules import arns
from access.rules.conditions import Condition
from access.rules.policies import PolicySet, Statement
from access.rules.sentences import listed, sentence, words_of

# More than these are not read.
SHOWN = 3


def missing(
    policies: PolicySet, action: str, resource: str, context: Mapping[str, str], *, account: str = ""
) -> list[str]:
    """Sentences that say what a denied request lacks; none where it is allowed."""
    decision = policies.decide(action, resource, context)
    if decision.is_allowed:
        return []
    if decision.statement is not None:
        return [denied(decision.statement, context, account)]
    found = list(but_for_conditions(policies, action, resource, context))
    if not found:
        found = list(on_other_resources(policies, action, resource))
    return found[:SHOWN] or [nothing_names(policies, action, resource)]


def denied(statement: Statement, context: Mapping[str, str], account: str) -> str:
    facts = {"statement": place(statement), "sentence": sentence(statement, account=account)}
    said = _("%(statement)s denies it, and a Deny wins over every Allow: %(sentence)s") % facts
    return " ".join([said, *(carried(condition, context) for condition in statement.conditions)])


def carried(condition: Condition, context: Mapping[str, str]) -> str:
    facts = {"key": condition.key, "value": context.get(condition.key)}
    if facts["value"] is None:
        return _("The request carries no %(key)s.") % facts
    return _("Here %(key)s is %(value)s.") % facts


def but_for_conditions(
    policies: PolicySet, action: str, resource: str, context: Mapping[str, str]
) -> Iterator[str]:
    """The right action on the right resource, and a condition that fails."""
    for statement, conditions in policies.ruling(action, arns.resource_type(resource)).allows.conditional:
        if statement.covers(resource):
            for condition in conditions:
                if not condition.holds(context):
                    yield unmet(statement, condition, context)


def unmet(statement: Statement, condition: Condition, context: Mapping[str, str]) -> str:
    value = context.get(condition.key)
    facts = {
        "statement": place(statement),
        "condition": words_of(condition),
        "key": condition.key,
        "value": value,
    }
    if value is None:
        return _("%(statement)s allows it only %(condition)s; the request carries no %(key)s.") % facts
    return _("%(statement)s allows it only %(condition)s; here %(key)s is %(value)s.") % facts


def on_other_resources(policies: PolicySet, action: str, resource: str) -> Iterator[str]:
    """The right action, and not on this resource."""
    allows = policies.ruling(action, arns.resource_type(resource)).allows
    for statement in [*allows.plain, *(one for one, _conditions in allows.conditional)]:
        facts = {
            "statement": place(statement),
            "action": action,
            "resources": listed(statement.resources, last=_("or")),
            "resource": resource,
        }
        yield _("%(statement)s allows %(action)s only on %(resources)s, not on %(resource)s.") % facts


def nothing_names(policies: PolicySet, action: str, resource: str) -> str:
    facts = {"action": action, "resource": resource}
    if not policies.policies:
        return _("No policy is attached. One that allows %(action)s on %(resource)s is missing.") % facts
    return _("No attached policy allows %(action)s. One that does, on %(resource)s, is missing.") % facts


def place(statement: Statement) -> str:
    facts = {"policy": statement.policy, "index": statement.index}
    return _("%(policy)s, Statement[%(index)d]") % facts

"""What looks like a mistake or a danger in a statement that can be read: nothing here is refused.

A key with a slip of the pen, an action that this console does not have, a kind of resource that none of
the actions is about: such a statement allows or denies less than its author thinks. Others allow more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.rules import arns
from access.rules.actions import ALL, Action
from access.rules.conditions import (
    GLOBAL_KEYS,
    KEYS_OF_ACTIONS,
    TAG_KEY,
    Condition,
    folded,
    is_known_key,
)
from access.rules.globs import has_wildcard, is_like, residuals
from access.rules.policies import Effect, Policy, Statement
from access.rules.sentences import (
    KEPT,
    SHOWN,
    Covered,
    covered,
    covered_by_each,
    is_reading,
    listed,
    reach,
    sentence,
)

KINDS = {(action.service, kind) for action in ALL for kind in action.types}

# Who may do one of these can give themselves what they do not have: action → the kind of resource on
# which it is one, when it is any of them.
GRANTS = {
    "ram:attachpolicytouser": "policy",
    "ram:attachpolicytogroup": "policy",
    "ram:attachpolicytorole": "policy",
    "ram:detachpolicyfromuser": "policy",
    "ram:detachpolicyfromgroup": "policy",
    "ram:detachpolicyfromrole": "policy",
    "ram:createpolicyversion": "policy",
    "ram:setdefaultpolicyversion": "policy",
    "ram:addusertogroup": "group",
    "ram:removeuserfromgroup": "group",
    "ram:updateloginprofile": "user",
    "ram:createaccesskey": "user",
    "sts:assumerole": "role",
}


@dataclass(frozen=True)
class Caution:
    """What may be wrong, and the member of the document that it is about."""

    path: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """A statement as people read it."""

    statement: Statement
    sentence: str
    # What each pattern of actions covers here.
    covered: tuple[Covered, ...]
    cautions: tuple[Caution, ...]

    @property
    def is_long(self) -> bool:
        """Whether the sentence leaves out actions, or wildcards stand for them."""
        has_wildcards = any(has_wildcard(each.pattern) for each in self.covered)
        return self.statement.is_except or has_wildcards or len(self.covered) > SHOWN


def explained(policy: Policy, *, account: str = "") -> list[Explanation]:
    """Every statement of a policy in words, with what is worth a second look."""
    return [
        Explanation(
            statement=one,
            sentence=sentence(one, account=account),
            covered=tuple(covered_by_each(one)),
            cautions=tuple(cautions(one, account=account)),
        )
        for one in policy.statements
    ]


def cautions(statement: Statement, *, account: str = "") -> Iterator[Caution]:
    yield from dangers(statement)
    yield from idle_actions(statement)
    yield from idle_resources(statement, account)
    for condition in statement.conditions:
        text = condition_caution(statement, condition)
        if text:
            path = f"Statement[{statement.index}].Condition.{condition.operator}.{condition.key}"
            yield Caution(path, text)


# --- More than it seems ---


def dangers(statement: Statement) -> Iterator[Caution]:
    if statement.effect is not Effect.ALLOW:
        return
    path = f"Statement[{statement.index}]"
    if "*" in statement.resources and (statement.is_except or "*" in statement.actions):
        changing = [one for one in covered(statement) if not is_reading(one)]
        if changing and not statement.conditions:
            yield Caution(
                path, _("This allows almost everything there is, also giving oneself and others more.")
            )
            return
    given = [one for one in covered(statement) if is_grant(statement, one)]
    if given:
        labels = listed(str(one.label) for one in given)
        message = _("Who may %(actions)s can give themselves permissions that they do not have.")
        yield Caution(path, message % {"actions": labels})


def is_grant(statement: Statement, action: Action) -> bool:
    kind = GRANTS.get(folded(action.name))
    return kind is not None and any(is_broad(one, action.service, kind) for one in statement.resources)


def is_broad(resource: str, service: str, kind: str) -> bool:
    if resource == "*":
        return True
    arn = arns.split(resource)
    return arn is not None and has_wildcard(arn.relative_id) and (service, kind) in kinds_of(resource)


# --- Less than it seems ---


def idle_actions(statement: Statement) -> Iterator[Caution]:
    path = f"Statement[{statement.index}].{'NotAction' if statement.is_except else 'Action'}"
    each_covered = covered_by_each(statement)
    unknown = [each.pattern for each in each_covered if not each.actions]
    if unknown:
        message = ngettext(
            "%(patterns)s names nothing that this console does.",
            "%(patterns)s name nothing that this console does.",
            len(unknown),
        )
        yield Caution(path, message % {"patterns": listed(unknown)})
    for each in impossible(statement, each_covered):
        if each.actions and not statement.is_except:
            facts = {"pattern": each.pattern, "resources": wanted_resources(each.actions)}
            message = _("%(pattern)s is asked for on %(resources)s; no resource of this statement is one.")
            yield Caution(path, message % facts)


def idle_resources(statement: Statement, account: str) -> Iterator[Caution]:
    path = f"Statement[{statement.index}].Resource"
    known = covered(statement)
    for resource in statement.resources:
        arn = arns.split(resource)
        if known and not any(fits(resource, one) for one in known):
            message = _("None of the actions is ever asked for on %(resource)s.")
            yield Caution(path, message % {"resource": resource})
        elif arn is not None and not arn.region and not is_regionless(arn.service):
            message = _("%(resource)s names no region, so it matches nothing: say one, or *.")
            yield Caution(path, message % {"resource": resource})
        elif arn is not None and account and not is_like(arn.account, account):
            message = _("%(resource)s is of another account: here it is %(account)s.")
            yield Caution(path, message % {"resource": resource, "account": account})


def impossible(statement: Statement, each_covered: Iterable[Covered]) -> list[Covered]:
    """The patterns of which no action is ever asked for on any of the statement's resources."""
    if "*" in statement.resources:
        return []
    kinds = set().union(*map(kinds_of, statement.resources))
    return [
        each
        for each in each_covered
        if not any((action.service, kind) in kinds for action in each.actions for kind in action.types)
    ]


def fits(resource: str, action: Action) -> bool:
    """Whether the action is ever asked for on something that the pattern for resources covers."""
    if resource == "*":
        return True
    return any((action.service, kind) in kinds_of(resource) for kind in action.types)


@lru_cache(KEPT)
def kinds_of(resource: str) -> frozenset[tuple[str, str]]:
    """The services and kinds of resource that a pattern may be about."""
    arn = arns.split(resource)
    if arn is None:
        return frozenset()
    services = {service for service, _kind in KINDS if is_like(arn.service, service)}
    return frozenset(
        (service, kind)
        for service, kind in KINDS
        if service in services and residuals(arn.relative_id, f"{kind}/")
    )


def is_regionless(service: str) -> bool:
    return any(is_like(service, one) for one in arns.REGIONLESS)


def wanted_resources(actions: tuple[Action, ...]) -> str:
    """`instance/… or command/…`; `*` of actions that are about nothing in particular."""
    kinds = {kind: None for action in actions for kind in action.types}
    return listed((f"{kind}/…" for kind in kinds), last=_("or"), most=None) or "*"


# --- Conditions that say something else ---


def condition_caution(statement: Statement, condition: Condition) -> str:
    facts = {"key": condition.key, "meant": near(condition.key), "effect": idle_effect(statement, condition)}
    if not is_known_key(condition.key):
        if facts["meant"]:
            return _("No request ever carries %(key)s (is %(meant)s meant?). %(effect)s") % facts
        return _("No request ever carries %(key)s. %(effect)s") % facts
    asked, others = reach(statement, condition.key)
    if others and not asked:
        return _("%(key)s is not asked of any of these actions. %(effect)s") % {
            **facts,
            "effect": unreached_effect(statement),
        }
    if covered(statement) and not any(may_carry(condition.key, one) for one in covered(statement)):
        return _("No request for these actions carries %(key)s. %(effect)s") % facts
    return ""


def may_carry(key: str, action: Action) -> bool:
    """Whether a request for the action can carry the key; of another service's keys none does (CA-242)."""
    if key in GLOBAL_KEYS:
        return True
    if key.startswith(TAG_KEY):
        return "instance" in action.types
    return folded(action.name) in KEYS_OF_ACTIONS.get(key, frozenset())


def idle_effect(statement: Statement, condition: Condition) -> str:
    """What becomes of a statement whose key is always absent (CA-240)."""
    if condition.is_negative:
        return _("The condition always holds.")
    if statement.effect is Effect.ALLOW:
        return _("So this statement never allows anything.")
    return _("So this statement never denies anything.")


def unreached_effect(statement: Statement) -> str:
    """What becomes of one whose key does not belong to its actions (CA-241)."""
    if statement.effect is Effect.ALLOW:
        return _("So it is as if the condition were not there.")
    return _("So this statement never denies anything.")


def near(key: str) -> str:
    """The key that was probably meant."""
    known = [*sorted(GLOBAL_KEYS), *sorted(KEYS_OF_ACTIONS)]
    exact = [one for one in known if folded(one) == folded(key)]
    if exact:
        return exact[0]
    if folded(key).startswith(("ecs:tag", "acs:resourcetag")):
        return TAG_KEY + (key.partition("/")[2] or "…")
    return next(iter(get_close_matches(key, known, n=1, cutoff=0.75)), "")

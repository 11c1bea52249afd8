"""May somebody do something, and why (or why not)? The same engine that decides, asked aloud."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from access import limits
from access.models import Role, User
from access.operations.calls import operation
from access.operations.decisions import EVERYTHING, authorize, authorize_own
from access.operations.identities import policies_attached, principal_for
from access.operations.resource_facts import resource_facts
from access.principals import Door, Principal
from access.rules import arns
from access.rules.conditions import KEYS_OF_ACTIONS, RUN_AS_KEY, folded
from access.rules.missing import missing
from access.rules.policies import Policy, PolicySet, Statement
from access.rules.sentences import sentence
from access.scopes import arn
from console.kit.errors import InvalidParameter

ACTION_FORM = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
# Whom commands run as on an instance of which nothing is known (CA-243).
RUN_AS_UNKNOWN = "root"


@dataclass(frozen=True)
class Deciding:
    """The statement that decided."""

    policy: str
    # Counted from 0, as in the document's `Statement[0]`.
    index: int
    effect: str
    sentence: str

    @classmethod
    def of(cls, statement: Statement | None) -> "Deciding | None":
        if statement is None:
            return None
        words = sentence(statement, account=settings.ACCOUNT_ID)
        return cls(statement.policy, statement.index, statement.effect.value, words)


@dataclass(frozen=True)
class Answer:
    """What was decided about one resource."""

    resource: str
    is_allowed: bool
    statement: Deciding | None
    missing: tuple[str, ...]
    # The condition keys that were asked, as the request would have carried them.
    context: Mapping[str, str]


@dataclass(frozen=True)
class Simulation:
    """What would become of a request. It is allowed only where it is on each of its resources (CA-235)."""

    name: str
    action: str
    answers: tuple[Answer, ...]
    is_administrator: bool = False

    @property
    def is_allowed(self) -> bool:
        return all(answer.is_allowed for answer in self.answers)

    @property
    def decision(self) -> str:
        return "allow" if self.is_allowed else "deny"

    @property
    def deciding(self) -> Answer:
        """The first resource that is denied, or, where none is, the first."""
        return next((one for one in self.answers if not one.is_allowed), self.answers[0])

    @property
    def statement(self) -> Deciding | None:
        return self.deciding.statement

    @property
    def missing(self) -> tuple[str, ...]:
        """What all the denied ones lack, each thing once."""
        return tuple(dict.fromkeys(text for answer in self.answers for text in answer.missing))

    @property
    def reason(self) -> str:
        """One sentence that says why, whatever the decision is."""
        if self.is_administrator:
            return _("%(name)s is an administrator: no policy restricts the account.") % {"name": self.name}
        if self.missing:
            return self.missing[0]
        return self.statement.sentence if self.statement else ""


@operation("ram:SimulatePolicy")
def simulate(
    principal: Principal,
    *,
    action: str,
    resources: Sequence[str] = (EVERYTHING,),
    context: Mapping[str, str] | None = None,
    resource_contexts: Mapping[str, Mapping[str, str]] | None = None,
    user: User | None = None,
    role: Role | None = None,
    policies: Iterable[Policy] | None = None,
) -> Simulation:
    """Decide without doing it: for a user, a role, policies that nobody has, or else for the principal.

    Everybody may ask about themselves and about policies in their hand. `context` are condition keys of
    the request, `resource_contexts` of single resources. Keys of resources that the principal may see
    are filled in; what was given counts first. Raises InvalidParameter.
    """
    asked = Subject.of(principal, user=user, role=role, policies=policies)
    check_action(action)
    check_resources(resources)

    contexts = contexts_of(principal, action, resources, {**asked.context, **(context or {})})
    for resource, given in (resource_contexts or {}).items():
        if resource in contexts:
            contexts[resource] |= given
    answers = tuple(answer(principal, asked, action, one, contexts[one]) for one in contexts)
    return Simulation(asked.name, action, answers, asked.is_administrator)


@dataclass(frozen=True)
class Subject:
    """Who is asked about."""

    name: str
    policies: PolicySet
    context: Mapping[str, str]
    is_administrator: bool = False

    @classmethod
    def of(
        cls,
        principal: Principal,
        *,
        user: User | None,
        role: Role | None,
        policies: Iterable[Policy] | None,
    ) -> "Subject":
        """The one that was named; raises NotAllowed for others whom the principal may not ask about."""
        now = {"acs:CurrentTime": datetime.now(UTC).isoformat(timespec="seconds")}
        if user is not None:
            if user.pk == principal.user_id:
                authorize_own(principal)
            else:
                authorize(principal, "ram:SimulatePolicy", arn("ram", "user", user.username))
            them = principal_for(user, Door.CONSOLE)
            return cls(them.name, them.policies, now, them.is_administrator)
        if role is not None:
            authorize(principal, "ram:SimulatePolicy", arn("ram", "role", role.name))
            return cls(role.name, policies_attached(Q(attachments__role=role.pk)), now)
        authorize_own(principal)
        if policies is not None:
            return cls(_("these policies"), PolicySet(policies), now)
        return cls(principal.name, principal.policies, principal.context, principal.is_administrator)


def answer(
    principal: Principal, asked: Subject, action: str, resource: str, context: Mapping[str, str]
) -> Answer:
    if asked.is_administrator:
        return Answer(resource, is_allowed=True, statement=None, missing=(), context={})
    name = full_name(principal, resource)
    decision = asked.policies.decide(action, name, context)
    keys = asked.policies.keys_asked(action, arns.resource_type(resource))
    return Answer(
        resource,
        is_allowed=decision.is_allowed,
        statement=Deciding.of(decision.statement),
        missing=tuple(missing(asked.policies, action, name, context, account=settings.ACCOUNT_ID)),
        context={key: context[key] for key in sorted(keys) if key in context},
    )


def full_name(_principal: Principal, resource: str) -> str:
    """With this installation's account, which is the only one, where none is said."""
    parts = arns.split(resource)
    return (
        str(parts._replace(account=settings.ACCOUNT_ID)) if parts and parts.account in ("", "*") else resource
    )


def contexts_of(
    principal: Principal, action: str, resources: Sequence[str], given: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The condition keys of each resource: what is known of it, and before that what was given."""
    known = resource_facts(principal, action, resources)
    runs = {RUN_AS_KEY: RUN_AS_UNKNOWN} if folded(action) in KEYS_OF_ACTIONS[RUN_AS_KEY] else {}
    return {one: {**runs, **known.get(one, {}), **given} for one in resources}


def check_action(action: str) -> None:
    if not ACTION_FORM.fullmatch(action):
        raise InvalidParameter(_("Say which action, as in ecs:RunCommand."), field="action")


def check_resources(resources: Sequence[str]) -> None:
    if not 1 <= len(resources) <= limits.SIMULATED_RESOURCES:
        message = _("Name 1 to %(most)d resources.") % {"most": limits.SIMULATED_RESOURCES}
        raise InvalidParameter(message, field="resource")
    for resource in resources:
        parts = arns.split(resource)
        if resource != EVERYTHING and (parts is None or parts.scheme != "acs" or not parts.service):
            message = _("%(resource)s is no resource: say acs:service:region:account:type/id, or *.")
            raise InvalidParameter(message % {"resource": resource[:128]}, field="resource")

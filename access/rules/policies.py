"""Policies as values, and what several of them together say about a request (CA-234 to CA-242).

Nothing here does I/O, and everything is made once: a policy per version of its document, what a set of
policies has to say about an action when it is first asked.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from access.rules import arns
from access.rules.conditions import RUN_AS_KEY, Condition, belongs, folded
from access.rules.globs import regex_of

Matcher = Callable[[str], "re.Match[str] | None"]

# What a process remembers of a set of policies: answers for this many actions and kinds of resource.
RULINGS_KEPT = 512


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True)
class Statement:
    """One statement of a policy; `index` counts from 0, as a path into the document does."""

    policy: str
    index: int
    effect: Effect
    actions: tuple[str, ...]
    # True for `NotAction`: the statement is about every action but these.
    is_except: bool
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.policy}/Statement[{self.index}]"

    @cached_property
    def _actions(self) -> Matcher:
        return re.compile("|".join(regex_of(folded(one)) for one in self.actions), re.DOTALL).fullmatch

    @cached_property
    def resource_regex(self) -> str:
        return "|".join(map(regex_of_resource, self.resources))

    @cached_property
    def _resources(self) -> Matcher:
        return re.compile(self.resource_regex, re.DOTALL).fullmatch

    def names(self, action: str) -> bool:
        """Whether the statement is about an action, whatever its case (CA-236)."""
        return (self._actions(folded(action)) is None) is self.is_except

    def covers(self, resource: str) -> bool:
        """Whether a resource is among the statement's, compared with case (CA-237)."""
        return self._resources(resource) is not None


# No region, or whatever is said in its place where the service has none.
NO_REGION = f"(?:(?:{'|'.join(f'(?<=:{service}:)' for service in arns.REGIONLESS)})[^:]*)?"


def regex_of_resource(pattern: str) -> str:
    """A pattern for resources as a regular expression. One with fewer than five parts matches nothing."""
    if pattern == "*":
        return ".*"
    arn = arns.split(pattern)
    if arn is None:
        return r"(?!)"
    scheme, service, region, account = (regex_of(part, any_character="[^:]") for part in arn[:-1])
    return ":".join([scheme, service, region or NO_REGION, account, regex_of(arn.relative_id)])


@dataclass(frozen=True)
class Policy:
    """A policy's statements, as its document has them."""

    name: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one action on one resource is allowed, and the statement that says so.

    No statement: nothing names it (denied by default), or nothing was asked (an administrator).
    """

    action: str
    resource: str
    is_allowed: bool
    statement: Statement | None = None

    @property
    def statement_name(self) -> str:
        return self.statement.name if self.statement else ""


class Side:
    """The statements of one effect that are about an action on a kind of resource.

    Those without conditions are one regular expression with a group each: most questions end there.
    """

    __slots__ = ("conditional", "plain", "plain_match")

    def __init__(self, statements: Iterable[tuple[Statement, tuple[Condition, ...]]]) -> None:
        self.plain: list[Statement] = []
        self.conditional: list[tuple[Statement, tuple[Condition, ...]]] = []
        for statement, conditions in statements:
            if conditions:
                self.conditional.append((statement, conditions))
            else:
                self.plain.append(statement)
        groups = "|".join(f"({statement.resource_regex})" for statement in self.plain)
        self.plain_match: Matcher | None = re.compile(groups, re.DOTALL).fullmatch if groups else None

    def find(self, resource: str, context: Mapping[str, str]) -> Statement | None:
        """A statement that matches, or none."""
        plain = self.find_plain(resource)
        if plain is not None:
            return plain
        for statement, conditions in self.conditional:
            if statement.covers(resource) and all(one.holds(context) for one in conditions):
                return statement
        return None

    def find_plain(self, resource: str) -> Statement | None:
        if self.plain_match is not None:
            match = self.plain_match(resource)
            if match is not None:
                return self.plain[match.lastindex - 1]  # type: ignore[operator]
        return None

    def without(self, keys: frozenset[str], *, is_deny: bool) -> "Side":
        """The same while these keys are not known: an Allow may hold yet, a Deny does not hit yet."""
        pairs: list[tuple[Statement, tuple[Condition, ...]]] = [(one, ()) for one in self.plain]
        for statement, conditions in self.conditional:
            known = tuple(one for one in conditions if one.key not in keys)
            if not is_deny or len(known) == len(conditions):
                pairs.append((statement, known))
        return Side(pairs)


@dataclass(slots=True)
class Ruling:
    """What a set of policies has to say about one action on one kind of resource."""

    denies: Side
    allows: Side
    # The two sides while nobody has said whom a command runs as; made when a button first asks.
    before_run_as: tuple[Side, Side] | None = None


class PolicySet:
    """The policies that count for somebody."""

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self.policies = tuple(policies)
        self.statements = tuple(one for policy in self.policies for one in policy.statements)
        self._rulings: dict[tuple[str, str], Ruling] = {}

    def decide(self, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        """Deny by default; a Deny that matches wins over every Allow (CA-234)."""
        ruling = self.ruling(action, arns.resource_type(resource))
        denied_by = ruling.denies.find(resource, context)
        if denied_by is not None:
            return Decision(action, resource, is_allowed=False, statement=denied_by)
        allowed_by = ruling.allows.find(resource, context)
        return Decision(action, resource, is_allowed=allowed_by is not None, statement=allowed_by)

    def names(self, action: str) -> bool:
        """Whether any statement allows the action somewhere, whatever its conditions (CA-246)."""
        return any(one.effect is Effect.ALLOW and one.names(action) for one in self.statements)

    def could(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether the action may turn out to be allowed once it is said whom a command runs as."""
        if RUN_AS_KEY in context:
            return self.decide(action, resource, context).is_allowed
        ruling = self.ruling(action, arns.resource_type(resource))
        if ruling.before_run_as is None:
            keys = frozenset({RUN_AS_KEY})
            ruling.before_run_as = (
                ruling.denies.without(keys, is_deny=True),
                ruling.allows.without(keys, is_deny=False),
            )
        denies, allows = ruling.before_run_as
        return denies.find(resource, context) is None and allows.find(resource, context) is not None

    def keys_asked(self, action: str, resource_type: str) -> frozenset[str]:
        """The condition keys that decisions about the action on such a resource depend on."""
        ruling = self.ruling(action, resource_type)
        sides = ruling.denies.conditional + ruling.allows.conditional
        return frozenset(one.key for _statement, conditions in sides for one in conditions)

    def allows_in_region(self, region: str) -> bool:
        """Whether anything at all is allowed in a region: others need not be shown."""
        patterns = {
            pattern for one in self.statements if one.effect is Effect.ALLOW for pattern in one.resources
        }
        regions = {arn.region if (arn := arns.split(pattern)) else pattern for pattern in patterns}
        return any(re.fullmatch(regex_of(pattern), region) for pattern in regions)

    def ruling(self, action: str, resource_type: str) -> Ruling:
        key = (action, resource_type)
        ruling = self._rulings.get(key)
        if ruling is None:
            if len(self._rulings) >= RULINGS_KEPT:
                self._rulings.clear()
            ruling = self._rulings[key] = self._rule(folded(action), resource_type)
        return ruling

    def _rule(self, action: str, resource_type: str) -> Ruling:
        """A key that does not belong neither narrows an Allow nor lets a Deny hit (CA-241)."""
        sides: dict[Effect, list[tuple[Statement, tuple[Condition, ...]]]] = {one: [] for one in Effect}
        for statement in self.statements:
            if not statement.names(action):
                continue
            fitting = tuple(one for one in statement.conditions if belongs(one.key, action, resource_type))
            if statement.effect is Effect.ALLOW or len(fitting) == len(statement.conditions):
                sides[statement.effect].append((statement, fitting))
        return Ruling(denies=Side(sides[Effect.DENY]), allows=Side(sides[Effect.ALLOW]))


NO_POLICIES = PolicySet()

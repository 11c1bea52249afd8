"""Policies as database filters: the rows of a table that a principal may see or act on.

The same statements, resources and conditions as `PolicySet.decide` reads, turned into one `Q`. A test
draws policies and rows at random and proves that both say the same about every row.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import CharField, Exists, ForeignKey, Lookup, Q, QuerySet, Transform

from access.rules import arns
from access.rules.conditions import TAG_KEY, Condition, folded
from access.rules.globs import has_wildcard, regex_of, residuals
from access.rules.policies import PolicySet, Side

Rows = TypeVar("Rows", bound="QuerySet[Any]")

# What holds for every row, for none, or for those of a filter.
Extent = Q | bool


@dataclass(frozen=True)
class Scoped:
    """Where a table keeps what a resource's name is made of.

    `id` and `region` are field paths. Without a region the resource has `*` in its place, as users and
    policies have. `tags` gives, for rows of that table, the tags with a key: a queryset with `value`.
    """

    service: str
    type: str
    id: str
    region: str = ""
    tags: Callable[[str], "QuerySet[Any]"] | None = None


def permitted(
    policies: PolicySet,
    actions: Iterable[str],
    scoped: Scoped,
    *,
    account: str,
    context: Mapping[str, str],
    open_keys: frozenset[str] = frozenset(),
) -> Extent:
    """The rows on which one of these actions is allowed and none denied.

    `open_keys` are not known yet: an Allow is taken not to be narrowed by them, a Deny not to hit.
    """
    allowed: list[Extent] = []
    denied: list[Extent] = []
    for action in actions:
        ruling = policies.ruling(action, scoped.type)
        translate = Translation(scoped, account, context)
        allowed += translate.side(ruling.allows.without(open_keys, is_deny=False))
        denied += translate.side(ruling.denies.without(open_keys, is_deny=True))
    return every([any_of(allowed), negated(any_of(denied))])


class Translation:
    """Statements as filters on one table for one request."""

    def __init__(self, scoped: Scoped, account: str, context: Mapping[str, str]) -> None:
        self.scoped = scoped
        self.account = account
        self.context = context

    def side(self, side: Side) -> list[Extent]:
        """What the statements are about; those without conditions are one list of patterns."""
        extents = [self.resources(pattern for statement in side.plain for pattern in statement.resources)]
        for statement, conditions in side.conditional:
            extents.append(every([self.resources(statement.resources), *map(self.condition, conditions)]))
        return extents

    def resources(self, patterns: Iterable[str]) -> Extent:
        """Any of the patterns. Whole ids without wildcards become one `IN` per region."""
        ids: dict[str, list[str]] = {}
        extents: list[Extent] = []
        for pattern in dict.fromkeys(patterns):
            if pattern == "*":
                return True
            arn = arns.split(pattern)
            if arn is None or not self.is_ours(arn):
                continue
            _type, _slash, name = arn.relative_id.partition("/")
            if has_wildcard(arn.relative_id) or not name:
                extents.append(every([self.region(arn.region), self.id(arn.relative_id)]))
            elif _type == self.scoped.type:
                ids.setdefault(arn.region, []).append(name)
        for region, names in ids.items():
            extents.append(every([self.region(region), Q(**{f"{self.scoped.id}__in": names})]))
        return any_of(extents)

    def is_ours(self, arn: arns.Arn) -> bool:
        constant = ((arn.scheme, "acs"), (arn.service, self.scoped.service), (arn.account, self.account))
        return all(matches(pattern, text) for pattern, text in constant)

    def region(self, pattern: str) -> Extent:
        if not self.scoped.region:
            return matches(pattern, "*")
        return matching(self.scoped.region, pattern)

    def id(self, pattern: str) -> Extent:
        rests = residuals(pattern, f"{self.scoped.type}/")
        return any_of(matching(self.scoped.id, rest) for rest in rests)

    def condition(self, condition: Condition) -> Extent:
        if not condition.key.startswith(TAG_KEY) or self.scoped.tags is None:
            return condition.holds(self.context)
        tags = self.scoped.tags(condition.key.removeprefix(TAG_KEY))
        has_value = Q(Exists(tags.filter(tag_values(condition, tags))))
        return ~has_value if condition.is_negative else has_value


def tag_values(condition: Condition, tags: "QuerySet[Any]") -> Q:
    """The positive test on a tag's value. What the database cannot compare is compared here, value by value."""
    if condition.positive == "StringEquals":
        return Q(value__in=condition.values)
    if condition.positive == "StringEqualsIgnoreCase":
        return Q(value__folded__in=[folded(value) for value in condition.values])
    if condition.positive == "StringLike":
        return combined(matching("value", value) for value in condition.values)
    values = tags.model.objects.filter(key=key_of(condition)).values_list("value", flat=True).distinct()
    return Q(value__in=[value for value in values if condition.passes_positive(value)])


def key_of(condition: Condition) -> str:
    return condition.key.removeprefix(TAG_KEY)


def combined(extents: Iterable[Extent]) -> Q:
    whole = any_of(extents)
    return whole if isinstance(whole, Q) else (Q() if whole else Q(pk__in=[]))


# --- Patterns on a column ---


def matches(pattern: str, text: str) -> bool:

    return re.fullmatch(regex_of(pattern), text, re.DOTALL) is not None


def matching(field: str, pattern: str) -> Extent:
    if pattern.strip("*") == "" and pattern:
        return True
    if has_wildcard(pattern):
        return Q(**{f"{field}__glob": pattern})
    return Q(**{field: pattern})


# On a foreign key the column is compared, without a join: ids are texts here.
@CharField.register_lookup
@ForeignKey.register_lookup
class Glob(Lookup):
    """`*` and `?` with case: GLOB on SQLite, LIKE on PostgreSQL, which alone respects case there."""

    lookup_name = "glob"

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        pattern = str(self.rhs).replace("[", "[[]")
        return f"{left} GLOB %s", [*parameters, pattern]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        pattern = re_escape(str(self.rhs)).replace("*", "%").replace("?", "_")
        return f"{left} LIKE %s", [*parameters, pattern]


def re_escape(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@CharField.register_lookup
class Folded(Transform):
    """With small letters, of A to Z alone, as `conditions.folded` does it."""

    lookup_name = "folded"

    def as_sqlite(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        return self.as_sql(compiler, connection, template="LOWER(%(expressions)s)")

    def as_postgresql(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        return self.as_sql(compiler, connection, template='LOWER((%(expressions)s) COLLATE "C")')


# --- Extents ---


def any_of(extents: Iterable[Extent]) -> Extent:
    whole: Extent = False
    for extent in extents:
        if extent is True:
            return True
        if isinstance(extent, Q):
            whole = extent if whole is False else whole | extent  # type: ignore[operator]
    return whole


def every(extents: Iterable[Extent]) -> Extent:
    whole: Extent = True
    for extent in extents:
        if extent is False:
            return False
        if isinstance(extent, Q):
            whole = extent if whole is True else whole & extent  # type: ignore[operator]
    return whole


def negated(extent: Extent) -> Extent:
    return ~extent if isinstance(extent, Q) else not extent

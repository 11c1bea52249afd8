"""Policies as database filters: the rows of a table that a principal may see or act on.

The same statements, resources and conditions as `PolicySet.decide` reads, turned into one `Q`. A test
draws policies and rows at random and proves that both say the same about every row.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import (
    BooleanField,
    CharField,
    Exists,
    ExpressionWrapper,
    ForeignKey,
    Lookup,
    Q,
    QuerySet,
    Transform,
)

from access.rules import arns
from access.rules.conditions import TAG_KEY, Condition, folded
from access.rules.globs import has_wildcard, is_like, residuals, tidied
from access.rules.policies import PolicySet, Side

Rows = TypeVar("Rows", bound="QuerySet[Any]")

# What holds for every row, for none, or for those of a filter.
Extent = Q | bool

# SQLite reads `a OR b OR c` as a tree as deep as it is long, and takes none deeper than 1000: longer rows
# of terms are bracketed by so many.
BRANCHES = 20


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
    translate = Translation(scoped, account, context)
    rulings = [policies.ruling(action, scoped.type) for action in actions]
    allows = distinct(one.allows.without(open_keys, is_deny=False) for one in rulings)
    denies = distinct(one.denies.without(open_keys, is_deny=True) for one in rulings)
    allowed = any_of(extent for side in allows for extent in translate.side(side))
    denied = any_of(extent for side in denies for extent in translate.side(side))
    return every([allowed, negated(denied)])


def distinct(sides: Iterable[Side]) -> Iterable[Side]:
    """Several actions are often what the very same statements are about: those are said once."""
    return {
        (*map(id, side.plain), *((id(one), conditions) for one, conditions in side.conditional)): side
        for side in sides
    }.values()


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
        """Any of the patterns: those of one region together, and regions with the same ids."""
        ids: dict[str, list[str]] = {}
        for pattern in dict.fromkeys(patterns):
            if pattern == "*":
                return True
            arn = arns.split(pattern)
            if arn is None or not self.is_ours(arn):
                continue
            rests = residuals(arn.relative_id, f"{self.scoped.type}/")
            ids.setdefault(tidied(arn.region), []).extend(rests)
        regions: dict[tuple[str, ...], list[str]] = {}
        for region, rests in ids.items():
            regions.setdefault(tuple(dict.fromkeys(rests)), []).append(region)
        return any_of(
            every([self.region(patterns), matching(self.scoped.id, rests)])
            for rests, patterns in regions.items()
        )

    def is_ours(self, arn: arns.Arn) -> bool:
        constant = ((arn.scheme, "acs"), (arn.service, self.scoped.service), (arn.account, self.account))
        return all(is_like(pattern, text) for pattern, text in constant)

    def region(self, patterns: list[str]) -> Extent:
        if self.scoped.region:
            return matching(self.scoped.region, patterns)
        is_left_empty = "" in patterns and self.scoped.service in arns.REGIONLESS
        return is_left_empty or any(is_like(pattern, "*") for pattern in patterns)

    def condition(self, condition: Condition) -> Extent:
        if not condition.key.startswith(TAG_KEY) or self.scoped.tags is None:
            return condition.holds(self.context)
        tags = self.scoped.tags(condition.key.removeprefix(TAG_KEY))
        has_value = Q(Exists(tags.filter(tag_values(condition, tags))))
        return ~has_value if condition.is_negative else has_value


def tag_values(condition: Condition, tags: "QuerySet[Any]") -> Q:
    """The positive test on a tag's value. What the database cannot compare is compared here, value by value."""
    if condition.positive == "StringEquals":
        return Q(value__among=condition.values)
    if condition.positive == "StringEqualsIgnoreCase":
        return Q(value__folded__among=[folded(value) for value in condition.values])
    if condition.positive == "StringLike":
        return whole(matching("value", condition.values))
    values = tags.model.objects.filter(key=key_of(condition)).values_list("value", flat=True).distinct()
    return Q(value__among=[value for value in values if condition.passes_positive(value)])


def key_of(condition: Condition) -> str:
    return condition.key.removeprefix(TAG_KEY)


def whole(extent: Extent) -> Q:
    return extent if isinstance(extent, Q) else (Q() if extent else Q(pk__in=[]))


# --- Patterns on a column ---


def matching(field: str, patterns: Iterable[str]) -> Extent:
    """The rows where a column is like one of the patterns."""
    distinct = dict.fromkeys(map(tidied, patterns))
    if "*" in distinct:
        return True
    like = [one for one in distinct if has_wildcard(one)]
    equal = [one for one in distinct if not has_wildcard(one)]
    extents: list[Extent] = []
    if like:
        extents.append(Q(**{f"{field}__glob": like}))
    if equal:
        extents.append(Q(**{f"{field}__among": equal}))
    return any_of(extents)


class OneOfMany(Lookup):
    """Compares a column with a list of texts, sent as one parameter: a statement's length and the number
    of its parameters do not grow with policies."""

    # They are texts already; a field would make one text of the list.
    prepare_rhs = False

    def texts(self) -> list[str]:
        return list(self.rhs)


@CharField.register_lookup
@ForeignKey.register_lookup
class Among(OneOfMany):
    """Equal to one of them."""

    lookup_name = "among"

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} IN (SELECT value FROM json_each(%s))", [  # noqa: S608 - a column's name
            *parameters,
            json.dumps(self.texts()),
        ]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*parameters, self.texts()]


# On a foreign key the column is compared, without a join: ids are texts here.
@CharField.register_lookup
@ForeignKey.register_lookup
class Glob(OneOfMany):
    """Like one of them, with `*` and `?` with case: GLOB on SQLite, LIKE on PostgreSQL, which alone respects case there."""

    lookup_name = "glob"

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        patterns = [one.replace("[", "[[]") for one in self.texts()]
        if len(patterns) <= BRANCHES:
            # Short lists are compared faster one by one.
            each = " OR ".join([f"{left} GLOB %s"] * len(patterns))
            return f"({each})", [text for one in patterns for text in (*parameters, one)]
        like = f"EXISTS (SELECT 1 FROM json_each(%s) WHERE {left} GLOB json_each.value)"  # noqa: S608
        return like, [json.dumps(patterns), *parameters]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        patterns = [re_escape(one).replace("*", "%").replace("?", "_") for one in self.texts()]
        return f"{left} LIKE ANY(%s)", [*parameters, patterns]


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
    return joined(extents, Q.OR, neutral=False)


def every(extents: Iterable[Extent]) -> Extent:
    return joined(extents, Q.AND, neutral=True)


def joined(extents: Iterable[Extent], connector: str, *, neutral: bool) -> Extent:
    terms: list[Any] = []
    for extent in extents:
        if isinstance(extent, Q):
            is_same = extent.connector == connector and not extent.negated
            terms += extent.children if is_same else [extent]
        elif extent is not neutral:
            return extent
    while len(terms) > BRANCHES:
        rows = [terms[at : at + BRANCHES] for at in range(0, len(terms), BRANCHES)]
        terms = [bracketed(Q(*row, _connector=connector)) for row in rows]
    return Q(*terms, _connector=connector) if terms else neutral


def bracketed(terms: Q) -> Q:
    """The same as one term, which Django does not merge with those around it."""
    return Q(ExpressionWrapper(terms, output_field=BooleanField()))


def negated(extent: Extent) -> Extent:
    return ~extent if isinstance(extent, Q) else not extent

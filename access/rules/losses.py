"""What somebody may no longer do when their policies change."""

from collections.abc import Iterable

from access.rules.actions import ALL, Action
from access.rules.policies import Effect, PolicySet, Statement


def lost(before: PolicySet, after: PolicySet) -> list[Action]:
    """The actions of this console of which less is allowed after than before, on some resource.

    Patterns are compared, not all the resources there are: a statement is taken to be replaced by one
    whose pattern covers its pattern, with no further condition.
    """
    comparison = Comparison()
    known = set(before.statements)
    new = [one for one in after.statements if one not in known]
    return [action for action in ALL if is_less(before, after, new, action.name, comparison)]


def is_less(
    before: PolicySet, after: PolicySet, new: list[Statement], action: str, comparison: "Comparison"
) -> bool:
    if not before.names(action):
        return False
    kept = about(after.statements, action, Effect.ALLOW)
    denied_already = about(before.statements, action, Effect.DENY)
    allows = about(before.statements, action, Effect.ALLOW)
    denies = about(new, action, Effect.DENY)
    return not all(comparison.is_replaced(one, kept) for one in allows) or not all(
        comparison.is_replaced(one, denied_already) for one in denies
    )


def about(statements: Iterable[Statement], action: str, effect: Effect) -> list[Statement]:
    return [one for one in statements if one.effect is effect and one.names(action)]


class Comparison:
    """Which statements say as much as others: every pair is compared once, for however many actions."""

    def __init__(self) -> None:
        # The statements are kept with what was found, so that no other one gets their id.
        self._pairs: dict[tuple[int, int], tuple[Statement, Statement, frozenset[str]]] = {}
        self._answers: dict[tuple[int, ...], bool] = {}

    def is_replaced(self, statement: Statement, others: list[Statement]) -> bool:
        """Whether each of its resources is among those of one that asks for no more."""
        key = (id(statement), *map(id, others))
        if key not in self._answers:
            covered = (self.covered(statement, other) for other in others)
            self._answers[key] = frozenset(statement.resources) == frozenset().union(*covered)
        return self._answers[key]

    def covered(self, statement: Statement, other: Statement) -> frozenset[str]:
        key = (id(statement), id(other))
        if key not in self._pairs:
            self._pairs[key] = (statement, other, covered_patterns(statement, other))
        return self._pairs[key][2]


def covered_patterns(statement: Statement, other: Statement) -> frozenset[str]:
    """The statement's patterns that the other one covers, asking for no more.

    A wildcard of a pattern, read as a character, is covered by a wildcard of the other alone.
    """
    if not set(other.conditions) <= set(statement.conditions):
        return frozenset()
    own = frozenset(statement.resources)
    return own.intersection(other.resources) | frozenset(filter(other.covers, own))

"""What somebody may no longer do when their policies change."""

from access.rules.actions import ALL, Action
from access.rules.policies import Effect, PolicySet, Statement


def lost(before: PolicySet, after: PolicySet) -> list[Action]:
    """The actions of this console of which less is allowed after than before, on some resource.

    Patterns are compared, not all the resources there are: a statement is taken to be replaced by one
    whose pattern covers its pattern, with no further condition.
    """
    return [action for action in ALL if is_less(before, after, action.name)]


def is_less(before: PolicySet, after: PolicySet, action: str) -> bool:
    if not before.names(action):
        return False
    kept = about(after, action, Effect.ALLOW)
    new_denies = [one for one in about(after, action, Effect.DENY) if one not in before.statements]
    denied_already = about(before, action, Effect.DENY)
    return any(not is_replaced(one, kept) for one in about(before, action, Effect.ALLOW)) or any(
        not is_replaced(one, denied_already) for one in new_denies
    )


def about(policies: PolicySet, action: str, effect: Effect) -> list[Statement]:
    return [one for one in policies.statements if one.effect is effect and one.names(action)]


def is_replaced(statement: Statement, others: list[Statement]) -> bool:
    """Whether each of its resources is among those of one that asks for no more."""
    return all(
        any(
            covers_pattern(other, resource) and set(other.conditions) <= set(statement.conditions)
            for other in others
        )
        for resource in statement.resources
    )


def covers_pattern(statement: Statement, pattern: str) -> bool:
    """A wildcard of the pattern, read as a character, is covered by a wildcard of the statement alone."""
    return pattern in statement.resources or statement.covers(pattern)

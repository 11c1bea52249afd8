"""Who holds which policies, of their own or through a group, and who may take on a role."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import QuerySet

from access.models import Policy, PolicyAttachment, Role, User
from access.operations.identities import InForce, memory
from access.querysets import UserQuerySet
from access.rules.policies import Effect, PolicySet
from access.scopes import arn

ASSUME_ROLE = "sts:AssumeRole"


class Holding(NamedTuple):
    """A policy in the hands of a user, and the attachment through which it came there."""

    user_id: int
    attachment_id: int
    # The group whose member the user is; none where the policy is the user's own.
    group_id: int | None
    policy: InForce


def holdings(users: "QuerySet[User]") -> Iterator[Holding]:
    """Every policy that counts for each of the users, in three queries.

    Who they are is asked first: as one query, the database may choose to ask it again for every attachment.
    """
    pks = list(users.order_by().values_list("pk", flat=True))
    columns = ("pk", "group_id", "policy__name", "policy__version", "policy__updated_at")
    own = PolicyAttachment.objects.filter(user__in=pks).values_list("user_id", *columns)
    through = PolicyAttachment.objects.filter(group__user__in=pks).values_list("group__user", *columns)
    for rows in (own, through):
        for user_id, pk, group_id, *policy in rows:
            yield Holding(user_id, pk, group_id, InForce(*policy))


def takers(role: Role) -> "UserQuerySet":
    """The active users, administrators apart, whose policies let them take on the role.

    Conditions are left open: under some of them the user may take it on.
    """
    rows = Policy.objects.values_list("pk", "name", "version", "updated_at")
    policies = {InForce(name, version, updated_at): pk for pk, name, version, updated_at in rows}
    pks = {policy.name: pk for policy, pk in policies.items()}
    resource = arn("ram", "role", role.name)
    statements = policies_in_force(policies).statements
    about = [one for one in statements if one.names(ASSUME_ROLE) and one.covers(resource)]
    allowing = {pks[one.policy] for one in about if one.effect is Effect.ALLOW}
    denying = {pks[one.policy] for one in about if one.effect is Effect.DENY and not one.conditions}
    users = User.objects.get_queryset().filter(is_active=True, is_superuser=False)
    return users.holding(allowing).exclude(pk__in=users.holding(denying).values("pk"))


def policies_in_force(policies: Iterable[InForce]) -> PolicySet:
    """What they say together; read once per process."""
    return memory.policies(tuple(sorted(set(policies))))

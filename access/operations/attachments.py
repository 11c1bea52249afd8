"""Policies at users, groups and roles."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from access import followups
from access.models import Policy, PolicyAttachment, Role, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_administrator
from access.operations.held_users import held_user
from access.operations.losses import check_confirmed, losses_of_detaching
from access.principals import Principal
from access.scopes import arn
from console.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Place:
    """Where a policy is, or is to be, attached: a user, a group or a role."""

    kind: str
    name: str
    row: User | Group | Role

    @classmethod
    def of(cls, *, user: User | None = None, group: Group | None = None, role: Role | None = None) -> Self:
        """The one that is given. Raises ValueError, a mistake of the caller, for none and for several."""
        places = [
            *([cls("user", user.username, user)] if user else []),
            *([cls("group", group.name, group)] if group else []),
            *([cls("role", role.name, role)] if role else []),
        ]
        [place] = places
        return place

    @property
    def arn(self) -> str:
        return arn("ram", self.kind, self.name)

    @property
    def as_word(self) -> dict[str, Any]:
        """As the keyword of operations, and as a filter of attachments."""
        return {self.kind: self.row}

    @property
    def attach_action(self) -> str:
        return f"ram:AttachPolicyTo{self.kind.capitalize()}"

    @property
    def detach_action(self) -> str:
        return f"ram:DetachPolicyFrom{self.kind.capitalize()}"


@operation("ram:AttachPolicyToUser")
def attach_policies(
    principal: Principal,
    policies: Iterable[Policy],
    *,
    user: User | None = None,
    group: Group | None = None,
    role: Role | None = None,
) -> None:
    """Attach several at once: all of them, or none where one is refused."""
    for policy in policies:
        attach_policy(principal, policy, user=user, group=group, role=role)


# The place says which of three actions it is; one of them stands here for all.
@operation("ram:AttachPolicyToUser")
def attach_policy(
    principal: Principal,
    policy: Policy,
    *,
    user: User | None = None,
    group: Group | None = None,
    role: Role | None = None,
) -> PolicyAttachment:
    """Let a policy count for one user, the members of one group, or in one role. Twice is once."""
    place = Place.of(user=user, group=group, role=role)
    authorize_place(principal, place.attach_action, policy, place)

    attachment, is_new = PolicyAttachment.objects.get_or_create(
        policy=policy, **place.as_word, defaults={"created_by": principal.name}
    )
    if is_new:
        record(principal, place.attach_action, place.name, policy=policy.name)
        followups.access_changed()
    return attachment


@operation("ram:DetachPolicyFromUser")
def detach_policy(
    principal: Principal,
    policy: Policy,
    *,
    user: User | None = None,
    group: Group | None = None,
    role: Role | None = None,
    confirmed: bool = False,
) -> None:
    """Let it count there no more. Raises NotConfirmed where somebody loses something, NotFound if it is not there."""
    place = Place.of(user=user, group=group, role=role)
    authorize_place(principal, place.detach_action, policy, place)

    attachment = PolicyAttachment.objects.filter(policy=policy, **place.as_word).first()
    if attachment is None:
        facts = {"policy": policy.name, "kind": place.kind, "name": place.name}
        raise NotFound(_("The policy %(policy)s is not attached to the %(kind)s %(name)s.") % facts)
    check_confirmed(losses_of_detaching(principal, attachment), confirmed=confirmed)
    attachment.delete()

    record(principal, place.detach_action, place.name, policy=policy.name)
    followups.access_changed()


def authorize_place(principal: Principal, action: str, policy: Policy, place: Place) -> None:
    """On both, the policy and where it goes."""
    if isinstance(place.row, User) and held_user(place.row).is_superuser:
        authorize_administrator(principal, action)
    authorize(principal, action, arn("ram", "policy", policy.name), place.arn)

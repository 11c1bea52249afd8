"""Groups: users who share policies."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from access import followups
from access.errors import EntityExists
from access.models import User
from access.operations.attachments import Place, authorize_place
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_administrator
from access.operations.held_users import held_user
from access.operations.losses import check_confirmed, losses_of_group, losses_of_leaving
from access.operations.names import check_name, check_name_free
from access.principals import Principal
from access.scopes import GROUPS, arn, scope


def visible_groups(principal: Principal) -> "QuerySet[Group]":
    """Those that the principal may see: a group is Django's model and brings no question of ours."""
    return scope(principal, Group.objects.order_by("name"), "ram:ListGroups", on=[GROUPS])


@operation("ram:CreateGroup")
def create_group(principal: Principal, name: str) -> Group:
    """Make an empty group. Raises InvalidParameter and EntityExists."""
    authorize(principal, "ram:CreateGroup", arn("ram", "group", name))

    check_name(name)
    check_name_free(Group.objects.all(), "name", name)
    try:
        with transaction.atomic():
            group = Group.objects.create(name=name)
    except IntegrityError as error:
        raise EntityExists(_("The name %(name)s is taken.") % {"name": name}, field="name") from error

    record(principal, "ram:CreateGroup", name)
    followups.access_changed()
    return group


@operation("ram:UpdateGroup")
def rename_group(principal: Principal, group: Group, name: str) -> Group:
    """Call a group something else. Policies that name it go on naming the old name."""
    authorize(principal, "ram:UpdateGroup", arn("ram", "group", group.name), arn("ram", "group", name))

    before = group.name
    check_name(name)
    check_name_free(Group.objects.exclude(pk=group.pk), "name", name)
    group.name = name
    group.save(update_fields=["name"])

    record(principal, "ram:UpdateGroup", before, renamed_to=name)
    followups.access_changed()
    return group


@operation("ram:DeleteGroup")
def delete_group(principal: Principal, group: Group, *, confirmed: bool = False) -> None:
    """Delete a group; its members stay. Raises NotConfirmed where one of them loses something by it."""
    authorize(principal, "ram:DeleteGroup", arn("ram", "group", group.name))
    # A policy of the group may also forbid: taking it away is a permission of its own.
    for held in group.attachments.select_related("policy"):
        authorize_place(principal, "ram:DetachPolicyFromGroup", held.policy, Place.of(group=group))

    check_confirmed(losses_of_group(principal, group), confirmed=confirmed)
    members = list(group.user_set.order_by("username").values_list("username", flat=True))
    policies = list(group.attachments.order_by("policy__name").values_list("policy__name", flat=True))
    name = group.name
    group.delete()

    record(principal, "ram:DeleteGroup", name, members=members, policies=policies)
    followups.access_changed()


@operation("ram:AddUserToGroup")
def add_users_to_groups(principal: Principal, *, users: Iterable[User], groups: Iterable[Group]) -> None:
    """Put each of the users into each of the groups: all of them, or none where one is refused."""
    wanted = list(groups)
    for user in users:
        for group in wanted:
            add_user_to_group(principal, user, group)


@operation("ram:AddUserToGroup")
def add_user_to_group(principal: Principal, user: User, group: Group) -> None:
    """Let the group's policies count for the user. Twice is once."""
    authorize_member(principal, "ram:AddUserToGroup", user, group)

    if user.groups.filter(pk=group.pk).exists():
        return
    user.groups.add(group)

    record(principal, "ram:AddUserToGroup", user.username, group=group.name)
    followups.access_changed()


@operation("ram:RemoveUserFromGroup")
def remove_user_from_group(
    principal: Principal, user: User, group: Group, *, confirmed: bool = False
) -> None:
    """Let them count no more. Raises NotConfirmed where the user loses something by it. Twice is once."""
    authorize_member(principal, "ram:RemoveUserFromGroup", user, group)

    if not user.groups.filter(pk=group.pk).exists():
        return
    check_confirmed(losses_of_leaving(principal, user, group), confirmed=confirmed)
    user.groups.remove(group)

    record(principal, "ram:RemoveUserFromGroup", user.username, group=group.name)
    followups.access_changed()


def authorize_member(principal: Principal, action: str, user: User, group: Group) -> None:
    held = held_user(user)
    if held.is_superuser:
        authorize_administrator(principal, action)
    authorize(principal, action, arn("ram", "user", held.username), arn("ram", "group", group.name))

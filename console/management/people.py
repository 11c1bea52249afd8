"""Users, groups, roles and policies by the names that commands are given; those that may be seen."""

from argparse import ArgumentParser
from typing import Any, TypedDict

from django.contrib.auth.models import Group
from django.db.models import Q

from access.models import Policy, Role, User
from access.operations.groups import visible_groups
from access.principals import Principal
from console.kit.errors import NotFound


class PlaceWords(TypedDict, total=False):
    """Where a policy is to be attached, as operations take it: one of them."""

    user: User
    group: Group
    role: Role


def add_place(parser: ArgumentParser) -> None:
    places = parser.add_mutually_exclusive_group(required=True)
    places.add_argument("--user", metavar="NAME")
    places.add_argument("--group", metavar="NAME")
    places.add_argument("--role", metavar="NAME")


def place_named(principal: Principal, options: dict[str, Any]) -> PlaceWords:
    if options["user"] is not None:
        return {"user": user_named(principal, options["user"])}
    if options["group"] is not None:
        return {"group": group_named(principal, options["group"])}
    return {"role": role_named(principal, options["role"])}


def user_named(principal: Principal, name: str) -> User:
    """Oneself is found always."""
    visible = User.objects.visible_to(principal).order_by().values("pk")
    users = User.objects.filter(Q(pk__in=visible) | Q(pk=principal.user_id))
    user = users.filter(username=name).first()
    if user is None:
        raise NotFound(f"There is no user {name!r}.")
    return user


def group_named(principal: Principal, name: str) -> Group:
    group = visible_groups(principal).filter(name=name).first()
    if group is None:
        raise NotFound(f"There is no group {name!r}.")
    return group


def role_named(principal: Principal, name: str) -> Role:
    role = Role.objects.visible_to(principal).filter(name=name).first()
    if role is None:
        raise NotFound(f"There is no role {name!r}.")
    return role


def policy_named(principal: Principal, name: str) -> Policy:
    policy = Policy.objects.visible_to(principal).filter(name=name).first()
    if policy is None:
        raise NotFound(f"There is no policy {name!r}.")
    return policy

"""The names of resources here, and the rows of a table that somebody may see.

A room says once where a table keeps what its resources' names are made of (`Scoped`), and its querysets'
`visible_to` call `scope` with it.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from access.principals import Principal
from access.rules.scoping import Extent, Scoped, every, permitted

Rows = TypeVar("Rows", bound="QuerySet[Any]")

USERS = Scoped("ram", "user", id="username")
GROUPS = Scoped("ram", "group", id="name")
ROLES = Scoped("ram", "role", id="name")
POLICIES = Scoped("ram", "policy", id="name")


def arn(service: str, resource_type: str, resource_id: str, *, region: str = "*") -> str:
    """The name of a resource of this installation: `acs:ecs:<region>:<account>:<type>/<id>` (CA-238)."""
    return f"acs:{service}:{region}:{settings.ACCOUNT_ID}:{resource_type}/{resource_id}"


def extent(
    principal: Principal, *actions: str, on: Iterable[Scoped], open_keys: frozenset[str] = frozenset()
) -> Extent:
    """The same as a filter: what holds for the rows that may be seen; True for all, False for none."""
    if principal.is_administrator:
        return True
    return every(
        permitted(
            principal.policies,
            actions,
            scoped,
            account=settings.ACCOUNT_ID,
            context=principal.context,
            open_keys=open_keys,
        )
        for scoped in on
    )


def scope(
    principal: Principal,
    rows: Rows,
    *actions: str,
    on: Iterable[Scoped],
    open_keys: frozenset[str] = frozenset(),
) -> Rows:
    """Those of `rows` on which one of the actions is allowed and none denied, for all resources in `on`."""
    seen = extent(principal, *actions, on=on, open_keys=open_keys)
    if isinstance(seen, bool):
        return rows if seen else rows.none()
    return rows.filter(seen)

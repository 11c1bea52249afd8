"""Roles: permissions that users take on for some time, in the place of their own."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import followups, limits
from access.errors import EntityExists
from access.models import Role
from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.losses import check_confirmed, losses_in_role
from access.operations.names import check_name, check_name_free
from access.principals import Principal
from access.scopes import arn
from console.kit.errors import InvalidParameter


@operation("ram:CreateRole")
def create_role(
    principal: Principal,
    name: str,
    *,
    description: str = "",
    max_session: timedelta = limits.ROLE_SESSION_DEFAULT,
) -> Role:
    """Make a role without policies. Raises InvalidParameter and EntityExists."""
    authorize(principal, "ram:CreateRole", arn("ram", "role", name))

    check_name(name)
    check_name_free(Role.objects.all(), "name", name)
    check_description(description)
    check_max_session(max_session)
    try:
        with transaction.atomic():
            role = Role.objects.create(
                name=name, description=description, max_session_seconds=int(max_session.total_seconds())
            )
    except IntegrityError as error:
        raise EntityExists(_("The name %(name)s is taken.") % {"name": name}, field="name") from error

    record(principal, "ram:CreateRole", name, max_session_seconds=role.max_session_seconds)
    followups.access_changed()
    return role


@operation("ram:UpdateRole")
def update_role(principal: Principal, role: Role, *, description: str, max_session: timedelta) -> Role:
    """Change what is said of a role and for how long it may be taken on from now on."""
    authorize(principal, "ram:UpdateRole", arn("ram", "role", role.name))

    check_description(description)
    check_max_session(max_session)
    role.description = description
    role.max_session_seconds = int(max_session.total_seconds())
    role.save(update_fields=["description", "max_session_seconds"])

    facts = {"description": description, "max_session_seconds": role.max_session_seconds}
    record(principal, "ram:UpdateRole", role.name, **facts)
    followups.access_changed()
    return role


@operation("ram:DeleteRole")
def delete_role(principal: Principal, role: Role, *, confirmed: bool = False) -> None:
    """Delete a role. Raises NotConfirmed where somebody could take it on and do something in it."""
    authorize(principal, "ram:DeleteRole", arn("ram", "role", role.name))

    check_confirmed(losses_in_role(principal, role), confirmed=confirmed)
    policies = list(role.attachments.order_by("policy__name").values_list("policy__name", flat=True))
    name = role.name
    role.delete()

    record(principal, "ram:DeleteRole", name, policies=policies)
    followups.access_changed()


def check_description(description: str) -> None:
    if len(description) > limits.DESCRIPTION_CHARACTERS:
        message = _("The description has at most %(most)d characters.")
        raise InvalidParameter(message % {"most": limits.DESCRIPTION_CHARACTERS}, field="description")


def check_max_session(max_session: timedelta) -> None:
    if not limits.ROLE_SESSION_LEAST <= max_session <= limits.ROLE_SESSION_MOST:
        message = _("The longest session is 15 minutes to 12 hours.")
        raise InvalidParameter(message, field="max_session")

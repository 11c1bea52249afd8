"""Taking on a role in the console, for some time."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from access import limits
from access.errors import RoleTaken
from access.models import Role
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_own
from access.principals import Principal
from access.rules.marks import TakenRole
from access.scopes import arn
from console.kit.errors import InvalidParameter


@operation("sts:AssumeRole")
def assume_role(principal: Principal, role: Role, *, duration: timedelta) -> TakenRole:
    """Act with a role's policies in the place of one's own, for as long as the role allows.

    What is returned belongs into the session. Raises RoleTaken where one is in a role already.
    """
    if principal.role:
        message = _("You are in the role %(name)s. Leave it first.")
        raise RoleTaken(message % {"name": principal.role})
    authorize(principal, "sts:AssumeRole", arn("ram", "role", role.name))

    if not limits.ROLE_SESSION_LEAST <= duration <= role.max_session:
        message = _("Say %(least)d to %(most)d minutes.")
        minutes = {"least": limits.ROLE_SESSION_LEAST.seconds // 60, "most": role.max_session_seconds // 60}
        raise InvalidParameter(message % minutes, field="duration")
    taken = TakenRole(role.pk, role.name, timezone.now() + duration)

    record(principal, "sts:AssumeRole", role.name, until=taken.until.isoformat(timespec="seconds"))
    return taken


@operation("sts:LeaveRole")
def leave_role(principal: Principal) -> None:
    """Be oneself again before the time is over. The session forgets the role. Without one nothing is done."""
    authorize_own(principal)

    if not principal.role:
        return
    record(principal, "sts:LeaveRole", principal.role)


def role_in_force(principal: Principal, taken: TakenRole) -> Role | None:
    """The role, while its time lasts and the user, asked as themself, may still take it on."""
    if taken.until <= timezone.now():
        return None
    return Role.objects.assumable_by(principal).filter(pk=taken.id).first()

"""Users as they are now, held until the commit: what a caller knows of them may be older than their rights."""

from django.utils.translation import gettext as _

from access.models import User
from access.operations.decisions import authorize, authorize_administrator
from access.principals import Principal
from access.scopes import arn
from console.kit.errors import NotFound


def held_user(user: User) -> User:
    """The user's row, read anew and locked. Raises NotFound."""
    fresh = User.objects.select_for_update().filter(pk=user.pk).first()
    if fresh is None:
        raise gone(user)
    return fresh


def gone(user: User) -> NotFound:
    return NotFound(_("The user %(name)s is not there any more.") % {"name": user.username})


def authorize_user(principal: Principal, action: str, user: User) -> None:
    """On a held user; administrators are changed by administrators alone."""
    if user.is_superuser:
        authorize_administrator(principal, action)
    authorize(principal, action, arn("ram", "user", user.username))

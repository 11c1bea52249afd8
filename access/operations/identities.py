"""From users to principals."""

from django.utils.translation import gettext as _

from access.models import User
from access.principals import Door, Principal
from console.kit.errors import NotFound


def principal_for(user: User, door: Door, *, source_ip: str = "") -> Principal:
    return Principal(
        name=user.get_username(),
        door=door,
        user_id=user.pk,
        is_administrator=user.is_superuser,
        source_ip=source_ip,
    )


def principal_named(username: str, door: Door) -> Principal:
    """The principal of an active user; raises NotFound with a sentence for the command line."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound(_("There is no active user %(name)s.") % {"name": username})
    return principal_for(user, door)

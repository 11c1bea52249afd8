"""May this principal do this?

Until policies are here the rule is short: administrators do everything, everyone who is signed in reads.
"""

from django.utils.translation import gettext as _

from access.principals import Principal
from console.kit.errors import NotAllowed

READING = ("Describe", "List", "Get")


def authorize(principal: Principal, action: str, resource: str = "") -> None:
    """Raise NotAllowed unless `principal` may do `action` (the API's name, `RunCommand`) on `resource`."""
    if not may(principal, action):
        message = _("%(name)s may not do %(action)s. Ask an administrator of this console.")
        raise NotAllowed(
            message % {"name": principal.name, "action": action}, action=action, resource=resource
        )


def may(principal: Principal, action: str) -> bool:
    """The same as an answer, for buttons."""
    return principal.is_administrator or (principal.is_known and action.startswith(READING))

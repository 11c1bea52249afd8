"""Who came in, who left, who was not let in: what Django and axes tell, into the audit trail.

A visitor who fails learns nothing here: an entry is written for a name that is no user's as for one that is.
"""

from datetime import timedelta
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from access import limits
from access.models import AuditEntry, User
from access.operations.audit import append, entry
from access.principals import Door, Principal

ADMIN = "/admin/"


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **_signal: Any) -> None:
    append([entry(visitor(request, user.get_username()), "ram:SignIn", user.get_username(), {})])


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: User | None, **_signal: Any) -> None:
    # None for a visitor who was signed out already.
    if user is not None:
        append([entry(visitor(request, user.get_username()), "ram:SignOut", user.get_username(), {})])


@receiver(user_login_failed)
def refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any) -> None:
    # While a name is locked out, the lockout stands for every further try: nobody fills the trail from outside.
    if not getattr(request, "axes_locked_out", False):
        remember(refusal(request, str(credentials.get("username", "")), "ram:SignIn"))


@receiver(user_locked_out)
def locked_out(request: HttpRequest, username: str, **_signal: Any) -> None:
    # Sent again at every try while it lasts; the one that closed the door is the one to remember.
    failures = getattr(request, "axes_failures_since_start", None)
    if failures == settings.AXES_FAILURE_LIMIT:
        remember(refusal(request, username, "ram:LockOut", failures=failures))


def remember(failure: AuditEntry) -> None:
    """Write it, up to so many an hour from one address; the last one says that no more are written."""
    alike = AuditEntry.objects.filter(
        action__in=("ram:SignIn", "ram:LockOut"),
        outcome=AuditEntry.Outcome.REFUSED,
        source_ip=failure.source_ip,
        at__gt=failure.at - timedelta(hours=1),
    )
    n_written = alike.count()
    if n_written >= limits.FAILURES_REMEMBERED:
        return
    if n_written == limits.FAILURES_REMEMBERED - 1:
        failure.facts["further_failures"] = "not written: too many from this address within the hour"
    append([failure])


def refusal(request: HttpRequest | None, typed: str, action: str, **facts: int) -> AuditEntry:
    name = typed or "anonymous"
    return entry(visitor(request, name), action, name, facts, outcome=AuditEntry.Outcome.REFUSED)


def visitor(request: HttpRequest | None, name: str) -> Principal:
    """Who stands at the door under this name."""
    path = request.path if request else ""
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    door = Door.ADMIN if path.startswith(ADMIN) else Door.CONSOLE
    return Principal(name=name, door=door, source_ip=address)

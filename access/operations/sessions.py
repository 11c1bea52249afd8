"""Sessions: begin, look at, end."""

from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import PasswordPolicy, Session, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize_own
from access.operations.held_users import authorize_user, held_user
from access.principals import Principal
from console.kit.errors import NotFound


@operation("ram:SignIn")
def begin_session(principal: Principal, user: User, *, with_password: bool, second_factor: str) -> User:
    """Let somebody in who has proved who they are. A password that is too old has to be changed first.

    `second_factor` says what it was (`number`, `recovery code`, `provider`), empty for none. The sign-in
    itself is remembered by `access.receivers`.
    """
    authorize_own(principal)

    policy = PasswordPolicy.objects.current()
    if with_password and policy.has_expired(user.password_since, timezone.now()):
        user.must_change_password = True
        user.save(update_fields=["must_change_password"])
    # Here rather than by the clock: rows come only with people who sign in.
    Session.objects.filter(expire_date__lte=timezone.now()).delete()

    if second_factor == "recovery code":
        n_left = user.recovery_codes.filter(used_at=None).count()
        record(principal, "ram:UseRecoveryCode", user.get_username(), left=n_left)
    return user


@operation("ram:EndSession")
def end_session(principal: Principal, handle: str) -> Session:
    """End one of one's own sessions. Its browser is signed out with its next request."""
    authorize_own(principal)

    session = next((one for one in Session.objects.of(principal) if one.handle == handle), None)
    if session is None:
        raise NotFound(_("This session has ended already."))
    Session.objects.filter(pk=session.pk).delete()

    record(principal, "ram:EndSession", principal.name, sessions=1)
    return session


@operation("ram:EndSession")
def end_other_sessions(principal: Principal, *, keeping: str) -> int:
    """End all of one's own sessions but the one with this key. Returns how many."""
    authorize_own(principal)

    n_ended, _by_model = Session.objects.filter(user=principal.user_id).exclude(pk=keeping).delete()

    record(principal, "ram:EndSession", principal.name, sessions=n_ended)
    return n_ended


@operation("ram:UpdateLoginProfile")
def sign_out_everywhere(principal: Principal, user: User) -> int:
    """End all sessions of a user, as an administrator of users. Returns how many."""
    held = held_user(user)
    authorize_user(principal, "ram:UpdateLoginProfile", held)

    n_ended, _by_model = held.sessions.all().delete()

    record(principal, "ram:UpdateLoginProfile", held.get_username(), change="sessions", sessions=n_ended)
    return n_ended

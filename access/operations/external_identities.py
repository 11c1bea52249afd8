"""Single sign-on: which user of ours somebody is for whom the provider vouches.

By the provider's `sub` where it is linked to a user, else once by the e-mail address, else a new user
where the installation says so. Never by the name: at many providers people choose that themselves.
"""

from itertools import islice

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access import limits
from access.errors import SignOnRefused
from access.models import ExternalIdentity, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_own
from access.operations.held_users import authorize_user, held_user
from access.operations.names import RESERVED
from access.operations.users import create_user
from access.principals import Door, Principal
from access.rules.external_identities import Identity, is_same_email, usernames
from access.scopes import arn
from console.kit.errors import Conflict, NotFound

LINK = "ram:LinkExternalIdentity"
UNLINK = "ram:UnlinkExternalIdentity"
# More users than that with one name and nothing but a number behind it are not made.
NAMES_TRIED = 1000


def principal_single_sign_on(source_ip: str) -> Principal:
    """Who links and creates users while somebody is on the way in: nobody has signed in yet."""
    # No user can have this name: theirs hold no blanks.
    return Principal("single sign-on", Door.CONSOLE, is_administrator=True, source_ip=source_ip)


@operation(LINK)
def recognise(principal: Principal, identity: Identity, *, creates_users: bool) -> User:
    """The user whom the identity means, who may come in. Raises SignOnRefused with what to ask for."""
    authorize(principal, LINK)

    known = ExternalIdentity.objects.select_related("user").filter(
        issuer=identity.issuer, subject=identity.subject
    )
    link = known.first() or link_first_time(principal, identity, creates_users=creates_users)
    check_may_come_in(link, identity)
    link.label, link.used_at = identity.label, timezone.now()
    link.save(update_fields=["label", "used_at"])
    return link.user


def link_first_time(principal: Principal, identity: Identity, *, creates_users: bool) -> ExternalIdentity:
    users = users_with(principal, identity)
    fit = [user for user in users if user.is_active and user.console_access]
    if len(fit) == 1:
        return link_by_email(principal, identity, fit[0])
    # Somebody who was shut out does not come in again as somebody new.
    if creates_users and not users:
        return create_user_for(principal, identity)
    raise refusal_unknown(identity, among=len(fit))


def users_with(_principal: Principal, identity: Identity) -> list[User]:
    """The users with the e-mail address that the provider vouches for, locked."""
    if not identity.email.is_verified:
        return []
    address = identity.email.address
    alike = User.objects.select_for_update().filter(email__iexact=address).order_by("pk")
    return [user for user in alike if is_same_email(user.email, address)]


def link_by_email(principal: Principal, identity: Identity, user: User) -> ExternalIdentity:
    if user.is_superuser:
        raise refusal_administrator(identity)
    # The address has come to somebody else, or the provider has made its people anew.
    if ExternalIdentity.objects.filter(user=user, issuer=identity.issuer).exists():
        message = _(
            "%(user)s is linked to somebody else at the single sign-on provider. Ask %(user)s to sign in with "
            "the password and to remove that link under Your account, or ask an administrator."
        )
        raise SignOnRefused(message % {"user": user}, action=LINK, resource=arn("ram", "user", user.username))
    # Whoever made the user chose the address and may know the password: from now on the provider lets in.
    n_ended, _by_model = user.sessions.all().delete()
    had_password = user.has_usable_password()
    if had_password:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return create_link(
        principal, identity, user, by="email", sessions_ended=n_ended, password_removed=had_password
    )


def create_user_for(principal: Principal, identity: Identity) -> ExternalIdentity:
    """Somebody new: no permissions, and no password."""
    name = new_username(identity)
    # An address that nobody vouches for must not make its owner's link later.
    email = identity.email.address if identity.email.is_verified else ""
    display_name = identity.display_name[: limits.POLICY_NAME_CHARACTERS]
    new = create_user(principal, name, email=email, display_name=display_name)
    return create_link(principal, identity, new.user, by="creation")


def new_username(identity: Identity) -> str:
    """The best name for somebody that nobody has."""
    for name in islice(usernames(identity), NAMES_TRIED):
        if name.lower() not in RESERVED and not User.objects.filter(username__iexact=name).exists():
            return name
    raise refusal_unknown(identity, among=0)


def create_link(
    principal: Principal, identity: Identity, user: User, *, by: str, **more: int
) -> ExternalIdentity:
    try:
        with transaction.atomic():
            link = ExternalIdentity.objects.create(
                user=user, issuer=identity.issuer, subject=identity.subject
            )
    except IntegrityError as error:
        raise Conflict(_("The same is being done in another window at this moment. Try again.")) from error
    record(principal, LINK, user.username, **facts(identity), by=by, **more)
    return link


def check_may_come_in(link: ExternalIdentity, identity: Identity) -> None:
    user = link.user
    if not user.is_active or not user.console_access:
        message = _("%(user)s may not use the console. Ask an administrator to allow it.") % {"user": user}
        raise SignOnRefused(message, action=LINK, resource=arn("ram", "user", user.username))
    # Linked by an address and made an administrator since then.
    if user.is_superuser and not link.linked_by_user:
        raise refusal_administrator(identity)


def refusal_administrator(identity: Identity) -> SignOnRefused:
    """Or whoever runs the provider, and whoever can change addresses there, would administer here, too."""
    message = _(
        "Administrators link themselves: sign in with your password, open Your account, and link %(label)s there."
    )
    return SignOnRefused(message % {"label": identity.label}, action=LINK, resource="*", **facts(identity))


def refusal_unknown(identity: Identity, *, among: int) -> SignOnRefused:
    words = {"label": identity.label, "email": identity.email.address}
    if among:
        message = _(
            "Several users have the e-mail address %(email)s. Ask an administrator to leave it to one."
        )
    elif identity.email.is_verified:
        message = _(
            "The single sign-on provider knows you as %(label)s, but nobody here does. Ask an administrator for "
            "a user with console access and the e-mail address %(email)s."
        )
    else:
        message = _(
            "The single sign-on provider knows you as %(label)s, but vouches for no e-mail address. Ask an "
            "administrator for a user with a password, sign in with it, and link yourself under Your account."
        )
    return SignOnRefused(message % words, action=LINK, resource="*", **facts(identity))


def facts(identity: Identity) -> dict[str, str]:
    return {"issuer": identity.issuer, "subject": identity.subject, "label": identity.label}


# --- By one's own hand ---


@operation(LINK)
def link_own(principal: Principal, identity: Identity) -> ExternalIdentity:
    """Let the identity sign in as the principal from now on. Raises Conflict."""
    authorize_own(principal)

    user = own_user(principal)
    of_identity = ExternalIdentity.objects.filter(issuer=identity.issuer, subject=identity.subject).first()
    if of_identity is not None and of_identity.user_id != user.pk:
        raise Conflict(_("%(label)s is linked to another user already.") % {"label": identity.label})
    own = ExternalIdentity.objects.filter(user=user, issuer=identity.issuer).first()
    if own is not None and own.subject != identity.subject:
        message = _("You are linked to %(label)s already. Remove that link first.")
        raise Conflict(message % {"label": own.label or own.subject})

    link, _is_new = ExternalIdentity.objects.update_or_create(
        user=user,
        issuer=identity.issuer,
        subject=identity.subject,
        defaults={"linked_by_user": True, "label": identity.label},
    )
    record(principal, LINK, user.username, **facts(identity), by="user")
    return link


def own_user(principal: Principal) -> User:
    """The row of who asks, locked."""
    assert principal.user_id is not None  # noqa: S101 - nobody else is let in
    return User.objects.select_for_update().get(pk=principal.user_id)


@operation(UNLINK)
def unlink(principal: Principal, user: User, issuer: str) -> None:
    """Take a link away, one's own or another's. Raises NotFound, and Conflict where one would lock oneself out."""
    held = held_user(user)
    check_may_unlink(principal, held)

    link = ExternalIdentity.objects.select_for_update().filter(user=user, issuer=issuer).first()
    if link is None:
        raise NotFound(_("%(user)s is not linked to the single sign-on provider.") % {"user": user})
    if held.pk == principal.user_id and not held.has_usable_password():
        raise Conflict(
            _("You have no password to sign in with instead. Ask an administrator to set one first.")
        )

    link.delete()
    record(principal, UNLINK, user.username, issuer=issuer, subject=link.subject, label=link.label)


def check_may_unlink(principal: Principal, user: User) -> None:
    if user.pk == principal.user_id:
        authorize_own(principal)
    else:
        authorize_user(principal, UNLINK, user)

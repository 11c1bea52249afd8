"""Users: make, change, switch off and on, delete (CA-222 to CA-225)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import followups, limits
from access.errors import EntityExists, LastAdministrator
from access.models import AccessKey, PasswordPolicy, Policy, User
from access.operations.attachments import attach_policy
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_administrator
from access.operations.groups import add_user_to_group
from access.operations.held_users import authorize_user, gone
from access.operations.losses import check_own_confirmed
from access.operations.names import check_name, check_name_free
from access.operations.passwords import check_password, new_password_for
from access.principals import Principal
from access.scopes import arn
from console.kit.errors import InvalidParameter


class UserFields(TypedDict, total=False):
    """What a user is beside the name (CA-223). Where a field is not given it stays as it is."""

    display_name: str
    email: str
    console_access: bool
    api_access: bool
    must_use_second_factor: bool
    is_administrator: bool


# Who may come in and how: a permission of its own, as in the API. By the e-mail address single sign-on
# knows whom it means.
SIGN_IN_RULES = frozenset({"console_access", "api_access", "must_use_second_factor", "email"})
# What one may take from oneself only on purpose.
OWN_WARNINGS = {
    "is_administrator": gettext_lazy(
        "You would not be an administrator any more. Confirm that this is meant."
    ),
    "console_access": gettext_lazy(
        "You would be signed out and could not sign in. Confirm that this is meant."
    ),
    "api_access": gettext_lazy("Your access keys would not work any more. Confirm that this is meant."),
}
DISABLE_WARNING = gettext_lazy(
    "You would be signed out, and neither you nor your access keys could come in. Confirm that this is meant."
)
DELETE_WARNING = gettext_lazy("This deletes you yourself. Confirm that this is meant.")


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user with the password that was made for them, which is known here and never again (CA-224)."""

    user: User
    # Empty where none was made.
    password: str = field(default="", repr=False)


def create_user(
    principal: Principal,
    username: str,
    *,
    password: str = "",
    generate_password: bool = False,
    must_change_password: bool = False,
    groups: Iterable[Group] = (),
    policies: Iterable[Policy] = (),
    **fields: Unpack[UserFields],
) -> NewUser:
    """Make a user, who may do what the groups and policies allow, or, as an administrator, everything.

    With neither a password nor a made one nobody signs in as the user by password.
    Raises InvalidParameter and EntityExists.
    """
    check_new_user(principal, username, fields)
    user = User(username=username, **columns_of(fields))
    if password:
        check_password(user, password)
    made = new_password_for(PasswordPolicy.objects.current()) if generate_password else ""
    # Hashed before the transaction: for that long nobody else could write.
    user.set_password(made or password or None)
    user.must_change_password = must_change_password and user.has_usable_password()
    put_user(principal, user, fields, groups=groups, policies=policies)
    return NewUser(user, made)


@operation("ram:CreateUser")
def check_new_user(principal: Principal, username: str, fields: UserFields) -> None:
    """Refuse before anything is said about a password, and before the work of hashing it."""
    authorize(principal, "ram:CreateUser", arn("ram", "user", username))
    if fields.get("is_administrator"):
        authorize_administrator(principal, "ram:CreateUser")
    # By the e-mail address single sign-on knows whom it means.
    if fields.get("email"):
        authorize(principal, "ram:UpdateLoginProfile", arn("ram", "user", username))

    check_name(username)
    check_name_free(User.objects.all(), "username", username)
    check_fields(fields)


@operation("ram:CreateUser")
def put_user(
    principal: Principal,
    user: User,
    fields: UserFields,
    *,
    groups: Iterable[Group],
    policies: Iterable[Policy],
) -> None:
    """Write a user whose password is hashed already."""
    check_new_user(principal, user.username, fields)

    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        message = _("The name %(name)s is taken.") % {"name": user.username}
        raise EntityExists(message, field="name") from error

    record(
        principal, "ram:CreateUser", user.username, must_change_password=user.must_change_password, **fields
    )
    for group in groups:
        add_user_to_group(principal, user, group)
    for policy in policies:
        attach_policy(principal, policy, user=user)
    followups.access_changed()


@operation("ram:UpdateUser")
def update_user(
    principal: Principal, user: User, *, confirmed: bool = False, **fields: Unpack[UserFields]
) -> User:
    """Change what is given. Who may not use the console any more is signed out everywhere.

    So is who becomes an administrator: what was handed out until then counts no more (see `promoted`).
    Raises LastAdministrator, and NotConfirmed where one takes something from oneself.
    """
    held = hold_user(user)
    authorize_user(principal, "ram:UpdateUser", held.user)
    changed = {name: value for name, value in fields.items() if value_of(held.user, name) != value}
    if "is_administrator" in changed:
        authorize_administrator(principal, "ram:UpdateUser")
    if SIGN_IN_RULES.intersection(changed):
        authorize(principal, "ram:UpdateLoginProfile", arn("ram", "user", held.user.username))

    check_fields(fields)
    taken = [name for name in OWN_WARNINGS if changed.get(name) is False]
    if {"is_administrator", "console_access"}.intersection(taken):
        check_administrator_left(held)
    for name in taken:
        check_own_confirmed(principal, held.user, str(OWN_WARNINGS[name]), confirmed=confirmed)
    if not changed:
        return held.user

    columns = columns_of(changed)
    User.objects.filter(pk=held.user.pk).update(**columns)
    held.user.refresh_from_db()
    if not held.user.console_access:
        held.user.sessions.all().delete()
    facts = promoted(principal, held.user) if changed.get("is_administrator") else {}

    record(principal, "ram:UpdateUser", held.user.username, **changed, **facts)
    followups.access_changed()
    return held.user


@operation("ram:UpdateUser")
def disable_user(principal: Principal, user: User, *, confirmed: bool = False) -> User:
    """Let the user in through no door, and end what is open. Twice is once. Raises LastAdministrator."""
    held = hold_user(user)
    authorize_user(principal, "ram:UpdateUser", held.user)

    check_administrator_left(held)
    check_own_confirmed(principal, held.user, str(DISABLE_WARNING), confirmed=confirmed)
    if not held.user.is_active:
        return held.user
    held.user.is_active = False
    held.user.save(update_fields=["is_active"])
    # A session that was kept would live again when the user is enabled.
    held.user.sessions.all().delete()

    record(principal, "ram:UpdateUser", held.user.username, enabled=False)
    followups.access_changed()
    return held.user


@operation("ram:UpdateUser")
def enable_user(principal: Principal, user: User) -> User:
    """Let a disabled user in again. Twice is once."""
    held = hold_user(user)
    authorize_user(principal, "ram:UpdateUser", held.user)

    if held.user.is_active:
        return held.user
    held.user.is_active = True
    held.user.save(update_fields=["is_active"])

    record(principal, "ram:UpdateUser", held.user.username, enabled=True)
    followups.access_changed()
    return held.user


@operation("ram:DeleteUser")
def delete_user(principal: Principal, user: User, *, confirmed: bool = False) -> None:
    """Delete a user with access keys, sessions and attachments. What they ran stays.

    Raises LastAdministrator, and NotConfirmed for oneself.
    """
    held = hold_user(user)
    authorize_user(principal, "ram:DeleteUser", held.user)

    check_administrator_left(held)
    check_own_confirmed(principal, held.user, str(DELETE_WARNING), confirmed=confirmed)
    username = held.user.username
    facts = {
        "groups": list(held.user.groups.order_by("name").values_list("name", flat=True)),
        "policies": list(
            held.user.attachments.order_by("policy__name").values_list("policy__name", flat=True)
        ),
        "access_keys": list(held.user.access_keys.values_list("pk", flat=True)),
    }
    held.user.delete()

    record(principal, "ram:DeleteUser", username, **facts)
    followups.access_changed()


def promoted(_principal: Principal, user: User) -> dict[str, Any]:
    """Part of making a user an administrator: take back the ways in that others may know. Returns facts."""
    n_ended, _by_model = user.sessions.all().delete()
    keys = AccessKey.objects.filter(user=user, disabled=False)
    key_ids = list(keys.values_list("pk", flat=True))
    keys.update(disabled=True)
    # Others have set the password, or may have.
    user.must_change_password = user.has_usable_password()
    user.save(update_fields=["must_change_password"])
    return {
        "sessions_ended": n_ended,
        "access_keys_disabled": key_ids,
        "must_change_password": user.must_change_password,
    }


# --- Locks and checks ---


@dataclass(frozen=True, slots=True)
class HeldUser:
    """A user's row as it is now, held until the commit, and the other active administrators with it."""

    user: User
    others: tuple[User, ...]


def hold_user(user: User) -> HeldUser:
    """Lock the row, and those of all administrators: whoever counts them comes one after the other.

    All rows in one statement in the order of their keys: two callers cannot wait for each other.
    """
    concerned = User.objects.filter(Q(pk=user.pk) | Q(is_superuser=True))
    rows = {row.pk: row for row in concerned.order_by("pk").select_for_update()}
    fresh = rows.pop(user.pk, None)
    if fresh is None:
        raise gone(user)
    return HeldUser(fresh, tuple(row for row in rows.values() if row.is_active and row.is_superuser))


def check_administrator_left(held: HeldUser) -> None:
    """Raise LastAdministrator unless others can still do everything, and one of them can sign in."""
    if not (held.user.is_superuser and held.user.is_active):
        return
    can_sign_in = any(other.console_access for other in held.others)
    if not held.others or (held.user.console_access and not can_sign_in):
        message = _("%(name)s is the last administrator who can come in. Make another one first.")
        raise LastAdministrator(message % {"name": held.user.username})


def check_fields(fields: Mapping[str, Any]) -> None:
    if len(fields.get("display_name", "")) > limits.POLICY_NAME_CHARACTERS:
        message = _("The display name has at most %(most)d characters.")
        raise InvalidParameter(message % {"most": limits.POLICY_NAME_CHARACTERS}, field="display_name")
    if fields.get("email"):
        try:
            validate_email(fields["email"])
        except ValidationError as error:
            raise InvalidParameter(_("This is no e-mail address."), field="email") from error


def columns_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as columns: an administrator is Django's superuser, who alone sees the admin site."""
    columns = {name: value for name, value in fields.items() if name != "is_administrator"}
    if "is_administrator" in fields:
        columns |= {"is_superuser": fields["is_administrator"], "is_staff": fields["is_administrator"]}
    return columns


def value_of(user: User, name: str) -> Any:
    return user.is_superuser if name == "is_administrator" else getattr(user, name)

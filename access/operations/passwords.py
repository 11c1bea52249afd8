"""Passwords: one's own, those of others, and what all of them must be like."""

import secrets
import string
from typing import Any

from django.contrib.auth.hashers import check_password as is_made_from
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access import limits
from access.errors import PasswordRefused, PasswordWrong
from access.models import PasswordPolicy, UsedPassword, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_own
from access.operations.held_users import authorize_user, held_user
from access.principals import Principal
from console.kit.errors import InvalidParameter

GENERATED_CHARACTERS = 20
SIGNS = "!#%+-=?@_"


# --- Whose password it becomes ---

# A hash takes as long as it is meant to, and while SQLite's one writer holds its place nobody else writes:
# everything is compared and hashed first, then written in a transaction that looks whether it still holds.


def change_own_password(principal: Principal, *, old_password: str, new_password: str, keeping: str) -> User:
    """Give oneself a new password. All sessions end but the one with the key `keeping`.

    Raises PasswordWrong or PasswordRefused.
    """
    authorize_own(principal)
    user = User.objects.get(pk=principal.user_id or 0)
    if not user.check_password(old_password):
        raise wrong_password()
    check_password(user, new_password)
    before = user.password
    user.set_password(new_password)
    put_own_password(principal, user, before=before, keeping=keeping)
    return user


@operation("ram:ChangePassword")
def put_own_password(principal: Principal, user: User, *, before: str, keeping: str) -> None:
    """Write the password that `user` carries, if the hash that was compared still counts."""
    authorize_own(principal)

    if held_user(user).password != before:
        raise wrong_password()
    save_password(principal, user, must_change=False)
    user.sessions.exclude(session_key=keeping).delete()

    record(principal, "ram:ChangePassword", user.get_username())


def reset_password(
    principal: Principal, user: User, *, password: str | None = None, must_change: bool = True
) -> str:
    """Give somebody a password and end their sessions. Returns it, thought up where none is given.

    Raises PasswordRefused.
    """
    fresh = resettable(principal, user)
    if password is not None:
        check_password(fresh, password)
    chosen = new_password_for(PasswordPolicy.objects.current()) if password is None else password
    fresh.set_password(chosen)
    put_reset_password(principal, fresh, generated=password is None, must_change=must_change)
    return chosen


@operation("ram:UpdateLoginProfile")
def resettable(principal: Principal, user: User) -> User:
    """The user as they are now; refused before anything is said about a password, and before its hash."""
    fresh = held_user(user)
    authorize_user(principal, "ram:UpdateLoginProfile", fresh)
    return fresh


@operation("ram:UpdateLoginProfile")
def put_reset_password(principal: Principal, user: User, *, generated: bool, must_change: bool) -> None:
    """Write the password that `user` carries."""
    resettable(principal, user)

    save_password(principal, user, must_change=must_change)
    user.sessions.all().delete()

    facts = {"change": "password", "generated": generated, "must_change": must_change}
    record(principal, "ram:UpdateLoginProfile", user.get_username(), **facts)


def save_password(_principal: Principal, user: User, *, must_change: bool) -> None:
    """Part of an operation that has asked and checked."""
    user.must_change_password = must_change
    user.save(update_fields=["password", "must_change_password"])


def wrong_password() -> PasswordWrong:
    return PasswordWrong(_("This is not your password."), field="old_password")


# --- What all of them must be like ---


@operation("ram:SetPasswordPolicy")
def set_password_policy(
    principal: Principal,
    *,
    least_characters: int,
    needs_lower: bool,
    needs_upper: bool,
    needs_digit: bool,
    needs_symbol: bool,
    max_age_days: int,
    remembered: int,
) -> PasswordPolicy:
    """Say what passwords must be like from their next change on. Raises InvalidParameter."""
    authorize(principal, "ram:SetPasswordPolicy")

    check_between("least_characters", least_characters, limits.PASSWORD_LEAST, limits.PASSWORD_LEAST_MOST)
    check_between("max_age_days", max_age_days, 0, limits.PASSWORD_DAYS_MOST)
    check_between("remembered", remembered, 0, limits.PASSWORDS_REMEMBERED_MOST)

    values = {
        "least_characters": least_characters,
        "needs_lower": needs_lower,
        "needs_upper": needs_upper,
        "needs_digit": needs_digit,
        "needs_symbol": needs_symbol,
        "max_age_days": max_age_days,
        "remembered": remembered,
    }
    policy, _is_new = PasswordPolicy.objects.update_or_create(pk=1, defaults=values)

    record(principal, "ram:SetPasswordPolicy", "", **values)
    return policy


def check_password(user: User | None, password: str) -> None:
    """Raise PasswordRefused, with everything that is wrong with it, one sentence after the other."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages), field="password") from error


def check_between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        message = _("Say a whole number from %(least)d to %(most)d.") % {"least": least, "most": most}
        raise InvalidParameter(message, field=field)


def new_password_for(policy: PasswordPolicy) -> str:
    """A password of all kinds of characters, long enough for the policy."""
    kinds = [string.ascii_lowercase, string.ascii_uppercase, string.digits, SIGNS]
    letters = [secrets.choice(kind) for kind in kinds]
    n_characters = max(GENERATED_CHARACTERS, policy.least_characters)
    letters += [secrets.choice("".join(kinds)) for _each in range(n_characters - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


class PolicyValidator:
    """What Django asks of a password, whichever door it comes through: the policy, and those used before."""

    def validate(self, password: str, user: Any = None) -> None:
        policy = PasswordPolicy.objects.current()
        errors = []
        if len(password) > limits.PASSWORD_CHARACTERS:
            message = _("A password has at most %(most)d characters.")
            errors.append(message % {"most": limits.PASSWORD_CHARACTERS})
        if missing := policy.missing_in(password):
            errors.append(self.sentence(missing))
        if not errors and isinstance(user, User) and self.was_used(policy, password, user):
            message = ngettext(
                "This is your last password. Choose another one.",
                "This is one of your last %(n)d passwords. Choose another one.",
                policy.remembered,
            )
            errors.append(message % {"n": policy.remembered})
        if errors:
            raise ValidationError(errors)

    def get_help_text(self) -> str:
        return self.sentence(PasswordPolicy.objects.current().demands)

    def password_changed(self, _password: str, user: Any = None) -> None:
        """Told by Django after a user was saved with a new password."""
        if not isinstance(user, User):
            return
        user.password_changed_at = timezone.now()
        User.objects.filter(pk=user.pk).update(password_changed_at=user.password_changed_at)
        remembered = PasswordPolicy.objects.current().remembered
        if remembered:
            UsedPassword.objects.create(user=user, password=user.password)
        # Hashes that no policy asks for are only a danger.
        kept = user.used_passwords.values_list("pk", flat=True)[:remembered]
        user.used_passwords.exclude(pk__in=list(kept)).delete()

    @staticmethod
    def sentence(demands: list[str]) -> str:
        return _("A password needs %(demands)s.") % {"demands": get_text_list(demands, _("and"))}

    @staticmethod
    def was_used(policy: PasswordPolicy, password: str, user: User) -> bool:
        """Compares with the hashes that are kept, and with the one that counts now."""
        if not (policy.remembered and user.pk):
            return False
        used = user.used_passwords.values_list("password", flat=True)[: policy.remembered]
        return any(is_made_from(password, one) for one in {user.password, *used})

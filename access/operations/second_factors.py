"""Second factors: an app that shows numbers, and codes for when it is lost."""

import math
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access import limits
from access.errors import (
    NumberWrong,
    PasswordWrong,
    SecondFactorBound,
    SecondFactorMissing,
    TooManyTries,
)
from access.models import Authenticator, RecoveryCode, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize_own
from access.operations.held_users import authorize_user, held_user
from access.operations.secrets import seal, unseal
from access.principals import Principal
from access.rules.authenticators import (
    is_number,
    link_for,
    new_key,
    new_recovery_code,
    recovery_digest,
    step_of,
)


@dataclass(frozen=True, slots=True)
class SettingUp:
    """What an app has to be told. Shown until a number proves that it was."""

    key: str = field(repr=False)
    link: str = field(repr=False)


# --- One's own ---


@operation("ram:BindMFADevice")
def begin_second_factor(principal: Principal) -> None:
    """Make a key for an app, in the place of one that was never proved. Raises SecondFactorBound.

    It counts once a number has proved that the app has it.
    """
    authorize_own(principal)

    user = the_user(principal)
    if Authenticator.objects.filter(user=user, confirmed=True).exists():
        raise SecondFactorBound(_("You have a second factor already. Take it off first."))
    sealed_key = seal(new_key(), binding=Authenticator(user=user).binding)
    begun = {"sealed_key": sealed_key, "last_step": -1, "created_at": timezone.now()}
    Authenticator.objects.update_or_create(user=user, confirmed=False, defaults=begun)


def setting_up(principal: Principal) -> SettingUp:
    """The key that waits to be proved. Raises SecondFactorMissing where none was begun of late."""
    authenticator = waiting(principal)
    key = unseal(authenticator.sealed_key, binding=authenticator.binding)
    issuer = _("Cloud Assistant %(host)s") % {"host": settings.PUBLIC_HOST}
    return SettingUp(key, link_for(key, username=principal.name, issuer=issuer))


@operation("ram:BindMFADevice")
def confirm_second_factor(principal: Principal, *, number: str, keeping: str) -> list[str]:
    """Let the app count from now on, proved by a number. Returns recovery codes, known here and never again.

    Sessions that were begun without it end, but for the one with the key `keeping`. Raises NumberWrong.
    """
    authorize_own(principal)

    authenticator = waiting(principal)
    step = checked_step(authenticator, number)
    if step is None:
        raise NumberWrong(_("This is not the current number. Wait for the next one."), field="number")
    user = the_user(principal)
    confirm(principal, authenticator, step)
    codes = put_recovery_codes(principal, user)
    user.sessions.exclude(session_key=keeping).delete()

    record(principal, "ram:BindMFADevice", principal.name)
    return codes


def remove_second_factor(principal: Principal, *, proof: str) -> None:
    """Take off one's own second factor, proved by a number or the password.

    Raises NumberWrong or TooManyTries, which count although nothing else is done.
    """
    authorize_own(principal)
    check_proof(the_user(principal), proof)
    remove_proved(principal)


@operation("ram:UnbindMFADevice")
def remove_proved(principal: Principal) -> None:
    authorize_own(principal)

    delete_second_factor(principal, the_user(principal))

    record(principal, "ram:UnbindMFADevice", principal.name)


def create_recovery_codes(principal: Principal, *, proof: str) -> list[str]:
    """New recovery codes in the place of all old ones, proved by a number or the password.

    Returns them, known here and never again. Raises NumberWrong or TooManyTries.
    """
    authorize_own(principal)
    check_proof(the_user(principal), proof)
    return create_proved(principal)


@operation("ram:CreateRecoveryCodes")
def create_proved(principal: Principal) -> list[str]:
    authorize_own(principal)

    user = the_user(principal)
    if not Authenticator.objects.filter(user=user, confirmed=True).exists():
        raise SecondFactorMissing(_("Set up a second factor first."))
    codes = put_recovery_codes(principal, user)

    record(principal, "ram:CreateRecoveryCodes", principal.name)
    return codes


# --- Those of others ---


@operation("ram:UnbindMFADevice")
def unbind_second_factor(principal: Principal, user: User) -> None:
    """Take the second factor off somebody who has lost it, and end their sessions. Twice is once."""
    held = held_user(user)
    authorize_user(principal, "ram:UnbindMFADevice", held)

    delete_second_factor(principal, held)
    # What was lost may have been found by somebody.
    held.sessions.all().delete()

    record(principal, "ram:UnbindMFADevice", held.get_username())


# --- Proofs ---


def check_number(user: User, number: str) -> None:
    """Take a number of the user's app. Raises NumberWrong, or TooManyTries while one has to wait.

    Not to be called in a transaction: what is wrong counts although nothing else is done.
    """
    authenticator = Authenticator.objects.filter(user=user, confirmed=True).first()
    if authenticator is None:
        raise SecondFactorMissing(_("You have no second factor."))
    check_may_try(authenticator)
    step = checked_step(authenticator, number)
    # Of two requests with the same number, the second finds its step taken.
    taken = step is not None and Authenticator.objects.filter(pk=authenticator.pk, last_step__lt=step).update(
        last_step=step, throttling_failure_count=0, throttling_failure_timestamp=None
    )
    if not taken:
        message = _("This is not the current number, or it was used already. Wait for the next one.")
        raise NumberWrong(message, field="number")


def check_may_try(authenticator: Authenticator) -> None:
    """Count a try before it is looked at: many that come at once are not all looked at.

    Raises TooManyTries while one has to wait, and for all but one of those that come at once.
    """
    is_allowed, why = authenticator.verify_is_allowed()
    seen = Authenticator.objects.filter(
        pk=authenticator.pk,
        throttling_failure_count=authenticator.throttling_failure_count,
        throttling_failure_timestamp=authenticator.throttling_failure_timestamp,
    )
    authenticator.throttle_increment(commit=False)
    counted = is_allowed and seen.update(
        throttling_failure_count=authenticator.throttling_failure_count,
        throttling_failure_timestamp=authenticator.throttling_failure_timestamp,
    )
    if not counted:
        locked_until = (why or {}).get("locked_until", timezone.now())
        seconds = max(1, math.ceil((locked_until - timezone.now()).total_seconds()))
        message = ngettext(
            "Too many wrong numbers. Wait %(n)d second.",
            "Too many wrong numbers. Wait %(n)d seconds.",
            seconds,
        )
        raise TooManyTries(message % {"n": seconds}, field="number")


def check_recovery_code(user: User, code: str) -> None:
    """Use up a recovery code. Raises NumberWrong.

    Wrong numbers do not close this way in: somebody who knows a password could keep its owner out.
    """
    codes = RecoveryCode.objects.filter(user=user, digest=recovery_digest(code), used_at=None)
    if not codes.update(used_at=timezone.now()):
        raise NumberWrong(_("This is none of your recovery codes, or it was used."), field="number")


def check_second_factor(user: User, typed: str) -> str:
    """Take what was typed at sign-in; says what it was. Raises NumberWrong or TooManyTries."""
    if is_number(typed):
        check_number(user, typed)
        return "number"
    check_recovery_code(user, typed)
    return "recovery code"


def check_proof(user: User, proof: str) -> None:
    """A number, or the password, for what a borrowed browser must not do."""
    if is_number(proof):
        check_number(user, proof)
    elif not user.check_password(proof):
        raise PasswordWrong(_("This is neither the current number nor your password."), field="proof")


# --- Parts ---


def the_user(principal: Principal) -> User:
    return User.objects.get(pk=principal.user_id or 0)


def waiting(principal: Principal) -> Authenticator:
    begun = Authenticator.objects.filter(
        user=principal.user_id, confirmed=False, created_at__gt=timezone.now() - limits.SETTING_UP
    )
    authenticator = begun.first()
    if authenticator is None:
        raise SecondFactorMissing(_("Begin to set up a second factor first."))
    return authenticator


def checked_step(authenticator: Authenticator, number: str) -> int | None:
    """The time step that the number belongs to, if it counts now and none as late was taken."""
    key = unseal(authenticator.sealed_key, binding=authenticator.binding)
    return step_of(key, number, after=authenticator.last_step, drift=limits.NUMBER_DRIFT, now=time.time())


def confirm(_principal: Principal, authenticator: Authenticator, step: int) -> None:
    # The key that was proved, and no newer one that another tab has made meanwhile.
    proved = Authenticator.objects.filter(
        pk=authenticator.pk, confirmed=False, sealed_key=authenticator.sealed_key
    )
    try:
        with transaction.atomic():
            confirmed = proved.update(confirmed=True, last_step=step)
    except IntegrityError as error:
        raise SecondFactorBound(_("You have a second factor already. Take it off first.")) from error
    if not confirmed:
        raise SecondFactorMissing(_("Begin to set up a second factor first."))


def put_recovery_codes(_principal: Principal, user: User) -> list[str]:
    codes = [new_recovery_code() for _each in range(limits.RECOVERY_CODES)]
    user.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=recovery_digest(code)) for code in codes)
    return codes


def delete_second_factor(_principal: Principal, user: User) -> None:
    Authenticator.objects.filter(user=user).delete()
    user.recovery_codes.all().delete()

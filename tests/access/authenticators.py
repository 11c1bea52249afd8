"""An app that shows numbers, for tests."""

import base64
import time

from django.db import transaction
from django_otp.oath import TOTP

from access.models import Authenticator, RecoveryCode
from access.operations.secrets import seal, unseal
from access.rules.authenticators import new_key, recovery_digest


def bound(user, *codes):
    """Give a user an authenticator that counts, and recovery codes."""
    with transaction.atomic():
        authenticator = Authenticator(user=user, confirmed=True)
        authenticator.sealed_key = seal(new_key(), binding=authenticator.binding)
        authenticator.save()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=recovery_digest(code)) for code in codes)
    return user


def number_now(user, *, confirmed=True, steps=0):
    """What the app shows now, or so many steps from now."""
    authenticator = Authenticator.objects.get(user=user, confirmed=confirmed)
    key = unseal(authenticator.sealed_key, binding=authenticator.binding)
    clock = TOTP(base64.b32decode(key))
    clock.time = time.time() + 30 * steps
    return f"{clock.token():06d}"


def wait_over(user):
    """The wait after wrong numbers is over."""
    Authenticator.objects.filter(user=user).update(throttling_failure_timestamp="2020-01-01T00:00:00Z")

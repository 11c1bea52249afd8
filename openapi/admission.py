"""Who calls: from a signed request to a principal (openapi 3.1, 3.2)."""

import logging
from datetime import datetime
from typing import cast

import redis
from django.conf import settings

from access.models import AccessKey
from access.operations.access_keys import counts, find_key, note_use
from access.operations.identities import Origin, principal_for
from access.principals import Door, Principal
from console.kit import bells
from openapi import limits
from openapi.errors import KeyInactive, KeyUnknown, NonceUsed, Throttled
from openapi.requests import Parameters, Request
from openapi.signing import v1, v3
from openapi.signing.claims import Claim

logger = logging.getLogger(__name__)

NONCES = "cloud-assistant:nonce:"
CALLS = "cloud-assistant:calls:"


def is_v3(request: Request) -> bool:
    return request.headers.get("authorization", "").startswith("ACS3-")


def admit(request: Request, parameters: Parameters, *, now: datetime) -> Principal:
    """The principal of a call that is signed, fresh and new. Raises this door's refusals."""
    return principal_of(admitted_key(request, parameters, now=now), request)


def admitted_key(request: Request, parameters: Parameters, *, now: datetime) -> AccessKey:
    """The access key of such a call, with its user.

    The secret is opened before the key's existence is told: an unknown id costs what a known one does.
    """
    claim = v3.claim_of(request) if is_v3(request) else v1.claim_of(request.method, parameters.all)
    candidate = find_key(claim.key_id)
    if not candidate.is_known:
        claim.sign(candidate.secret, claim.string_to_sign)
        raise KeyUnknown("There is no such access key.", field="AccessKeyId")
    claim.check_time(now)
    claim.check_signature(candidate.secret)
    use_up(claim)
    if not counts(candidate.key):
        raise KeyInactive("This access key is switched off.", field="AccessKeyId")
    note_use(candidate.key, now, source_ip=request.source_ip)
    return candidate.key


def principal_of(key: AccessKey, request: Request) -> Principal:
    origin = Origin(source_ip=request.source_ip, is_secure=request.is_secure)
    return principal_for(key.user, Door.API, origin=origin)


def renewed(key_id: str, request: Request) -> Principal | None:
    """Whoever has opened something with a key that lasts, as they are now; None where the key opens no more."""
    key = AccessKey.objects.select_related("user").filter(pk=key_id).first()
    return principal_of(key, request) if key and counts(key) else None


def use_up(claim: Claim) -> None:
    """Take the nonce, for ever as far as the clock's window goes, and count the call. One round to Redis.

    Raises NonceUsed and Throttled. Without Redis calls go on: the signature's time still bounds a replay.
    """
    second = f"{CALLS}{claim.key_id}"
    steps = bells.client().pipeline(transaction=False)
    steps.set(f"{NONCES}{claim.key_id}:{claim.nonce}", 1, nx=True, ex=limits.NONCE_SECONDS)
    steps.incr(second)
    steps.pexpire(second, 1000, nx=True)
    try:
        is_new, calls, _expires = cast("tuple[bool | None, int, bool]", tuple(steps.execute()))
    except redis.RedisError as error:
        logger.warning("Replays and rates are not noticed error=%s", error)
        return
    if not is_new:
        raise NonceUsed("This call was made before. Send a new SignatureNonce with every call.")
    if calls > settings.API_CALLS_PER_SECOND:
        raise Throttled("Too many calls with this access key. Wait a moment.", retry_after=1000)

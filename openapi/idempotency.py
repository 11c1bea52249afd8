"""The same call twice is done once (openapi 5)."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from access.operations.calls import remembered
from access.operations.secrets import seal, unseal
from access.principals import Principal
from openapi import limits
from openapi.actions.base import CLIENT_TOKEN
from openapi.errors import InvalidParameter, TokenMismatch
from openapi.models import IdempotentCall

# What differs between two tries of the same call.
OF_THE_TRY = frozenset(
    [
        "AccessKeyId",
        "Action",
        CLIENT_TOKEN,
        "Format",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
    ]
)


def once(
    principal: Principal,
    action: str,
    said: Mapping[str, str],
    perform: Callable[[], dict[str, Any]],
    *,
    now: datetime,
    is_secret: bool = False,
) -> dict[str, Any]:
    """The answer of the first call with this ClientToken; only the first one does anything.

    Token, change and answer are committed together: nobody sees one without the others, and of two that
    come at once the second waits for the first.
    """
    token = said.get(CLIENT_TOKEN, "")
    if not token:
        return perform()
    if len(token) > limits.TOKEN_CHARACTERS or not token.isascii() or "\x00" in token:
        raise InvalidParameter(CLIENT_TOKEN, f"It has at most {limits.TOKEN_CHARACTERS} ASCII characters.")
    # A refusal is written inside, too, and rolled back with the token.
    with remembered(principal), transaction.atomic():
        call = answered(principal, action, token, said, perform, now=now, is_secret=is_secret)
        return opened(call)


def answered(
    principal: Principal,
    action: str,
    token: str,
    said: Mapping[str, str],
    perform: Callable[[], dict[str, Any]],
    *,
    now: datetime,
    is_secret: bool,
) -> IdempotentCall:
    digest = digest_of(said)
    whose = {"user_id": principal.user_id, "action": action, "token": token}
    IdempotentCall.objects.filter(**whose, created_at__lte=now - limits.TOKEN_KEPT).delete()
    call, is_new = IdempotentCall.objects.get_or_create(
        **whose, defaults={"digest": digest, "created_at": now}
    )
    if is_new:
        keep(call, perform(), is_secret=is_secret)
    elif call.digest != digest:
        raise TokenMismatch("This ClientToken was used for a call with other parameters.", field=CLIENT_TOKEN)
    return call


def keep(call: IdempotentCall, answer: dict[str, Any], *, is_secret: bool) -> None:
    if is_secret:
        call.sealed_answer = seal(json.dumps(answer), binding=binding_of(call))
    else:
        call.answer = answer
    call.save(update_fields=["answer", "sealed_answer"])


def opened(call: IdempotentCall) -> dict[str, Any]:
    answer: dict[str, Any] = call.answer
    if call.sealed_answer:
        answer = json.loads(unseal(call.sealed_answer, binding=binding_of(call)))
    return answer


def binding_of(call: IdempotentCall) -> str:
    return f"IdempotentCall:{call.pk}"


def digest_of(said: Mapping[str, str]) -> str:
    kept = sorted((name, value) for name, value in said.items() if name not in OF_THE_TRY)
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()


def forget(_principal: Principal, *, now: datetime) -> int:
    """Let go of tokens that stand for nothing any more; says how many."""
    gone, _by_model = IdempotentCall.objects.filter(created_at__lte=now - limits.TOKEN_KEPT).delete()
    return gone

"""Webhooks: addresses that are told of changes, in their order, each at least once."""

import hashlib
import hmac
import json
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import requests
from django.db import transaction
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.identities import principal_for
from access.operations.secrets import seal, unseal
from access.principals import Door, Principal
from console.kit.errors import InvalidParameter, NotAllowed, QuotaExceeded
from openapi import limits
from openapi.changes import newest, next_changes, told
from openapi.models import Change, ChangeKind, Webhook

logger = logging.getLogger(__name__)

SECRET_BYTES = 32
# A sender that died keeps a webhook from others for so long.
CLAIMED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook with the secret that its calls are signed with, which is shown once."""

    webhook: Webhook
    secret: str = field(repr=False)


# --- Made and unmade ---


@operation("ecs:CreateWebhook")
def create_webhook(principal: Principal, *, name: str, url: str, kinds: list[str]) -> NewWebhook:
    """Tell an address of what happens from now on, as far as the principal may see it. Raises InvalidParameter."""
    authorize(principal, "ecs:CreateWebhook", "*")

    if principal.user_id is None:
        raise NotAllowed(_("A webhook acts for a user. Sign in first."))
    check(name, url, kinds)
    if Webhook.objects.count() >= limits.WEBHOOKS:
        message = _("There are %(most)d webhooks. Delete one that is not used any more.")
        raise QuotaExceeded(message % {"most": limits.WEBHOOKS})
    secret = secrets.token_urlsafe(SECRET_BYTES)
    webhook = Webhook.objects.create(
        name=name,
        url=url,
        kinds=kinds,
        sealed_secret=seal(secret, binding=binding_of(name)),
        user_id=principal.user_id,
        told=newest(),
    )

    # An address may hold a password.
    record(principal, "ecs:CreateWebhook", name, host=urlsplit(url).hostname or "", kinds=kinds)
    return NewWebhook(webhook, secret)


@operation("ecs:ModifyWebhook")
def switch_webhook(principal: Principal, webhook: Webhook, *, enabled: bool) -> Webhook:
    """Switch a webhook off, or on again: it is told of what is kept from the time between."""
    authorize(principal, "ecs:ModifyWebhook", "*")

    webhook.enabled, webhook.tries, webhook.next_try_at = enabled, 0, None
    webhook.save(update_fields=["enabled", "tries", "next_try_at"])

    record(principal, "ecs:ModifyWebhook", webhook.name, enabled=enabled)
    return webhook


@operation("ecs:DeleteWebhook")
def delete_webhook(principal: Principal, webhook: Webhook) -> None:
    authorize(principal, "ecs:DeleteWebhook", "*")

    webhook.delete()

    record(principal, "ecs:DeleteWebhook", webhook.name)


def check(name: str, url: str, kinds: list[str]) -> None:
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise InvalidParameter(_("A name has 1 to 64 printable characters."), field="name")
    if Webhook.objects.filter(name=name).exists():
        raise InvalidParameter(_("There is a webhook of this name."), field="name")
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname or len(url) > 500:
        raise InvalidParameter(_("Say an address that begins with https:// or http://."), field="url")
    unknown = sorted(set(kinds) - set(ChangeKind.values))
    if unknown:
        message = _("Nothing of the kind %(kind)s is told.") % {"kind": unknown[0][:40]}
        raise InvalidParameter(message, field="kinds")


def binding_of(name: str) -> str:
    return f"Webhook:{name}"


# --- Told ---


def tell_due(principal: Principal, *, now: datetime) -> int:
    """Tell each webhook what it has not heard of; says how many calls were made."""
    return sum(tell(principal, pk, now=now) for pk in Webhook.objects.due(now).values_list("pk", flat=True))


def tell(_principal: Principal, webhook_id: int, *, now: datetime) -> int:
    """Send one webhook its next changes until it fails or there is nothing more.

    A process that dies after a call and before it has noted that makes the call again: receivers know a
    change by its id.
    """
    webhook = claim(webhook_id, now=now)
    if webhook is None:
        return 0
    secret = unseal(webhook.sealed_secret, binding=binding_of(webhook.name))
    listener = principal_for(webhook.user, Door.SYSTEM)
    calls = 0
    for change in next_changes(webhook.told):
        for said in told(listener, [change]) if is_wanted(webhook, change) else ():
            calls += 1
            error = send(webhook.url, secret, said, now=now)
            if error:
                put_off(webhook, error, now=now)
                return calls
        Webhook.objects.filter(pk=webhook.pk).update(told=change.pk, told_at=now, tries=0, last_error="")
    Webhook.objects.filter(pk=webhook.pk).update(next_try_at=None)
    return calls


@transaction.atomic
def claim(webhook_id: int, *, now: datetime) -> Webhook | None:
    """The webhook, if nobody else is telling it anything now."""
    claimed = Webhook.objects.due(now).filter(pk=webhook_id).update(next_try_at=now + CLAIMED)
    return Webhook.objects.select_related("user").get(pk=webhook_id) if claimed else None


def is_wanted(webhook: Webhook, change: Change) -> bool:
    return webhook.user.is_active and (not webhook.kinds or change.kind in webhook.kinds)


def send(url: str, secret: str, said: dict[str, object], *, now: datetime) -> str:
    """One call; empty where it was taken, else why not. Redirects are not followed: they lead elsewhere."""
    body = json.dumps(said, ensure_ascii=False).encode()
    moment = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "cloud-assistant-webhook/1",
        "X-CA-Event-Id": str(said["Id"]),
        "X-CA-Event-Kind": str(said["Kind"]),
        "X-CA-Timestamp": moment,
        "X-CA-Signature": "sha256=" + signature(secret, moment, body),
    }
    try:
        with requests.post(
            url,
            data=body,
            headers=headers,
            timeout=limits.WEBHOOK_TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return "" if 200 <= answer.status_code < 300 else f"The address answered {answer.status_code}."
    except requests.RequestException as error:
        # The error's text may hold the address, which may hold a password.
        return f"The address could not be reached ({type(error).__name__})."


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 over the moment, a dot and the body, in hex."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def put_off(webhook: Webhook, error: str, *, now: datetime) -> None:
    pause = min(limits.WEBHOOK_PAUSE * 2 ** min(webhook.tries, 12), limits.WEBHOOK_PAUSE_MOST)
    logger.warning("Webhook not told webhook=%s error=%s", webhook.name, error)
    Webhook.objects.filter(pk=webhook.pk).update(
        tries=webhook.tries + 1, next_try_at=now + pause, last_error=error[:200]
    )

"""Webhooks: addresses that are told of changes, in their order, each at least once."""

import hashlib
import hmac
import json
import logging
import secrets
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from threading import Timer
from urllib.parse import unquote, urlsplit

from django.utils import timezone
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
# Where clouds tell a machine its own secrets; the others are link-local.
CLOUD_METADATA = ip_address("100.100.100.200")


class PlaceRefused(Exception):
    """The address leads to a place that is never called."""


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
    if not is_address(url):
        raise InvalidParameter(_("Say an address that begins with https:// or http://."), field="url")
    unknown = sorted(set(kinds) - set(ChangeKind.values))
    if unknown:
        message = _("Nothing of the kind %(kind)s is told.") % {"kind": unknown[0][:40]}
        raise InvalidParameter(message, field="kinds")


def is_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        # Asked for: a port that is none is told only then, a name that is none by its spelling.
        (address.hostname or "").encode("idna")
        has_place = bool(address.hostname) and (address.port is None or address.port > 0)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and has_place and len(url) <= 500 and url.isprintable()


def binding_of(name: str) -> str:
    return f"Webhook:{name}"


# --- Told ---


def tell_due(principal: Principal) -> int:
    """Tell each webhook what it has not heard of; says how many calls were made. One that fails holds no other up."""
    calls = 0
    for pk in Webhook.objects.due(timezone.now()).values_list("pk", flat=True):
        try:
            calls += tell(principal, pk)
        except Exception:
            logger.exception("Webhook could not be told webhook=%d", pk)
    return calls


def tell(_principal: Principal, webhook_id: int) -> int:
    """Send one webhook its next changes until it fails, there is nothing more, or its turn is over.

    A process that dies after a call and before it has noted that makes the call again: receivers know a
    change by its id.
    """
    webhook = claim(webhook_id)
    if webhook is None:
        return 0
    until = timezone.now() + limits.WEBHOOK_TURN
    # Whoever has claimed it since has said so here: then it is not ours any more.
    ours = Webhook.objects.filter(pk=webhook.pk, next_try_at=webhook.next_try_at)
    secret = unseal(webhook.sealed_secret, binding=binding_of(webhook.name))
    listener = principal_for(webhook.user, Door.SYSTEM)
    calls = 0
    for change in next_changes(webhook.told):
        if timezone.now() > until:
            break
        for said in told(listener, [change]) if is_wanted(webhook, change) else ():
            calls += 1
            error = send(webhook.url, secret, said)
            if error:
                put_off(webhook, error)
                return calls
        note = {"told": change.pk, "told_at": timezone.now(), "tries": 0, "last_error": ""}
        if not ours.update(**note):
            return calls
    ours.update(next_try_at=None)
    return calls


def claim(webhook_id: int) -> Webhook | None:
    """The webhook, if nobody else is telling it anything now."""
    now = timezone.now()
    if not Webhook.objects.due(now).filter(pk=webhook_id).update(next_try_at=now + limits.WEBHOOK_CLAIM):
        return None
    return Webhook.objects.select_related("user").get(pk=webhook_id)


def is_wanted(webhook: Webhook, change: Change) -> bool:
    return webhook.user.is_active and (not webhook.kinds or change.kind in webhook.kinds)


def send(url: str, secret: str, said: dict[str, object]) -> str:
    """One call; empty where it was taken, else why not. Redirects are not followed: they lead elsewhere."""
    body = json.dumps(said, ensure_ascii=False).encode()
    moment = str(int(timezone.now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "cloud-assistant-webhook/1",
        "X-CA-Event-Id": str(said["Id"]),
        "X-CA-Event-Kind": str(said["Kind"]),
        "X-CA-Timestamp": moment,
        "X-CA-Signature": "sha256=" + signature(secret, moment, body),
    }
    try:
        status = post(url, body, headers)
    except PlaceRefused:
        return "The address leads to a link-local network, which is never called."
    except (OSError, HTTPException, ValueError) as error:
        # The error's text may hold the address, which may hold a password.
        return f"The address could not be reached ({type(error).__name__})."
    return "" if 200 <= status < 300 else f"The address answered {status}."


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer; what comes behind its headers is not read.

    Within a time that counts from beginning to end: an answer may come byte by byte. Raises PlaceRefused.
    """
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    if address.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(
            host, port, timeout=limits.WEBHOOK_SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = HTTPConnection(host, port, timeout=limits.WEBHOOK_SECONDS)
    if address.username or address.password:
        words = f"{unquote(address.username or '')}:{unquote(address.password or '')}"
        headers = {**headers, "Authorization": f"Basic {b64encode(words.encode()).decode()}"}

    def cut() -> None:
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    watch = Timer(limits.WEBHOOK_SECONDS, cut)
    watch.daemon = True
    watch.start()
    try:
        connection.connect()
        check_place(connection.sock.getpeername()[0])
        path = f"{address.path or '/'}{f'?{address.query}' if address.query else ''}"
        connection.request("POST", path, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        watch.cancel()
        connection.close()


def check_place(address: str) -> None:
    """Of whom we are connected to, whatever a name was resolved to before. Raises PlaceRefused.

    Receivers are often in a private network, or on this machine. None is where a cloud keeps its secrets.
    """
    place = ip_address(address)
    place = getattr(place, "ipv4_mapped", None) or place
    if place.is_link_local or place.is_multicast or place.is_unspecified or place == CLOUD_METADATA:
        raise PlaceRefused


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 over the moment, a dot and the body, in hex."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def put_off(webhook: Webhook, error: str) -> None:
    pause = min(limits.WEBHOOK_PAUSE * 2 ** min(webhook.tries, 12), limits.WEBHOOK_PAUSE_MOST)
    logger.warning("Webhook not told webhook=%s error=%s", webhook.name, error)
    Webhook.objects.filter(pk=webhook.pk, next_try_at=webhook.next_try_at).update(
        tries=webhook.tries + 1, next_try_at=timezone.now() + pause, last_error=error[:200]
    )

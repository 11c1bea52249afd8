"""Access keys: a program's name and secret (CA-226), and what the programs' door asks of them.

Nobody learns from the time of an answer whether a key exists: `find_key` opens a sealed secret for
unknown ids too, one that this process has made for it, and the caller checks the signature with what it
was given. Only then is said whether the key `counts`.
"""

import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from access import followups, limits
from access.errors import AccessKeysExhausted, ApiAccessOff
from access.models import AccessKey, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize_own
from access.operations.held_users import authorize_user, held_user
from access.operations.secrets import seal, unseal
from access.principals import Principal
from access.rules import envelope
from access.rules.scoping import Scoped
from access.scopes import scope

ALPHABET = string.ascii_letters + string.digits
ID_PREFIX = "LTAI"
ID_CHARACTERS = 20
SECRET_CHARACTERS = 30
ID_FORM = re.compile(rf"{ID_PREFIX}[A-Za-z0-9]{{{ID_CHARACTERS}}}")

KEYS_OF_USERS = Scoped("ram", "user", id="user__username")


@dataclass(frozen=True, slots=True)
class NewAccessKey:
    """A key with its secret, which is known here and never again."""

    key: AccessKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key with its user, and what a signature is checked with.

    For an id that is none: a key that is not stored, and a secret that nobody knows.
    """

    key: AccessKey
    secret: str = field(repr=False)
    is_known: bool


def visible_keys(principal: Principal) -> "QuerySet[AccessKey]":
    """One's own, and those of the users whose keys one may see."""
    rows = AccessKey.objects.select_related("user")
    others = scope(principal, AccessKey.objects.all(), "ram:ListAccessKeys", on=[KEYS_OF_USERS])
    return rows.filter(Q(user=principal.user_id) | Q(pk__in=others.order_by().values("pk")))


@operation("ram:CreateAccessKey")
def create_access_key(principal: Principal, user: User) -> NewAccessKey:
    """Make a key for a program that acts for the user. Raises AccessKeysExhausted and ApiAccessOff."""
    held = held_user(user)
    authorize_keys(principal, "ram:CreateAccessKey", held)

    new = new_access_key(held)

    record(principal, "ram:CreateAccessKey", held.username, access_key=new.key.pk)
    followups.access_changed()
    return new


@operation("ram:CreateAccessKey")
def rotate_access_key(principal: Principal, key: AccessKey) -> NewAccessKey:
    """Make the key that follows this one, which goes on working until somebody disables it.

    Raises AccessKeysExhausted where the user has two already.
    """
    held = held_user(key.user)
    authorize_keys(principal, "ram:CreateAccessKey", held)

    new = new_access_key(held)

    record(principal, "ram:CreateAccessKey", held.username, access_key=new.key.pk, follows=key.pk)
    followups.access_changed()
    return new


@operation("ram:UpdateAccessKey")
def disable_access_key(principal: Principal, key: AccessKey) -> AccessKey:
    """Let the key open nothing until it is enabled again. Twice is once."""
    held = held_user(key.user)
    authorize_keys(principal, "ram:UpdateAccessKey", held)

    AccessKey.objects.filter(pk=key.pk).update(disabled=True)
    key.disabled = True

    record(principal, "ram:UpdateAccessKey", held.username, access_key=key.pk, enabled=False)
    followups.access_changed()
    return key


@operation("ram:UpdateAccessKey")
def enable_access_key(principal: Principal, key: AccessKey) -> AccessKey:
    """Let a disabled key open doors again. Twice is once."""
    held = held_user(key.user)
    authorize_keys(principal, "ram:UpdateAccessKey", held)

    AccessKey.objects.filter(pk=key.pk).update(disabled=False)
    key.disabled = False

    record(principal, "ram:UpdateAccessKey", held.username, access_key=key.pk, enabled=True)
    followups.access_changed()
    return key


@operation("ram:DeleteAccessKey")
def delete_access_key(principal: Principal, key: AccessKey) -> None:
    """Forget a key for ever."""
    held = held_user(key.user)
    authorize_keys(principal, "ram:DeleteAccessKey", held)

    key_id = key.pk
    AccessKey.objects.filter(pk=key_id).delete()

    record(principal, "ram:DeleteAccessKey", held.username, access_key=key_id)
    followups.access_changed()


# --- What the programs' door asks ---


def find_key(key_id: str) -> Candidate:
    """The key and the secret to check a signature with: the same steps and time for an id that is none."""
    wanted = key_id if ID_FORM.fullmatch(key_id) else ID_PREFIX
    try:
        key = AccessKey.objects.select_related("user").get(pk=wanted)
    except AccessKey.DoesNotExist:
        decoy_key, decoy = decoy_secret()
        opened = envelope.unseal(decoy_key, envelope.read(decoy, binding=ID_PREFIX))
        return Candidate(AccessKey(id=wanted, user=User()), opened, is_known=False)
    return Candidate(key, secret_of(key), is_known=True)


def counts(key: AccessKey) -> bool:
    """Whether the key opens anything: it, its user and the user's access to the API are all switched on."""
    return not key.disabled and key.user.is_active and key.user.api_access


def secret_of(key: AccessKey) -> str:
    return unseal(key.sealed_secret, binding=binding_of(key.pk))


def note_use(key: AccessKey, now: datetime, *, source_ip: str) -> None:
    """Remember when and from where a key was used last; at most every few minutes, not a write per call."""
    if key.used_at and key.used_at >= now - limits.SEEN_EVERY and key.used_from == source_ip:
        # Not even asked: on SQLite an update waits for the one writer, whatever it changes.
        return
    stale = Q(used_at__isnull=True) | Q(used_at__lt=now - limits.SEEN_EVERY) | ~Q(used_from=source_ip)
    AccessKey.objects.filter(stale, pk=key.pk).update(used_at=now, used_from=source_ip)


@cache
def decoy_secret() -> tuple[envelope.Key, str]:
    """What is opened for ids that are none: sealed once per process, under a key of its own."""
    key = envelope.new_key()
    return key, envelope.seal(key, 0, random_text(SECRET_CHARACTERS), binding=ID_PREFIX)


# --- Parts ---


def authorize_keys(principal: Principal, action: str, user: User) -> None:
    """One's own keys are one's own; those of others need the action, those of administrators an administrator."""
    if principal.user_id == user.pk:
        authorize_own(principal)
        return
    authorize_user(principal, action, user)


def new_access_key(owner: User) -> NewAccessKey:
    if not owner.api_access:
        message = _("%(name)s may not use the API. Switch that on first.") % {"name": owner.username}
        raise ApiAccessOff(message)
    if owner.access_keys.count() >= limits.ACCESS_KEYS_PER_USER:
        message = _("%(name)s has two access keys already. Delete one that is not used any more.")
        raise AccessKeysExhausted(message % {"name": owner.username})
    key_id, secret = ID_PREFIX + random_text(ID_CHARACTERS), random_text(SECRET_CHARACTERS)
    sealed = seal(secret, binding=binding_of(key_id))
    key = AccessKey.objects.create(id=key_id, user=owner, sealed_secret=sealed, created_at=timezone.now())
    return NewAccessKey(key, secret)


def binding_of(key_id: str) -> str:
    return f"AccessKey:{key_id}"


def random_text(characters: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(characters))

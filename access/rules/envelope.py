"""Sealed secrets: AES-GCM under a data key, which a master key seals in its turn.

A sealed secret is `1.<data key's id>.<its fingerprint>.<nonce and ciphertext>.<binding>`, a sealed data
key `1.<master key's fingerprint>.<nonce and ciphertext>`. Everything before and after the ciphertext is
authenticated with it, so neither a part of the text nor the row it stands in can be exchanged.
"""

import base64
import hashlib
import os
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = "1"
KEY_BYTES = 32
NONCE_BYTES = 12
FINGERPRINT_CHARACTERS = 16


class NotOpened(Exception):
    """The text is not what was sealed with this key for this purpose."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key with the name that may be written down. Its bytes stay out of every repr."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        named = b"cloud-assistant key name\0" + self.secret
        return hashlib.sha256(named).hexdigest()[:FINGERPRINT_CHARACTERS]


class Sealed(NamedTuple):
    """A sealed secret in its parts."""

    key_id: int
    fingerprint: str
    body: str
    binding: str

    def __str__(self) -> str:
        return f"{prefix(self.key_id)}{self.fingerprint}.{self.body}.{self.binding}"


def new_key() -> Key:
    return Key(os.urandom(KEY_BYTES))


def prefix(key_id: int) -> str:
    """What every secret begins with that was sealed with this data key."""
    return f"{FORMAT}.{key_id}."


def parts(text: str) -> Sealed:
    """The parts of a sealed secret. Raises NotOpened for what is none."""
    found = text.split(".", 4)
    if len(found) != 5 or found[0] != FORMAT or not found[1].isdecimal():
        raise NotOpened("This is no sealed secret.")
    return Sealed(int(found[1]), *found[2:])


def read(text: str, *, binding: str) -> Sealed:
    """The parts of what was sealed for this purpose. Raises NotOpened for what was not."""
    sealed = parts(text)
    if sealed.binding != binding:
        raise NotOpened("It belongs to something else.")
    return sealed


def seal(key: Key, key_id: int, secret: str, *, binding: str) -> str:
    body = encrypt(key, secret.encode(), about=[FORMAT, str(key_id), key.fingerprint, binding])
    return str(Sealed(key_id, key.fingerprint, body, binding))


def unseal(key: Key, sealed: Sealed) -> str:
    """The secret. Raises NotOpened where key, text and binding do not belong together."""
    about = [FORMAT, str(sealed.key_id), sealed.fingerprint, sealed.binding]
    return decrypt(key, sealed.body, about=about).decode()


def wrap(master: Key, data_key: Key) -> str:
    """The data key, sealed by the master key."""
    body = encrypt(master, data_key.secret, about=[FORMAT, master.fingerprint])
    return f"{FORMAT}.{master.fingerprint}.{body}"


def wrapped_by(text: str) -> str:
    """The fingerprint of the master key that sealed this data key. Raises NotOpened for what is none."""
    found = text.split(".")
    if len(found) != 3 or found[0] != FORMAT:
        raise NotOpened("This is no sealed key.")
    return found[1]


def unwrap(master: Key, text: str) -> Key:
    about = [FORMAT, wrapped_by(text)]
    return Key(decrypt(master, text.split(".")[2], about=about))


def encrypt(key: Key, content: bytes, *, about: list[str]) -> str:
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(key.secret).encrypt(nonce, content, associated(about))
    return base64.urlsafe_b64encode(nonce + ciphertext).decode()


def decrypt(key: Key, body: str, *, about: list[str]) -> bytes:
    try:
        content = base64.urlsafe_b64decode(body)
        return AESGCM(key.secret).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], associated(about))
    except (InvalidTag, ValueError) as error:
        raise NotOpened("The sealed text does not open with this key.") from error


def associated(about: list[str]) -> bytes:
    # Each length before its text: no two lists give the same bytes.
    return b"".join(b"%d:%s" % (len(one.encode()), one.encode()) for one in about)

"""Signatures of the gateway protocol: RSASSA-PKCS1-v1_5 over MD5."""

from __future__ import annotations

import binascii
import hashlib
from typing import NamedTuple, Protocol

from agent import signing_libcrypto
from agent.signing_libcrypto import LibcryptoUnusable

# DigestInfo of MD5 (RFC 8017, 9.2): what comes before the sixteen bytes of the digest.
MD5_PREFIX = bytes.fromhex("3020300c06082a864886f70d020505000410")


class KeyPair(NamedTuple):
    private_pem: str
    public_pem: str


class DigestSigner(Protocol):
    def sign(self, digest_info: bytes) -> bytes: ...


class Signer:
    """Signs texts with one private key; may be used by several threads at once."""

    def __init__(self, digest_signer: DigestSigner) -> None:
        self._digest_signer = digest_signer

    def sign(self, text: str) -> str:
        digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
        return binascii.b2a_base64(self._digest_signer.sign(MD5_PREFIX + digest), newline=False).decode()


def signer(private_pem: str) -> Signer:
    try:
        return Signer(signing_libcrypto.LibcryptoSigner(signing_libcrypto.load(), private_pem))
    except LibcryptoUnusable:
        from agent import signing_pure  # noqa: PLC0415  (only where it is needed)

        return Signer(signing_pure.PureSigner(private_pem))


def generate() -> KeyPair:
    try:
        return KeyPair(*signing_libcrypto.generate_pems(signing_libcrypto.load()))
    except LibcryptoUnusable:
        from agent import signing_pure  # noqa: PLC0415

        private_pem = signing_pure.generate_private_pem()
        return KeyPair(private_pem, signing_pure.public_pem(private_pem))

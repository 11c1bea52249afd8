"""RSA keys as numbers and in the text forms that are stored and sent (PKCS#1, PKIX)."""

from __future__ import annotations

import binascii
from typing import NamedTuple

INTEGER, BIT_STRING, SEQUENCE = 0x02, 0x03, 0x30

# AlgorithmIdentifier of rsaEncryption: its object identifier and a NULL.
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")


class PrivateKey(NamedTuple):
    """The numbers of an RSA key under the names of RFC 8017."""

    n: int
    e: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int


def pem(label: str, der: bytes) -> str:
    text = binascii.b2a_base64(der, newline=False).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def der_of(pem_text: str) -> bytes:
    inner = [line for line in pem_text.splitlines() if line and not line.startswith("-----")]
    return binascii.a2b_base64("".join(inner))


def private_der(key: PrivateKey) -> bytes:
    return _element(SEQUENCE, b"".join(_integer(number) for number in (0, *key)))


def public_der(n: int, e: int) -> bytes:
    numbers = _element(SEQUENCE, _integer(n) + _integer(e))
    return _element(SEQUENCE, RSA_ALGORITHM + _element(BIT_STRING, b"\0" + numbers))


def parse_private_der(der: bytes) -> PrivateKey:
    """Read PKCS#1; raises ValueError for anything else."""
    tag, content, _ = _read(der)
    if tag != SEQUENCE:
        raise ValueError("not a PKCS#1 private key")
    numbers = []
    while content:
        tag, value, content = _read(content)
        if tag != INTEGER:
            raise ValueError("not a PKCS#1 private key")
        numbers.append(int.from_bytes(value, "big"))
    if len(numbers) != 1 + len(PrivateKey._fields) or numbers[0] != 0:
        raise ValueError("not a two-prime PKCS#1 private key")
    return PrivateKey(*numbers[1:])


def _integer(number: int) -> bytes:
    # One bit more than needed keeps the sign bit clear.
    return _element(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _read(der: bytes) -> tuple[int, bytes, bytes]:
    """Split off the first element: its tag, its content, and what follows."""
    if len(der) < 2:
        raise ValueError("truncated DER")
    tag, size, start = der[0], der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    if start + size > len(der):
        raise ValueError("truncated DER")
    return tag, der[start : start + size], der[start + size :]

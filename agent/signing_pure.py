"""RSA in plain Python, for machines whose libcrypto cannot be used."""

from __future__ import annotations

import math
import secrets

from agent import keys

PUBLIC_EXPONENT = 65537

# For 1024-bit random candidates five rounds leave an error below 2**-100; forty cost little.
PRIME_TEST_ROUNDS = 40

SMALL_PRIMES = [
    number
    for number in range(3, 2000, 2)
    if all(number % divisor for divisor in range(3, 1 + math.isqrt(number), 2))
]


class PureSigner:
    """Signs digests with RSASSA-PKCS1-v1_5 by the Chinese remainder theorem."""

    def __init__(self, private_pem: str) -> None:
        self._key = keys.parse_private_der(keys.der_of(private_pem))

    def sign(self, digest_info: bytes) -> bytes:
        key = self._key
        size = (key.n.bit_length() + 7) // 8
        padding = b"\xff" * (size - 3 - len(digest_info))
        message = int.from_bytes(b"\x00\x01" + padding + b"\x00" + digest_info, "big")
        first, second = pow(message, key.dp, key.p), pow(message, key.dq, key.q)
        signature = second + key.q * ((first - second) * key.qinv % key.p)
        return signature.to_bytes(size, "big")


def generate_private_pem(bits: int = 2048) -> str:
    return keys.pem("RSA PRIVATE KEY", keys.private_der(_generate(bits)))


def public_pem(private_pem: str) -> str:
    key = keys.parse_private_der(keys.der_of(private_pem))
    return keys.pem("PUBLIC KEY", keys.public_der(key.n, key.e))


def _generate(bits: int) -> keys.PrivateKey:
    p = _random_prime(bits // 2)
    q = _random_prime(bits // 2)
    while abs(p - q).bit_length() < bits // 2 - 100:
        q = _random_prime(bits // 2)
    p, q = max(p, q), min(p, q)
    d = pow(PUBLIC_EXPONENT, -1, math.lcm(p - 1, q - 1))
    return keys.PrivateKey(p * q, PUBLIC_EXPONENT, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))


def _random_prime(bits: int) -> int:
    while True:
        # The two top bits make the product of two such primes exactly twice as long.
        candidate = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if math.gcd(candidate - 1, PUBLIC_EXPONENT) == 1 and is_probable_prime(candidate):
            return candidate


def is_probable_prime(number: int) -> bool:
    """Miller-Rabin with random bases."""
    if number < 4:
        return number in (2, 3)
    if number % 2 == 0 or any(number % prime == 0 for prime in SMALL_PRIMES if prime < number):
        return False
    twos = (number - 1 & 1 - number).bit_length() - 1
    odd = number - 1 >> twos
    return all(
        _passes(number, 2 + secrets.randbelow(number - 3), odd, twos) for _ in range(PRIME_TEST_ROUNDS)
    )


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False

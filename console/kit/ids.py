"""Identifiers: `<prefix>-<region code><13 base36 characters>` (CA-7, CA-8).

The 13 characters are one number: milliseconds since 2020 in the upper bits, chance in the lower 26.
Ids made later sort later within a region, and those of one process always rise.
"""

import secrets
import threading
import time
import uuid

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
CHANCE_BITS = 26
LENGTH = 13
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

_lock = threading.Lock()
_last = 0


def new_id(prefix: str, region_code: str) -> str:
    return f"{prefix}-{region_code}{base36(next_number())}"


def request_id() -> str:
    """An upper-case GUID, as requests and activations have."""
    return str(uuid.uuid4()).upper()


def next_number() -> int:
    """A number above every one that this process has given before."""
    global _last  # noqa: PLW0603 - the one counter of the process
    moment = (time.time_ns() // 1_000_000 - EPOCH_MS) << CHANCE_BITS
    with _lock:
        # Within a millisecond, or after the clock was set back, the last one is followed by a small random
        # step: it keeps the order, and two processes that work in the same millisecond seldom meet.
        _last = max(moment + secrets.randbits(CHANCE_BITS), _last + 1 + secrets.randbits(8))
        return _last


def base36(number: int) -> str:
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 36)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))

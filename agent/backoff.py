"""How long to wait before the next try."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.5
CAP_SECONDS = 60.0

# The server knows us and says no: an operator has to act, so there is no hurry.
REFUSED_CAP_SECONDS = 300.0


class Backoff:
    """Doubles from half a second up to a cap; jittered, so that a fleet does not return at once."""

    def __init__(self) -> None:
        self.failures = 0

    def reset(self) -> None:
        self.failures = 0

    def next_delay(self, *, is_refused: bool = False) -> float:
        cap = REFUSED_CAP_SECONDS if is_refused else CAP_SECONDS
        delay = min(cap, FIRST_SECONDS * 2 ** min(self.failures, 16))
        self.failures += 1
        return jittered(delay)


def jittered(seconds: float) -> float:
    """Between half of and all of `seconds`."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311

"""Long work in short transactions: whoever else wants to write waits for a moment, not for all of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# What one step aims at, and the least that is left to others before the next one, in seconds.
STEP = 0.03
PAUSE = 0.02
# A transaction has a price of its own, however little is in it: never fewer rows than this part of the most.
LEAST = 0.05


class Pace:
    """How many rows one step takes: fewer after a long one, more after a short one."""

    def __init__(self, rows: int, *, most: int) -> None:
        self.rows = rows
        self.least = max(1, int(most * LEAST))
        self.most = most

    @contextmanager
    def step(self) -> Iterator[int]:
        """The number of rows to take now, for what is done in one transaction."""
        begun = time.monotonic()
        yield self.rows
        taken = time.monotonic() - begun
        fitting = int(self.rows * min(2.0, STEP / max(taken, STEP / 4)))
        self.rows = max(self.least, min(self.most, fitting))
        if connection.vendor == "sqlite":
            # Its one writer is asked for again and again, at ever longer distances: let others come first.
            time.sleep(max(PAUSE, taken))

"""How many calls of agents are held in memory at once: an agent that sends many waits, the others do not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import TooManyCalls

# More than an agent has on its way that runs all that it is given at once.
CALLS_AT_ONCE = 8
# With those that wait, of whose bodies nothing is read yet.
CALLS_MOST = 256
SMALL_BYTES = 64 * 1024
# Bodies that are larger, of all agents together; one of each.
LARGE_AT_ONCE = 16


class Line:
    """One agent's calls."""

    __slots__ = ("calls", "large", "places")

    def __init__(self) -> None:
        self.calls = 0
        self.places = asyncio.Semaphore(CALLS_AT_ONCE)
        self.large = asyncio.Semaphore(1)


class Turns:
    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    @asynccontextmanager
    async def turn(self, instance_id: str, body_bytes: int) -> AsyncIterator[None]:
        """The agent's turn, in which its body is read and its call is answered. Raises TooManyCalls."""
        line = self._lines.get(instance_id)
        if line is None:
            line = self._lines[instance_id] = Line()
        if line.calls >= CALLS_MOST:
            raise TooManyCalls("This server makes too many calls at once. Try again.")
        line.calls += 1
        try:
            async with line.places:
                if body_bytes <= SMALL_BYTES:
                    yield
                else:
                    async with line.large, self._large:
                        yield
        finally:
            line.calls -= 1
            if not line.calls:
                del self._lines[instance_id]

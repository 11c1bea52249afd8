"""Waiting for what other processes and threads do: asked often, given up only when it will never come.

Nothing sleeps a fixed time, and nothing has to be fast: a machine ten times slower only takes longer.
"""

import asyncio
import time

PATIENCE_SECONDS = 180.0
PAUSE_SECONDS = 0.01


def eventually(question):
    """The first true answer to `question`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := question()):
        assert time.monotonic() < deadline, f"it did not happen: {question}"
        time.sleep(PAUSE_SECONDS)
    return answer


async def eventually_async(question):
    """The same for a question that is a coroutine function."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (answer := await question()):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(PAUSE_SECONDS)
        return answer


async def soon(awaitable):
    """What must come from this very process."""
    return await asyncio.wait_for(awaitable, PATIENCE_SECONDS)

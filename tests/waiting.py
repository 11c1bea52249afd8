"""Waiting for what other processes and threads do: asked often, given up at a deadline. Nothing sleeps a fixed time."""

import asyncio
import time

PAUSE_SECONDS = 0.01


def eventually(question, seconds=10.0):
    """The first true answer to `question`."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {question}"
        time.sleep(PAUSE_SECONDS)
    return answer


async def eventually_async(question, seconds=10.0):
    """The same for a question that is a coroutine function."""
    async with asyncio.timeout(seconds):
        while not (answer := await question()):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(PAUSE_SECONDS)
        return answer

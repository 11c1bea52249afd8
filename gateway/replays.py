"""Calls that were made: each may be made once, on whichever process."""

import asyncio
from collections import deque

import redis.asyncio

# Commands in one round trip.
ASKED_MOST = 500


class Replays:
    """Remembers calls in Redis. What arrives while a question is on its way goes into the next one: one
    connection and a few round trips for a thousand calls, where a pool would run out of connections.
    """

    def __init__(self, client: redis.asyncio.Redis, *, seconds: int) -> None:
        self._client = client
        self._seconds = seconds
        self._waiting: deque[tuple[str, asyncio.Future[bool]]] = deque()
        self._asking: asyncio.Task[None] | None = None

    async def is_new(self, key: str) -> bool:
        """Whether this is the first time. Raises RedisError."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await future

    async def _ask(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(ASKED_MOST, len(self._waiting)))]
            try:
                answers = await self._ask_once([key for key, _future in batch])
            except Exception as error:  # noqa: BLE001 - the outermost loop: each waiting call gets the error
                answers = [error] * len(batch)
            for (_key, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(bool(answer))

    async def _ask_once(self, keys: list[str]) -> list[object]:
        async with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.execute_command("SET", key, b"", "NX", "EX", self._seconds)
            answers: list[object] = await pipe.execute(raise_on_error=False)
            return answers

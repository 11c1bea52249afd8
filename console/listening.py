"""The process's one ear for the bell: a Redis subscription that comes back by itself."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
# A healthy subscription answers a ping; one whose server vanished without a word does not.
HEALTH_SECONDS = 15


class Ear:
    """Hears both channels and hands on what is said. `missed` is called after every gap."""

    def __init__(self, hearers: Mapping[str, Callable[[Any], None]], missed: Callable[[], None]) -> None:
        self._hearers = hearers
        self._missed = missed

    async def listen(self) -> None:
        """Until cancelled. A ring that comes while Redis is away is lost; the sweeps ring again."""
        while True:
            try:
                await self._listen_once()
            except (redis.RedisError, OSError) as error:
                logger.warning("The bell cannot be heard error=%s", error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _listen_once(self) -> None:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL, health_check_interval=HEALTH_SECONDS)
        async with client, client.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(*self._hearers)
            self._missed()
            while True:
                message = await subscription.get_message(timeout=HEALTH_SECONDS)
                if message is not None:
                    self._hear(message["channel"].decode(), message["data"])

    def _hear(self, channel: str, text: bytes) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            logger.warning("Nonsense on the bell channel=%s", channel)
            return
        try:
            self._hearers[channel](said)
        except Exception:
            # The outermost loop of the process's ear: one ring that nobody understands must not deafen it.
            logger.exception("A ring could not be heard channel=%s", channel)

"""The bell: word through Redis that something is there to look at. Any ring may be lost.

Two channels carry everything. `kicks` says to the processes that hold agents' sockets who is to be rung
and with what text; `news` says to the processes that hold browsers' streams which topics changed.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from functools import cache

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

KICKS = "cloud-assistant:kicks"
NEWS = "cloud-assistant:news"

# Redis is on this machine or near it; who waits longer keeps a request or a transaction's thread.
TIMEOUT_SECONDS = 2


@cache
def client() -> redis.Redis:
    """The process's one connection pool to Redis (safe among threads)."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )


def kick(texts: Mapping[str, str]) -> None:
    """Ring agents: instance id → text to send. To be called after the commit of what they shall find."""
    if texts:
        publish(KICKS, json.dumps(texts))


def tell(topics: Iterable[str]) -> None:
    """Tell watching pages that what these topics stand for has changed."""
    names = sorted(set(topics))
    if names:
        publish(NEWS, json.dumps(names))


def publish(channel: str, message: str) -> None:
    try:
        client().publish(channel, message)
    except redis.RedisError as error:
        # A sweep rings again, and pages reload: the truth is in the database.
        logger.warning("Ring lost channel=%s error=%s", channel, error)

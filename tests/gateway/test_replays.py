"""Calls that come many at a time are all remembered, each once."""

import asyncio

import redis.asyncio
from django.conf import settings

from gateway.replays import Replays


async def test_of_the_same_call_a_thousand_times_one_is_new():
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    replays = Replays(client, seconds=60)

    answers = await asyncio.gather(*(replays.is_new(f"test:{number % 500}") for number in range(1500)))
    later = await replays.is_new("test:7")

    assert answers.count(True) == 500
    assert later is False
    await client.aclose()

"""The worker's and the scheduler's sign of life."""

import time

import redis
from celery import shared_task

from console.kit import bells

HEARTBEAT_KEY = "cloud-assistant:worker-heartbeat"
# The scheduler asks every five seconds; three missed ones are too many.
FRESH_SECONDS = 16


@shared_task
def heartbeat() -> None:
    bells.client().set(HEARTBEAT_KEY, str(int(time.time())), ex=FRESH_SECONDS)


def worker_is_fresh() -> bool:
    """Whether a worker has done the scheduler's last bidding."""
    try:
        return bool(bells.client().exists(HEARTBEAT_KEY))
    except redis.RedisError:
        return False

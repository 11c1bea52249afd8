"""The scheduler: Celery's beat without Django, which it would only carry.

It sends names. What is due is remembered in memory: a new scheduler sends everything at once, and every
task of ours may run twice.
"""

import logging
import logging.config
import signal
import socket
import sys
from datetime import timedelta
from types import FrameType
from typing import NoReturn

import redis
from celery import Celery
from celery.beat import Scheduler, Service

from console import settings

# The longest sleep between two looks, and how long the lease of one that has died still holds.
LOOK_SECONDS = 5.0
LEASE_SECONDS = 8
WAIT_SECONDS = 1.0

LEASE_KEY = "cloud-assistant:scheduler"


class Lease:
    """Of several schedulers on one Redis one sends; the others look whether it still does."""

    def __init__(self, url: str, holder: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=LEASE_SECONDS / 2)
        self._holder = holder

    def is_ours(self) -> bool:
        """Take it or renew it. Two that renew in one moment cost a tick sent twice, which does no harm."""
        try:
            if self._client.set(LEASE_KEY, self._holder, nx=True, ex=LEASE_SECONDS):
                return True
            held = self._client.get(LEASE_KEY) == self._holder.encode()
            return held and bool(self._client.expire(LEASE_KEY, LEASE_SECONDS))
        except redis.RedisError:
            return False


class AtOnce(Scheduler):  # type: ignore[misc]
    """The first tick sends everything: the others need not wait a whole period for the first sign of life."""

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)
        for entry in self.schedule.values():
            entry.last_run_at -= timedelta(days=1)
        # Who comes back to the same folder goes on with the lease of the one that was killed there.
        self._lease = Lease(settings.REDIS_URL, f"{socket.gethostname()}:{settings.DATA_DIR}")

    def tick(self) -> float:
        return float(super().tick()) if self._lease.is_ours() else WAIT_SECONDS


def lean_app() -> Celery:
    app = Celery("scheduler", fixups=[], set_as_current=False)
    app.config_from_object(settings, namespace="CELERY")
    return app


def end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def main() -> int:
    logging.config.dictConfig(settings.LOGGING)
    logging.getLogger("celery.beat").setLevel(logging.WARNING)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    Service(lean_app(), max_interval=LOOK_SECONDS, scheduler_cls=AtOnce).start()
    return 0


if __name__ == "__main__":
    sys.exit(main())

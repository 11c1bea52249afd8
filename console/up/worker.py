"""The worker: Celery with threads, without what only many workers need."""

import logging.config
import os
import socket
import sys
import warnings

from celery import signals
from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import SecurityWarning
from django.conf import settings

from console.celery import app

THREADS = 4


def set_up_logging(**_facts: object) -> None:
    """Whoever listens to Celery's signal keeps it from setting up logging its own way."""
    logging.config.dictConfig(settings.LOGGING)
    logging.getLogger("celery").setLevel(logging.WARNING)


def main() -> int:
    signals.setup_logging.connect(set_up_logging)
    # That it runs as root is its operator's decision; what a later Celery will do differently is ours to read.
    for category in (SecurityWarning, CPendingDeprecationWarning):
        warnings.filterwarnings("ignore", category=category)
    # Nobody sends a worker orders; each name would leave a queue behind in Redis.
    app.conf.worker_enable_remote_control = False
    worker = app.Worker(
        hostname=f"worker-{os.getpid()}@{socket.gethostname()}",
        pool="threads",
        concurrency=THREADS,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        task_events=False,
        quiet=True,
    )
    # Celery's farewell goes to standard output, past all logging.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())

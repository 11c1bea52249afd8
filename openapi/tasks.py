"""The clock's and the queue's door of this room. Every task may run twice and may die at any line."""

from threading import Lock

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from openapi import changes, idempotency, webhooks

telling = Lock()


@shared_task
def forget_old() -> None:
    now = timezone.now()
    idempotency.forget(SYSTEM, now=now)
    changes.forget(SYSTEM, now=now)


@shared_task
def tell_webhooks() -> None:
    """One thread of a worker at most waits for receivers, however slow they are: the others have runs to sweep."""
    if not telling.acquire(blocking=False):
        return
    try:
        webhooks.tell_due(SYSTEM)
    finally:
        telling.release()

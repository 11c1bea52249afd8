"""The clock's and the queue's door of this room. Every task may run twice and may die at any line."""

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from openapi import changes, idempotency, webhooks


@shared_task
def forget_old() -> None:
    now = timezone.now()
    idempotency.forget(SYSTEM, now=now)
    changes.forget(SYSTEM, now=now)


@shared_task
def tell_webhooks() -> None:
    webhooks.tell_due(SYSTEM)

"""The clock's door of this room."""

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from openapi import idempotency


@shared_task
def forget_tokens() -> None:
    idempotency.forget(SYSTEM, now=timezone.now())

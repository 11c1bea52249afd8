"""The clock's door of this room."""

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from assistant.instances.operations.presence import sweep_channels


@shared_task
def sweep() -> None:
    sweep_channels(SYSTEM, now=timezone.now())

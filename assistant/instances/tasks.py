"""The clock's door of this room."""

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from assistant.instances.operations.presence import sweep_channels, tell_silence


@shared_task
def sweep() -> None:
    now = timezone.now()
    sweep_channels(SYSTEM, now=now)
    tell_silence(SYSTEM, now=now)

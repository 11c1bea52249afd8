"""The clock's and the queue's door of this room. Every task may run twice and may die at any line."""

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from assistant.invocations import limits
from assistant.invocations.models import Invocation
from assistant.invocations.operations import deliveries, sweeps


@shared_task
def ring_targets(invocation_id: str) -> None:
    deliveries.ring_targets(SYSTEM, invocation_id)


@shared_task
def sweep() -> None:
    now = timezone.now()
    sweeps.release_stragglers(SYSTEM, now=now)
    while sweeps.end_overdue(SYSTEM, now=now) == limits.SWEEP_BATCH:
        pass
    deliveries.ring_unheard(SYSTEM, now=now)


@shared_task
def repair() -> None:
    now = timezone.now()
    for invocation in Invocation.objects.running().only("pk").iterator():
        sweeps.repair_counters(SYSTEM, invocation, now=now)

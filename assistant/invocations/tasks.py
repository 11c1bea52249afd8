"""The clock's and the queue's door of this room. Every task may run twice and may die at any line."""

import time

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from assistant.invocations import followups, limits
from assistant.invocations.models import Invocation
from assistant.invocations.operations import deliveries, indexing, plan_limits, retention, rollouts, sweeps
from assistant.invocations.operations.pacing import Pace


@shared_task
def ring_targets(invocation_id: str) -> None:
    deliveries.ring_targets(SYSTEM, invocation_id)


@shared_task
def sweep() -> None:
    now = timezone.now()
    sweeps.release_stragglers(SYSTEM, now=now)
    while sweeps.end_overdue(SYSTEM, now=now) == limits.SWEEP_BATCH:
        pass
    rollouts.advance_all(SYSTEM, now=now)
    deliveries.ring_unheard(SYSTEM, now=now)


@shared_task
def hold_plans() -> None:
    plan_limits.hold_plans(SYSTEM, now=timezone.now())


@shared_task
def advance_rollout(invocation_id: str) -> None:
    rollouts.advance_on(SYSTEM, invocation_id, now=timezone.now())


@shared_task
def repair() -> None:
    now = timezone.now()
    for invocation in Invocation.objects.running().only("pk").iterator():
        sweeps.repair_counters(SYSTEM, invocation, now=now)


@shared_task
def index_outputs() -> None:
    pace = Pace(limits.INDEX_ROWS, most=limits.INDEX_ROWS_MOST)
    indexing.index_outputs(SYSTEM, pace=pace, until=time.monotonic() + limits.INDEX_FOR)


@shared_task
def purge_results() -> None:
    pace = Pace(limits.PURGE_ROWS, most=limits.PURGE_ROWS_MOST)
    until = time.monotonic() + limits.PURGE_FOR
    purged = retention.purge_results(SYSTEM, now=timezone.now(), pace=pace, until=until)
    if not purged.is_done:
        followups.purge_on()

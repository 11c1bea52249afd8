"""The clock's and the queue's door of this room. Every task may run twice and may die at any line."""

import logging
import time

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from assistant.invocations import followups, limits
from assistant.invocations.models import Invocation
from assistant.invocations.operations import deliveries, indexing, plan_limits, retention, rollouts, sweeps
from assistant.invocations.operations.apart import apart
from assistant.invocations.operations.pacing import Pace

logger = logging.getLogger(__name__)

# What each sweep does, one behind the other; none of them keeps the others waiting.
SWEEP = (sweeps.release_stragglers, sweeps.end_all_overdue, rollouts.advance_all, deliveries.ring_unheard)


@shared_task
def ring_targets(invocation_id: str) -> None:
    deliveries.ring_targets(SYSTEM, invocation_id)


@shared_task
def sweep() -> None:
    now = timezone.now()
    for part in SWEEP:
        try:
            part(SYSTEM, now=now)
        except Exception:
            logger.exception("Part of the sweep failed part=%s", part.__name__)


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
        with apart("invocation", invocation.pk):
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

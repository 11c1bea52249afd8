"""What agents report, many at once."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.principals import Principal
from assistant.invocations.models import Target
from assistant.invocations.operations.records import learn_moments
from assistant.invocations.operations.writing import hold, write
from assistant.invocations.rules.progress import Chunk, Run, take
from assistant.invocations.rules.recurring import Series
from assistant.invocations.rules.reports import Outcome, Report

logger = logging.getLogger(__name__)


@transaction.atomic
def record_reports(_principal: Principal, reports: Sequence[Report]) -> list[Outcome]:
    """Record reports of many agents in one transaction; one outcome per report, in their order.

    A report on a task that is none, or another instance's, or on a run that its plan cannot have had, is
    UNKNOWN and changes nothing; its neighbours are recorded. No audit entry per report.
    """
    now = timezone.now()
    pairs = [(report.invocation_id, report.instance_id) for report in reports]
    starts, versions = {report.start for report in reports}, {report.invoke_version for report in reports}
    batch = hold(Target.objects.of_reports(pairs), starts=starts, versions=versions)
    runs = {(run.invocation_id, run.instance_id): run for run in batch.runs}
    series = {(one.run.invocation_id, one.run.instance_id): one for one in batch.series.values()}
    told = [(series[pair], report) for pair, report in zip(pairs, reports, strict=True) if pair in series]
    learn_moments(told, now=now)
    chunks: list[Chunk] = []
    outcomes: list[Outcome] = []
    refused: set[tuple[str, str]] = set()
    for pair, report in zip(pairs, reports, strict=True):
        outcome, chunk = record_report(runs.get(pair), series.get(pair), report, now=now)
        outcomes.append(outcome)
        if chunk is not None:
            chunks.append(chunk)
        if outcome is Outcome.UNKNOWN:
            refused.add(pair)
    write(batch, chunks, now=now)
    for invocation_id, instance_id in sorted(refused):
        logger.warning("Reports of no run of ours invocation=%s instance=%s", invocation_id, instance_id)
    return outcomes


def record_report(
    run: Run | None, series: Series | None, report: Report, *, now: datetime
) -> tuple[Outcome, Chunk | None]:
    limit = settings.OUTPUT_LIMIT
    if run is None:
        return Outcome.UNKNOWN, None
    if series is not None:
        return series.take(report, now=now, limit=limit)
    outcome = Outcome.LATE if run.is_settled else Outcome.RECORDED
    return outcome, take(run, report, now=now, limit=limit)

"""What agents report, many at once."""

import logging
from collections.abc import Sequence
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.principals import Principal
from assistant.invocations.models import Target
from assistant.invocations.operations.writing import hold, write
from assistant.invocations.rules.progress import Chunk, take
from assistant.invocations.rules.reports import Outcome, Report

logger = logging.getLogger(__name__)


@transaction.atomic
def record_reports(_principal: Principal, reports: Sequence[Report]) -> list[Outcome]:
    """Record reports of many agents in one transaction; one outcome per report, in their order.

    A report on a task that is none, or another instance's, is UNKNOWN and changes nothing; its neighbours
    are recorded. No audit entry per report.
    """
    now = timezone.now()
    pairs = [(report.invocation_id, report.instance_id) for report in reports]
    starts, versions = {report.start for report in reports}, {report.invoke_version for report in reports}
    batch = hold(Target.objects.of_reports(pairs), starts=starts, numbers=versions)
    runs = {(run.invocation_id, run.instance_id): run for run in batch.runs}
    chunks: list[Chunk] = []
    outcomes: list[Outcome] = []
    for pair, report in zip(pairs, reports, strict=True):
        run = runs.get(pair)
        if run is None:
            logger.info("Report for an unknown task invocation=%s instance=%s", *pair)
            outcomes.append(Outcome.UNKNOWN)
            continue
        series = batch.series.get(run.id)
        outcomes.append(Outcome.LATE if run.is_settled and not series else Outcome.RECORDED)
        take_it = series.take if series else partial(take, run)
        chunk = take_it(report, now=now, limit=settings.OUTPUT_LIMIT)
        if chunk is not None:
            chunks.append(chunk)
    write(batch, chunks, now=now)
    return outcomes

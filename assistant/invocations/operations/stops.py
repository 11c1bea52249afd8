"""Stop runs (CA-199 to CA-202)."""

import logging

from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.principals import Principal
from assistant.instances.operations.permissions import authorize_instances
from assistant.invocations import followups
from assistant.invocations.errors import NothingToStop
from assistant.invocations.models import Invocation
from assistant.invocations.operations.writing import hold, write
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.progress import order_stop
from assistant.invocations.states import Status

logger = logging.getLogger(__name__)


@operation("ecs:StopInvocation")
def stop_invocation(
    principal: Principal, invocation: Invocation, *, targets: TargetQuerySet | None = None
) -> Invocation:
    """Stop an invocation on some of its targets, or on all that are open.

    What no agent has fetched is over at once; the rest is Stopping until its agent confirms. A second order
    while the first is on its way changes nothing. Raises NothingToStop when everything has ended.
    """
    # What is being added to a plan at this moment is stopped with the rest.
    Invocation.objects.take_turn(invocation.pk)
    chosen = invocation.targets.all() if targets is None else targets.filter(invocation=invocation)
    chosen = chosen.unfinished()
    places = chosen.order_by("pk").values_list("instance_id", "instance__region_id")
    authorize_instances(principal, "ecs:StopInvocation", places)

    now = timezone.now()
    batch = hold(chosen)
    if not batch.runs:
        raise NothingToStop(_("There is nothing to stop: everything has ended."))

    for run in batch.runs:
        series = batch.series.get(run.id)
        series.order_stop(now=now) if series else order_stop(run, now=now)
    stopped = write(batch, now=now)
    invocation.refresh_from_db()

    record(principal, "ecs:StopInvocation", invocation.pk, targets=stopped)
    logger.info("Invocation stopped invocation=%s principal=%s", invocation.pk, principal.name)
    stopping = [run.instance_id for run in batch.runs if run.status is Status.STOPPING]
    followups.deliver_stop(invocation.pk, stopping)
    return invocation

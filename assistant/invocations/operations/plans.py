"""Change plans that go on (API: ModifyInvocationAttribute)."""

import logging
from collections import Counter
from datetime import datetime

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.principals import Principal
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations import errors, followups, limits
from assistant.invocations.models import Invocation
from assistant.invocations.operations.guard import check_guard
from assistant.invocations.operations.parameters import values_of
from assistant.invocations.operations.runs import (
    Place,
    authorize_run,
    beginning_of,
    check_places,
    create_targets,
    places_of,
)
from assistant.invocations.operations.writing import invocation_values, write_counters
from assistant.invocations.rules.plans import PlanKind
from assistant.invocations.rules.schedules import Schedule
from assistant.invocations.states import Overall

logger = logging.getLogger(__name__)


@operation("ecs:ModifyInvocationAttribute")
def modify_invocation_attribute(
    principal: Principal, invocation: Invocation, *, targets: InstanceQuerySet, confirmed: str = ""
) -> Invocation:
    """Have a plan run on the registered ones of `targets` in its region, too, from its next moment on.

    Those that it runs on already stay as they are. Raises PlanNotOpen for what is no plan, or is over, and
    ConfirmationNeeded where the guard would ask about a plan for all of them.
    """
    action = "ecs:ModifyInvocationAttribute"
    now = timezone.now()
    places = places_of(targets.filter(region=invocation.region_id), now=now)
    authorize_run(principal, action, places, invocation.username, command=invocation.command.arn)

    Invocation.objects.take_turn(invocation.pk)
    held = Invocation.objects.locked([invocation.pk]).get()
    check_open(held, now=now)
    known = set(held.targets.values_list("instance_id", flat=True))
    new = [place for place in places if place.id not in known]
    check_places(new, invocation.command.type, invocation.username)
    everywhere = sorted({*known, *(place.id for place in new)})
    values = values_of(invocation)
    agreed = check_guard(
        principal, invocation.command, values, everywhere, confirmed=confirmed, begins_now=False
    )

    create_targets(held, new, now=now)
    count(held, new, now=now)
    held.refresh_from_db()

    some = [place.id for place in new[: limits.NAMED_IN_AUDIT]]
    asked = {"confirmed": agreed} if agreed else {}
    record(principal, action, invocation.pk, targets=len(new), **asked, instances=some)
    logger.info("Plan extended invocation=%s principal=%s targets=%d", held.pk, principal.name, len(new))
    followups.deliver(held.pk, [place.id for place in new if place.connected])
    followups.runs_changed([held.pk], [place.id for place in new])
    return held


def check_open(invocation: Invocation, *, now: datetime) -> None:
    """Raise PlanNotOpen where nothing can be added."""
    if not invocation.plan.waits or invocation.is_rollout:
        raise errors.PlanNotOpen(_("Instances are added to plans only. Run the command on them instead."))
    if not has_runs_to_come(invocation, now=now):
        raise errors.PlanOver(_("The plan is over: it has no further run."))


def is_open(invocation: Invocation, *, now: datetime) -> bool:
    """Whether instances can be added to it."""
    is_plan = invocation.plan.waits and not invocation.is_rollout
    return is_plan and has_runs_to_come(invocation, now=now)


def has_runs_to_come(invocation: Invocation, *, now: datetime) -> bool:
    if invocation.is_final or invocation.state is Overall.STOPPING:
        return False
    schedule = Schedule(invocation.plan, invocation.created_at, invocation.expires_at)
    return invocation.plan.kind is PlanKind.NEXT_START or schedule.goes_on(now)


def count(invocation: Invocation, new: list[Place], *, now: datetime) -> None:
    """The new targets in the invocation's counters, and the state that follows."""
    begun = Counter(beginning_of(place, invocation.plan, is_patient=False)[0] for place in new)
    counts = {status: number + begun[status] for status, number in invocation.counts.items()}
    Invocation.objects.filter(pk=invocation.pk).update(n_total=F("n_total") + len(new))
    write_counters([invocation_values(invocation, counts, now=now)])

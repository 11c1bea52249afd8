"""What has happened, for programs: noted with it, told in order, kept for a week.

A change says what it is about; what is told of it is what the listener may see when it is told.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from access.principals import Principal
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation
from console.kit import bells
from console.kit.clock import api_time
from openapi import limits
from openapi.models import Change, ChangeKind

# Rung after the commit of a change.
TOPIC = "changes"
# Whoever notes a change holds this until the commit, so that no later id is seen before an earlier one.
LOCK = 7_214_500_117


def note(kind: ChangeKind, region_id: str, resource_id: str) -> None:
    """Note a change in the transaction that makes it. The last lock of it but the audit trail's."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    Change.objects.create(kind=kind, region_id=region_id, resource_id=resource_id)
    transaction.on_commit(partial(bells.tell, [TOPIC]))


def newest() -> int:
    """The id of the last change there is; 0 before the first."""
    return Change.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def has_gap(after: int) -> bool:
    """Whether changes that came after this one are not kept any more."""
    oldest = Change.objects.order_by("pk").values_list("pk", flat=True).first()
    return oldest is not None and after + 1 < oldest


def next_changes(after: int) -> list[Change]:
    return list(Change.objects.filter(pk__gt=after).order_by("pk")[: limits.CHANGES_PER_STEP])


def told(principal: Principal, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What the principal may hear of these, in their order. Two queries, however many there are."""
    runs = {change.resource_id for change in changes if change.kind != ChangeKind.INSTANCE_RELEASED}
    gone = {change.resource_id for change in changes if change.kind == ChangeKind.INSTANCE_RELEASED}
    facts: dict[str, dict[str, Any]] = {}
    if runs:
        seen = Invocation.objects.visible_to(principal).filter(pk__in=runs)
        facts |= {run.pk: facts_of(run) for run in seen.select_related("command").defer("command__content")}
    if gone:
        instances = Instance.objects.visible_to(principal).filter(pk__in=gone)
        facts |= {
            pk: {"InstanceId": pk, "InstanceName": name} for pk, name in instances.values_list("pk", "name")
        }
    return [
        {
            "Id": change.pk,
            "Kind": change.kind,
            "RegionId": change.region_id,
            "Time": api_time(change.created_at),
            **facts[change.resource_id],
        }
        for change in changes
        if change.resource_id in facts
    ]


def facts_of(run: Invocation) -> dict[str, Any]:
    return {
        "InvokeId": run.pk,
        "CommandId": run.command_id,
        "CommandName": run.command.name,
        "RepeatMode": run.repeat_mode,
        "InvocationStatus": run.status,
        "InvokeStatus": run.invoke_status.value,
        "Counts": {status.value: number for status, number in run.counts.items() if number},
    }


def forget(_principal: Principal, *, now: datetime) -> int:
    """Let go of what is too old to be asked for; says how many. The newest stays: ids are counted on from it."""
    old = Change.objects.filter(created_at__lte=now - limits.CHANGES_KEPT, pk__lt=newest())
    gone, _by_model = old.delete()
    return gone

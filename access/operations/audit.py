"""The audit trail's one way in."""

from typing import Any

from access.models import AuditEntry
from access.principals import Principal


def record(principal: Principal, action: str, resource: str = "", **facts: Any) -> AuditEntry:
    """Write what `principal` did, in the transaction that did it. Facts are JSON and hold no secrets."""
    return AuditEntry.objects.create(
        principal=principal.name,
        door=principal.door,
        source_ip=principal.source_ip,
        action=action,
        resource=resource,
        facts=facts,
    )

"""The audit trail's one way in: entries are made, then added to the end of the chain."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from access.models import AuditEntry, AuditHead
from access.principals import Principal
from access.rules.chain import plain, text

# The one row at the end of the chain.
HEAD = 1
# What SQLite takes in one statement, for thirteen columns.
BATCH = 500


def entry(
    principal: Principal,
    action: str,
    resource: str,
    facts: dict[str, Any],
    *,
    decided_by: str = "",
    outcome: AuditEntry.Outcome = AuditEntry.Outcome.DONE,
) -> AuditEntry:
    """An entry that is not written yet. Texts are cut to what there is room for."""
    return AuditEntry(
        principal=text(principal.name, 150),
        role=text(principal.role, 64),
        door=text(principal.door),
        source_ip=text(principal.source_ip, 45),
        action=text(action, 64),
        resource=text(resource, 200),
        outcome=text(outcome),
        decided_by=text(decided_by, 140),
        facts=plain(facts),
    )


def append(entries: Sequence[AuditEntry]) -> None:
    """Add entries to the end of the chain, in their order.

    The chain's end is held until the commit: numbers have no holes, also where a transaction is rolled
    back, and whoever comes next waits. So this is the last thing that a transaction does.
    """
    if not entries:
        return
    with transaction.atomic(savepoint=False):
        head, _is_new = AuditHead.objects.select_for_update().get_or_create(pk=HEAD)
        for one in entries:
            head.number += 1
            one.number, one.previous = head.number, head.hash
            head.hash = one.hash = one.link.computed_hash()
        AuditEntry.objects.bulk_create(entries, batch_size=BATCH)
        AuditHead.objects.filter(pk=HEAD).update(number=head.number, hash=head.hash)

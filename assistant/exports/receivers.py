"""This room's ear for the runs below."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from assistant.exports.models import Export
from assistant.invocations.signals import runs_about_to_be_purged


@receiver(runs_about_to_be_purged, dispatch_uid="exports.hold_runs")
def hold_runs(invocation_ids: Sequence[str], **_other: Any) -> set[str]:
    """What a file is being written of stays until it is written."""
    being_written = Export.objects.unfinished().filter(invocation__in=invocation_ids)
    return set(being_written.values_list("invocation_id", flat=True))

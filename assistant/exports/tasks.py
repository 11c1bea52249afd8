"""The queue's and the clock's door of this room."""

from celery import shared_task
from django.utils import timezone

from access.principals import SYSTEM
from assistant.exports.models import Export
from assistant.exports.operations import writing


@shared_task
def write_export(export_id: str) -> None:
    for export in Export.objects.unfinished().filter(pk=export_id):
        writing.write_step(SYSTEM, export)


@shared_task
def sweep() -> None:
    now = timezone.now()
    writing.take_up(SYSTEM, now=now)
    writing.purge(SYSTEM, now=now)

"""This room's ear for what happens below, inside the transactions in which it does."""

from typing import Any

from django.dispatch import receiver

from assistant.instances.models import Instance
from assistant.instances.signals import instance_released
from assistant.invocations.signals import invocation_begun, invocation_final
from openapi.changes import note
from openapi.models import ChangeKind


@receiver(invocation_begun, dispatch_uid="openapi.invocation_begun")
def note_begin(invocation_id: str, region_id: str, **_other: Any) -> None:
    note(ChangeKind.INVOCATION_CREATED, region_id, invocation_id)


@receiver(invocation_final, dispatch_uid="openapi.invocation_final")
def note_end(invocation_id: str, region_id: str, **_other: Any) -> None:
    note(ChangeKind.INVOCATION_ENDED, region_id, invocation_id)


@receiver(instance_released, dispatch_uid="openapi.instance_released")
def note_release(instance: Instance, **_other: Any) -> None:
    note(ChangeKind.INSTANCE_RELEASED, instance.region_id, instance.pk)

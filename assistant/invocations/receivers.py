"""This room's ear for the instances below."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from access.principals import SYSTEM
from assistant.instances.models import Instance
from assistant.instances.signals import instance_released
from assistant.invocations.operations.sweeps import release_runs


@receiver(instance_released, dispatch_uid="invocations.release_runs")
def end_open_runs(instance: Instance, now: datetime, **_other: Any) -> None:
    release_runs(SYSTEM, instance, now=now)

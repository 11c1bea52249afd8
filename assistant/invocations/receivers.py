"""This room's ears for the instances and commands below."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from access.principals import SYSTEM
from assistant.commands.signals import commands_about_to_be_deleted
from assistant.instances.models import Instance
from assistant.instances.signals import instance_released
from assistant.invocations.models import Invocation
from assistant.invocations.operations.sweeps import release_runs


@receiver(instance_released, dispatch_uid="invocations.release_runs")
def end_open_runs(instance: Instance, now: datetime, **_other: Any) -> None:
    release_runs(SYSTEM, instance, now=now)


@receiver(commands_about_to_be_deleted, dispatch_uid="invocations.name_holders")
def name_holders(command_ids: Sequence[str], **_other: Any) -> dict[str, list[str]]:
    return Invocation.objects.holding(command_ids)

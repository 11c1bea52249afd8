"""Restarting servers (CA-274)."""

from typing import Any

from django.db import transaction

from access.operations.calls import remembered
from access.principals import Principal
from assistant.instances.models import Instance
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.models import Target
from assistant.invocations.operations.reboots import reboot_instances
from openapi.actions.base import Regional
from openapi.actions.instances import RUNNING, STARTING, STOPPED, DryRunPassed, InstanceIdNotFound
from openapi.actions.runs import all_named
from openapi.errors import ApiError
from openapi.parameters import Flag, Text, Texts


class DryRunsPassed(DryRunPassed):
    """What the plural actions say."""

    code = "DRYRUN.SUCCESS"


class Rebooting(Regional):
    """What both have in common: each server is told, and is back when its agent is."""

    codes = {"InvalidUsername.NotSupported": "Operation.Forbidden"}
    passed: type[ApiError]

    dry_run = Flag(doc="only check")

    @classmethod
    def permission(cls) -> str:
        return "ecs:RebootInstance"

    def reboot(self, principal: Principal, ids: list[str], *, force: bool, only_connected: bool) -> list[str]:
        """The ids of those that restart. Raises `passed` where only the checks are asked for."""
        rows: InstanceQuerySet = Instance.objects.registered().filter(region=self.region)
        targets = all_named(rows, ids, InstanceIdNotFound)
        with remembered(principal), transaction.atomic():
            runs = reboot_instances(
                principal, self.region, targets=targets, force=force, only_connected=only_connected
            )
            if self.dry_run:
                raise self.passed("All checks pass. Nothing was restarted.")
        return list(Target.objects.filter(invocation__in=runs).values_list("instance_id", flat=True))


class RebootInstance(Rebooting):
    doc = "Restart a server. It is `Starting` until its agent is back with its system, then `Running`."
    passed = DryRunPassed

    instance_id = Text(required=True, doc="the server's id")
    force_stop = Flag(doc="without waiting for services to end")

    def perform(self, principal: Principal) -> dict[str, Any]:
        self.reboot(principal, [self.instance_id], force=self.force_stop, only_connected=False)
        return {}


class RebootInstances(Rebooting):
    doc = "Restart servers, all at once. Each is `Starting` until its agent is back, then `Running`."
    answer = {
        "InstanceResponses": {
            "InstanceResponse": [
                {
                    "Code": str,
                    "CurrentStatus": str,
                    "InstanceId": str,
                    "Message": str,
                    "PreviousStatus": str,
                }
            ]
        }
    }
    passed = DryRunsPassed

    instance_ids = Texts("InstanceId", required=True, most=100, doc="1 to 100 servers")
    batch_optimization = Text(
        one_of=("AllTogether", "SuccessFirst"),
        doc="`AllTogether` (default): all or none; `SuccessFirst`: those that can be reached",
    )
    force_reboot = Flag(doc="without waiting for services to end")

    def perform(self, principal: Principal) -> dict[str, Any]:
        some = self.batch_optimization == "SuccessFirst"
        going = self.reboot(principal, self.instance_ids, force=self.force_reboot, only_connected=some)
        told = [answer_for(pk, is_going=pk in going) for pk in self.instance_ids]
        return {"InstanceResponses": {"InstanceResponse": told}}


def answer_for(instance_id: str, *, is_going: bool) -> dict[str, str]:
    return {
        "Code": "200" if is_going else "IncorrectInstanceStatus",
        "CurrentStatus": STARTING if is_going else STOPPED,
        "InstanceId": instance_id,
        "Message": "success" if is_going else "The server cannot be reached: it is not restarted.",
        "PreviousStatus": RUNNING if is_going else STOPPED,
    }

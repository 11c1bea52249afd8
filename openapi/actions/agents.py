"""How the agents on servers are."""

from typing import Any

from django.utils import timezone

from access.principals import Principal
from assistant.instances.models import Instance
from assistant.instances.operations.installing import install_cloud_assistant
from assistant.invocations.models import Target
from console.kit.clock import api_time
from openapi.actions.base import Regional
from openapi.actions.instances import (
    IDS_MOST,
    TOO_MANY,
    InstanceNotFound,
    InstancesOfRegion,
    history_of,
)
from openapi.paging import PAGE
from openapi.parameters import Text, Texts

OS_TYPES = {"linux": "Linux", "windows": "Windows", "freebsd": "FreeBSD"}


class DescribeCloudAssistantStatus(InstancesOfRegion):
    doc = "How the agents are. With ids named, all of them are in the answer."
    answer = {
        "InstanceCloudAssistantStatusSet": {
            "InstanceCloudAssistantStatus": [
                {
                    "ActiveTaskCount": int,
                    "CloudAssistantStatus": str,
                    "CloudAssistantVersion": str,
                    "InstanceId": str,
                    "InvocationCount": int,
                    "LastHeartbeatTime": str,
                    "LastInvokedTime": str,
                    "OSType": str,
                    "SupportSessionManager": bool,
                }
            ]
        },
        **PAGE,
    }

    os_type = Text("OSType", one_of=("Windows", "Linux", "FreeBSD"), doc="system")

    def perform(self, principal: Principal) -> dict[str, Any]:
        rows = self.seen(principal).with_connection(timezone.now())
        if self.os_type:
            rows = rows.filter(os_type=self.os_type.lower())
        if self.instance_ids:
            found = list(rows.order_by("-registered_at", "-pk"))
            self._check(found)
            fields = {"PageNumber": 1, "PageSize": len(found), "TotalCount": len(found), "NextToken": ""}
        else:
            page = self.page(rows, "-registered_at", "-pk")
            found, fields = page.rows, page.fields
        return {
            "InstanceCloudAssistantStatusSet": {"InstanceCloudAssistantStatus": statuses(found)},
            **fields,
        }

    def _check(self, found: list[Instance]) -> None:
        if not self.os_type and len(found) < len(self.instance_ids):
            missing = sorted(set(self.instance_ids) - {row.pk for row in found})
            raise InstanceNotFound(f"There is no instance {missing[0]}.", field="InstanceId")


class InstallCloudAssistant(Regional):
    doc = "Servers are here because their agents are: there is nothing to install, and ids are checked."

    instance_ids = Texts(
        "InstanceId",
        required=True,
        missing="MissingParam.InstanceId",
        most=IDS_MOST,
        too_many=TOO_MANY,
        doc="the servers, up to 50",
    )

    def perform(self, principal: Principal) -> dict[str, Any]:
        rows = Instance.objects.visible_to(principal).registered().filter(region=self.region)
        found = rows.filter(pk__in=self.instance_ids)
        missing = sorted(set(self.instance_ids) - set(found.values_list("pk", flat=True)))
        if missing:
            raise InstanceNotFound(f"There is no instance {missing[0]}.", field="InstanceId")
        install_cloud_assistant(principal, found)
        return {}


def statuses(rows: list[Any]) -> list[dict[str, Any]]:
    history = history_of(rows)
    running = Target.objects.running_per_instance([row.pk for row in rows])
    listed = []
    for row in rows:
        number, last = history.get(row.pk, (0, ""))
        status = {
            "ActiveTaskCount": running.get(row.pk, 0),
            "CloudAssistantStatus": "true" if row.is_connected else "false",
            "CloudAssistantVersion": row.agent_version,
            "InstanceId": row.pk,
            "InvocationCount": number,
            "LastHeartbeatTime": api_time(row.last_seen_at),
            "LastInvokedTime": last,
            "OSType": OS_TYPES.get(row.os_type, row.os_type),
            "SupportSessionManager": False,
        }
        listed.append(status)
    return listed

"""Servers as managed instances: registered, renamed, let go."""

from typing import Any

from django.db.models import Q
from django.utils import timezone

from access.principals import Principal
from assistant.instances.models import Instance
from assistant.instances.operations.instances import rename_instance
from assistant.instances.operations.releases import deregister_managed_instance
from console.kit.clock import api_time
from openapi.actions.base import Regional
from openapi.actions.instances import (
    InstanceIdNotFound,
    InstancesOfRegion,
    history_of,
    like,
    tagged,
    tags_of,
)
from openapi.paging import PAGE
from openapi.parameters import Pairs, Text

FACTS = {
    "ActivationId": str,
    "AgentVersion": str,
    "Hostname": str,
    "InstanceId": str,
    "InstanceName": str,
    "InternetIp": str,
    "IntranetIp": str,
    "InvocationCount": int,
    "LastInvokedTime": str,
    "MachineId": str,
    "OsType": str,
    "OsVersion": str,
    "RegistrationTime": str,
    "ResourceGroupId": str,
}


class DescribeManagedInstances(InstancesOfRegion):
    doc = "The registered servers of a region, the newest first."
    answer = {
        "Instances": [{**FACTS, "Connected": bool, "Tags": [{"TagKey": str, "TagValue": str}]}],
        **PAGE,
    }

    activation_id = Text(doc="registered with this activation")
    connected = Text(one_of=("true", "false"), doc="`true` or `false`: whether commands can be sent now")
    instance_ip = Text(doc="private or public address")
    instance_name = Text(doc="name; `*` at either end stands for anything")
    machine_id = Text(doc="machine id")
    os_type = Text(one_of=("windows", "linux", "freebsd"), doc="system")
    tag = Pairs(doc="with all of these tags")

    def perform(self, principal: Principal) -> dict[str, Any]:
        now = timezone.now()
        rows = tagged(self.seen(principal), self.tag).filter(self._asked())
        if self.connected:
            rows = rows.connected(now) if self.connected == "true" else rows.disconnected(now)
        page = self.page(rows.with_connection(now).for_table(), "-registered_at", "-pk")
        history = history_of(page.rows)
        listed = [
            {**facts_of(row, history), "Connected": row.is_connected, "Tags": tags_of(row)}
            for row in page.rows
        ]
        return {"Instances": listed, **page.fields}

    def _asked(self) -> Q:
        wanted = like("name", self.instance_name) if self.instance_name else Q()
        if self.activation_id:
            wanted &= Q(activation=self.activation_id)
        if self.instance_ip:
            wanted &= Q(intranet_ip=self.instance_ip) | Q(internet_ip=self.instance_ip)
        if self.machine_id:
            wanted &= Q(machine_id=self.machine_id)
        return wanted & Q(os_type=self.os_type) if self.os_type else wanted


class OneInstance(Regional):
    instance_id = Text(required=True, doc="the server's id")

    def instance(self, principal: Principal) -> Instance:
        rows = Instance.objects.visible_to(principal).registered().filter(region=self.region)
        found = rows.filter(pk=self.instance_id).first()
        if found is None:
            raise InstanceIdNotFound("There is no such instance.", field="InstanceId")
        return found


class ModifyManagedInstance(OneInstance):
    doc = "Give a server another name."
    answer = {"Instance": {"InstanceId": str, "InstanceName": str}}
    codes = {"InvalidParameter.name": "InstanceName.InvalidPattern"}

    instance_name = Text(required=True, doc="the new name")

    def perform(self, principal: Principal) -> dict[str, Any]:
        instance = rename_instance(principal, self.instance(principal), name=self.instance_name)
        return {"Instance": {"InstanceId": instance.pk, "InstanceName": instance.name}}


class DeregisterManagedInstance(OneInstance):
    doc = "Let a server go. Its agent is told, and its open runs end."
    answer = {"Instance": FACTS}
    is_idempotent = True
    codes = {"InvalidInstance.Released": "InvalidInstanceId.NotFound"}

    def perform(self, principal: Principal) -> dict[str, Any]:
        instance = self.instance(principal)
        said = facts_of(instance, history_of([instance]))
        deregister_managed_instance(principal, instance)
        return {"Instance": said}


def facts_of(row: Instance, history: dict[str, tuple[int, str]]) -> dict[str, Any]:
    number, last = history.get(row.pk, (0, ""))
    return {
        "ActivationId": row.activation_id or "",
        "AgentVersion": row.agent_version,
        "Hostname": row.hostname,
        "InstanceId": row.pk,
        "InstanceName": row.name,
        "InternetIp": row.internet_ip,
        "IntranetIp": row.intranet_ip,
        "InvocationCount": number,
        "LastInvokedTime": last,
        "MachineId": row.machine_id,
        "OsType": row.os_type,
        "OsVersion": row.os_version,
        "RegistrationTime": api_time(row.registered_at),
        "ResourceGroupId": "",
    }

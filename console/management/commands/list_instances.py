from argparse import ArgumentParser
from typing import Any

from access.operations.decisions import authorize
from access.principals import Principal
from assistant.instances.models import Instance
from assistant.instances.states import ConnectionStatus
from console.kit.clock import api_time
from console.management.doors import DoorCommand, add_region, region_named


class Command(DoorCommand):
    help = "List the managed instances."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_region(parser)
        parser.add_argument("--connected", action="store_true", help="only those that take commands now")

    def act(
        self, principal: Principal, *, region: str, connected: bool, as_json: bool, **_options: Any
    ) -> None:
        authorize(principal, "DescribeManagedInstances")
        instances = Instance.objects.visible_to(principal).registered()
        if region:
            instances = instances.filter(region=region_named(region))
        if connected:
            instances = instances.connected()
        rows = list(instances.with_history().order_by("name", "pk"))
        self.show([fields(row) for row in rows], lambda: [line(row) for row in rows], as_json=as_json)


def fields(row: Any) -> dict[str, str | int | bool]:
    """As CA-42 has them."""
    return {
        "InstanceId": row.pk,
        "InstanceName": row.name,
        "Hostname": row.hostname,
        "InternetIp": row.internet_ip,
        "IntranetIp": row.intranet_ip,
        "OsType": row.os_type,
        "OsVersion": row.os_version,
        "MachineId": row.machine_id,
        "AgentVersion": row.agent_version,
        "Connected": row.connection_status is ConnectionStatus.NORMAL,
        "ActivationId": row.activation_id,
        "RegistrationTime": api_time(row.registered_at),
        "InvocationCount": row.n_invocations,
        "LastInvokedTime": api_time(row.last_invoked_at),
    }


def line(row: Any) -> str:
    return f"{row.pk}  {row.connection_status:<8}  {row.name}  {row.intranet_ip}  {row.os_version}"

"""Servers as instances, and what all actions on servers share."""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from access.operations.calls import remembered
from access.principals import Principal
from assistant.instances.models import Instance
from assistant.instances.operations.permissions import authorize_instances
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.models import Target
from console.kit.clock import api_time
from openapi.actions.base import Regional
from openapi.errors import ApiError, InvalidParameter
from openapi.paging import PAGE, Paged
from openapi.parameters import Flag, Number, Pairs, Text, Texts, is_whole

IDS_MOST = 50
# The states of a server that this console can tell: reached, restarting, not reached.
RUNNING, STARTING, STOPPED = "Running", "Starting", "Stopped"
TOO_MANY = "InstanceIds.ExceedLimit"


class InstanceNotFound(ApiError):
    code = "InvalidInstance.NotFound"
    status = 404


class InstanceIdNotFound(ApiError):
    code = "InvalidInstanceId.NotFound"
    status = 404


class DryRunPassed(ApiError):
    code = "DryRunOperation"


class InstancesOfRegion(Paged):
    instance_ids = Texts("InstanceId", most=IDS_MOST, too_many=TOO_MANY, doc="only these, up to 50")

    def seen(self, principal: Principal) -> InstanceQuerySet:
        return seen_by(self, principal, self.instance_ids or None)


def seen_by(call: Regional, principal: Principal, named: list[str] | None) -> InstanceQuerySet:
    """The servers that the call may tell its caller of: all of those, or the named ones.

    Where one is named that the caller may not see, the call is refused, whether it is there or not (CA-246).
    """
    rows: InstanceQuerySet = Instance.objects.open_to(principal, call.permission()).registered()
    rows = rows.filter(region=call.region)
    if named is None:
        return rows
    check_instances(call, principal, named)
    return rows.filter(pk__in=named)


def check_instances(call: Regional, principal: Principal, ids: list[str]) -> None:
    """As `check_named`, of servers, whose tags count."""
    with remembered(principal):
        authorize_instances(principal, call.permission(), [(pk, call.region.pk) for pk in ids])


def tagged(rows: InstanceQuerySet, tags: Iterable[tuple[str, str]]) -> InstanceQuerySet:
    """Those with all of these tags; without a value, any of the key."""
    for key, value in tags:
        rows = rows.tagged(key, value or None)
    return rows


def like(column: str, pattern: str) -> Q:
    """As names are looked for: `*` at the beginning, at the end or at both stands for anything."""
    starts, ends = pattern.startswith("*"), pattern.endswith("*")
    text = pattern.strip("*")
    if starts and ends:
        return Q(**{f"{column}__contains": text})
    if starts:
        return Q(**{f"{column}__endswith": text})
    return Q(**{f"{column}__startswith": text}) if ends else Q(**{column: pattern})


def ids_in(name: str, text: str, most: int = 100) -> list[str]:
    """A JSON list of texts in one parameter."""
    if not text:
        return []
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter(name, f'{name} is a JSON list, such as ["mi-…"].') from error
    if not isinstance(said, list) or not all(isinstance(one, str) and is_whole(one) for one in said):
        raise InvalidParameter(name, f"{name} is a list of texts.")
    if len(said) > most:
        raise InvalidParameter(name, f"{name} names at most {most}.")
    return said


def history_of(rows: Iterable[Instance]) -> dict[str, tuple[int, str]]:
    """How many runs each of these had and when the last one was made. One query."""
    told = Target.objects.history_of([row.pk for row in rows])
    return {pk: (number, api_time(moment)) for pk, (number, moment) in told.items()}


def tags_of(row: Instance) -> list[dict[str, str]]:
    return [{"TagKey": tag.key, "TagValue": tag.value} for tag in row.tags.all()]


class DescribeInstances(Paged):
    doc = "The registered servers as instances. Fields that mean nothing here are left out or empty."
    answer = {
        "Instances": {
            "Instance": [
                {
                    "InstanceId": str,
                    "InstanceName": str,
                    "HostName": str,
                    "Description": str,
                    "Status": str,
                    "RegionId": str,
                    "ZoneId": str,
                    "OSType": str,
                    "OSName": str,
                    "OSNameEn": str,
                    "CreationTime": str,
                    "StartTime": str,
                    "ExpiredTime": str,
                    "SerialNumber": str,
                    "InstanceType": str,
                    "ImageId": str,
                    "InstanceNetworkType": str,
                    "Cpu": int,
                    "Memory": int,
                    "PublicIpAddress": {"IpAddress": [str]},
                    "InnerIpAddress": {"IpAddress": [str]},
                    "RdmaIpAddress": {"IpAddress": [str]},
                    "EipAddress": {"IpAddress": str, "AllocationId": str, "InternetChargeType": str},
                    "VpcAttributes": {
                        "VpcId": str,
                        "VSwitchId": str,
                        "NatIpAddress": str,
                        "PrivateIpAddress": {"IpAddress": [str]},
                    },
                    "SecurityGroupIds": {"SecurityGroupId": [str]},
                    "NetworkInterfaces": {"NetworkInterface": [{}]},
                    "OperationLocks": {"LockReason": [{}]},
                    "Tags": {"Tag": [{"TagKey": str, "TagValue": str}]},
                }
            ]
        },
        **PAGE,
    }

    page_size = Number(default=10, least=1, most=100, code="InvalidParam.PageSize", doc="rows of a page")
    max_results = Number(default=0, least=1, most=100, doc="rows of a page by tokens")
    instance_ids = Text(doc='a JSON list of up to 100 ids, such as `["mi-…"]`')
    instance_name = Text(doc="name; `*` at either end stands for anything")
    private_ip_addresses = Text(doc="a JSON list of addresses")
    public_ip_addresses = Text(doc="a JSON list of addresses")
    status = Text(
        one_of=("Pending", "Running", "Starting", "Stopping", "Stopped"),
        doc="`Running` is who can be reached, `Starting` who restarts, `Stopped` who cannot be reached",
    )
    tag = Pairs(doc="with all of these tags")
    dry_run = Flag(doc="only check")

    def perform(self, principal: Principal) -> dict[str, Any]:
        now = timezone.now()
        named = ids_in("InstanceIds", self.instance_ids) if self.instance_ids else None
        rows = tagged(seen_by(self, principal, named), self.tag).filter(self._asked())
        if self.status:
            rows = self._in_state(rows)
        if self.dry_run:
            raise DryRunPassed("The call would succeed; DryRun was asked for.")
        page = self.page(rows.with_connection(now).for_table(), "-registered_at", "-pk")
        states = states_of(page.rows)
        listed = [as_instance(row, states[row.pk]) for row in page.rows]
        return {"Instances": {"Instance": listed}, **page.fields}

    def _asked(self) -> Q:
        wanted = like("name", self.instance_name) if self.instance_name else Q()
        if self.private_ip_addresses:
            wanted &= Q(intranet_ip__in=ids_in("PrivateIpAddresses", self.private_ip_addresses))
        if self.public_ip_addresses:
            wanted &= Q(internet_ip__in=ids_in("PublicIpAddresses", self.public_ip_addresses))
        return wanted

    def _in_state(self, rows: InstanceQuerySet) -> InstanceQuerySet:
        now = timezone.now()
        restarting = Exists(Target.objects.restarting().filter(instance=OuterRef("pk")))
        if self.status == STARTING:
            return rows.filter(restarting)
        if self.status == RUNNING:
            return rows.connected(now).exclude(restarting)
        return rows.disconnected(now).exclude(restarting) if self.status == STOPPED else rows.none()


class DescribeInstanceStatus(InstancesOfRegion):
    doc = "Whether servers can be reached: `Running`, `Starting` while they restart, or `Stopped`."
    answer = {"InstanceStatuses": {"InstanceStatus": [{"InstanceId": str, "Status": str}]}, **PAGE}

    instance_ids = Texts("InstanceId", most=100, too_many=TOO_MANY, doc="only these, up to 100")

    def perform(self, principal: Principal) -> dict[str, Any]:
        rows = self.seen(principal).with_connection(timezone.now())
        page = self.page(rows, "-registered_at", "-pk")
        listed = [{"InstanceId": pk, "Status": state} for pk, state in states_of(page.rows).items()]
        return {"InstanceStatuses": {"InstanceStatus": listed}, **page.fields}


def as_instance(row: Any, state: str) -> dict[str, Any]:
    return {
        "InstanceId": row.pk,
        "InstanceName": row.name,
        "HostName": row.hostname,
        "Description": "",
        "Status": state,
        "RegionId": row.region_id,
        "ZoneId": row.region_id,
        "OSType": row.os_type,
        "OSName": row.os_version,
        "OSNameEn": row.os_version,
        "CreationTime": api_time(row.registered_at),
        "StartTime": api_time(row.agent_started_at),
        "ExpiredTime": "",
        "SerialNumber": row.machine_id,
        "InstanceType": "",
        "ImageId": "",
        "InstanceNetworkType": "",
        "Cpu": 0,
        "Memory": 0,
        "PublicIpAddress": {"IpAddress": present(row.internet_ip)},
        "InnerIpAddress": {"IpAddress": []},
        "RdmaIpAddress": {"IpAddress": []},
        "EipAddress": {"IpAddress": "", "AllocationId": "", "InternetChargeType": ""},
        "VpcAttributes": {
            "VpcId": "",
            "VSwitchId": "",
            "NatIpAddress": "",
            "PrivateIpAddress": {"IpAddress": present(row.intranet_ip)},
        },
        "SecurityGroupIds": {"SecurityGroupId": []},
        "NetworkInterfaces": {"NetworkInterface": []},
        "OperationLocks": {"LockReason": []},
        "Tags": {"Tag": tags_of(row)},
    }


def states_of(rows: Iterable[Any]) -> dict[str, str]:
    """By id, in their order. One query."""
    rows = list(rows)
    open_ones = Target.objects.restarting().filter(instance__in=[row.pk for row in rows])
    restarting = set(open_ones.order_by().values_list("instance_id", flat=True))
    return {row.pk: state_of(row, is_restarting=row.pk in restarting) for row in rows}


def state_of(row: Any, *, is_restarting: bool) -> str:
    if is_restarting:
        return STARTING
    return RUNNING if row.is_connected else STOPPED


def present(address: str) -> list[str]:
    return [address] if address else []

"""A call of each action as programs write it: with both Python SDKs and with `ca`."""

import json
import re
from dataclasses import dataclass
from typing import Any

from openapi.actions.base import ECS, Action, Regional
from openapi.parameters import Flag, JsonObject, MaybeNumber, Number, Pairs, Parameter, Texts
from openapi.reference.described import parameters_shown

# Parameters that a first call says though it could do without them.
SAID = {
    "RunCommand": ("InstanceId",),
    "InvokeCommand": ("InstanceId", "Parameters"),
    "StopInvocation": ("InstanceId",),
    "CreateCommand": ("ContentEncoding",),
    "DescribeCommands": ("ContentEncoding",),
    "DescribeCloudAssistantStatus": ("InstanceId",),
    "DescribeInvocations": ("InvokeId",),
    "DescribeInvocationResults": ("InvokeId", "ContentEncoding"),
    "CreateActivation": ("InstanceName",),
    "DescribeManagedInstances": ("Tag",),
    "RebootInstances": ("ForceReboot",),
    "TagResources": ("Tag",),
    "UntagResources": ("TagKey",),
}
VALUES: dict[str, Any] = {
    "ActivationId": "<activation id>",
    "CommandContent": "uptime",
    "CommandId": "c-…",
    "ContentEncoding": "PlainText",
    "InstanceId": "mi-…",
    "InstanceName": "web",
    "InvokeId": "t-…",
    "Name": "uptime",
    "Parameters": {"name": "value"},
    "ResourceId": "mi-…",
    "ResourceType": "instance",
    "TagKey": "env",
    "Type": "RunShellScript",
}
LINES = {
    "RunCommand": "ca run 'uptime' --instance mi-… --wait",
    "InvokeCommand": "ca invoke c-… --instance mi-… --param name=value --wait",
    "StopInvocation": "ca stop t-… --instance mi-…",
    "DescribeCommands": "ca commands",
    "DescribeInvocations": "ca results",
    "DescribeInvocationResults": "ca results t-… --wait",
    "DescribeManagedInstances": "ca instances --tag env=prod",
}
OLDER = """\
from aliyunsdkcore.client import AcsClient
from aliyunsdkecs.request.v20140526.{name}Request import {name}Request

client = AcsClient("<AccessKeyId>", "<AccessKeySecret>", "{region}", verify="ca.pem")
request = {name}Request()
request.set_protocol_type("https")
request.set_endpoint("{endpoint}")
{lines}print(client.do_action_with_exception(request).decode())
"""
NEWER = """\
from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.models import Config

client = Client(
    Config(
        access_key_id="<AccessKeyId>",
        access_key_secret="<AccessKeySecret>",
        endpoint="{endpoint}",
        ca="ca.pem",
    )
)
request = models.{name}Request({lines})
print(client.{method}(request).body.to_map())
"""


@dataclass(frozen=True, slots=True)
class Example:
    id: str
    label: str
    text: str


def examples_of(action: type[Action], *, endpoint: str, region: str) -> list[Example]:
    if action.version != ECS:
        return []
    said = {"name": action.name(), "endpoint": endpoint, "region": region}
    older = "".join(f"request.add_query_param({pair})\n" for pair in queried(action))
    newer = "".join(f"\n    {argument}," for argument in arguments(action, region))
    found = [
        Example(
            "newer",
            "alibabacloud-ecs20140526",
            NEWER.format(**said, method=snake(action.name()), lines=f"{newer}\n" if newer else ""),
        ),
        Example("older", "aliyun-python-sdk-ecs", OLDER.format(**said, lines=older)),
    ]
    if action.name() in LINES:
        found.append(Example("ca", "ca", LINES[action.name()]))
    return found


def example_parameters(action: type[Action]) -> list[Parameter[Any]]:
    named = SAID.get(action.name(), ())
    return [one for one in parameters_shown(action) if one.required or one.name in named]


def value_of(parameter: Parameter[Any]) -> Any:
    if isinstance(parameter, Number | MaybeNumber):
        return 1
    if isinstance(parameter, Flag):
        return True
    return VALUES.get(parameter.name, "…")


def queried(action: type[Action]) -> list[str]:
    """As the older SDK is told them: name and value, quoted."""
    pairs: list[tuple[str, Any]] = []
    for one in example_parameters(action):
        if isinstance(one, Pairs):
            pairs += [(f"{one.name}.1.Key", "env"), (f"{one.name}.1.Value", "prod")]
        elif isinstance(one, Texts):
            pairs.append((f"{one.name}.1", value_of(one)))
        else:
            value = value_of(one)
            pairs.append((one.name, json.dumps(value) if isinstance(one, JsonObject) else value))
    return [f"{quoted(name)}, {quoted(value)}" for name, value in pairs]


def arguments(action: type[Action], region: str) -> list[str]:
    """As the newer SDK's request takes them."""
    found = [f"region_id={quoted(region)}"] if issubclass(action, Regional) else []
    for one in example_parameters(action):
        value = quoted(value_of(one))
        if isinstance(one, Pairs):
            value = f'[models.{action.name()}Request{one.name}(key="env", value="prod")]'
        elif isinstance(one, Texts):
            value = f"[{value}]"
        found.append(f"{snake(one.name)}={value}")
    return found


def quoted(value: Any) -> str:
    if isinstance(value, str) and '"' in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()

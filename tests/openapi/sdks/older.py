"""Speaks for a test through aliyun-python-sdk-ecs: one call per line of JSON in, one answer out."""

import json
import os
import sys
from importlib import import_module

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type

# A slow machine takes its time to answer.
PATIENCE_SECONDS = 180
CLIENT = AcsClient(
    os.environ["KEY_ID"],
    os.environ["KEY_SECRET"],
    "local",
    verify=os.environ["CA"],
    max_retry_time=1,
    timeout=PATIENCE_SECONDS,
    connect_timeout=PATIENCE_SECONDS,
)


def request_of(action, parameters):
    request = getattr(import_module(f"aliyunsdkecs.request.v20140526.{action}Request"), f"{action}Request")()
    request.set_endpoint(os.environ["ENDPOINT"])
    # It is compared by identity: only the SDK's own word counts.
    request.set_protocol_type(getattr(protocol_type, os.environ["PROTOCOL"].upper()))
    request.set_accept_format("json")
    for name, value in parameters.items():
        if name == "RegionId":
            # The client's own, which it adds by itself.
            continue
        if isinstance(value, list):
            getattr(request, f"set_{name}s")(value)
        else:
            getattr(request, f"set_{name}")(json.dumps(value) if isinstance(value, dict) else value)
    return request


def answer(action, parameters):
    try:
        return json.loads(CLIENT.do_action_with_exception(request_of(action, parameters)))
    except ServerException as error:
        return {"Refused": error.get_error_code(), "Status": error.get_http_status()}


for line in sys.stdin:
    print(json.dumps(answer(*json.loads(line))), flush=True)

"""Speaks for a test through alibabacloud-ecs20140526: one call per line of JSON in, one answer out."""

import json
import os
import re
import sys

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.models import Config
from Tea.exceptions import TeaException

# A slow machine takes its time to answer.
PATIENCE_MILLISECONDS = 180_000
CLIENT = Client(
    Config(
        access_key_id=os.environ["KEY_ID"],
        access_key_secret=os.environ["KEY_SECRET"],
        endpoint=os.environ["ENDPOINT"],
        protocol=os.environ["PROTOCOL"].upper(),
        ca=os.environ["CA"],
        region_id="local",
        read_timeout=PATIENCE_MILLISECONDS,
        connect_timeout=PATIENCE_MILLISECONDS,
    )
)


def answer(action, parameters):
    request = getattr(models, f"{action}Request")().from_map(parameters)
    call = getattr(CLIENT, re.sub("(?<!^)([A-Z])", r"_\1", action).lower())
    try:
        return call(request).body.to_map()
    except TeaException as error:
        return {"Refused": error.code, "Status": error.statusCode}


for line in sys.stdin:
    print(json.dumps(answer(*json.loads(line))), flush=True)

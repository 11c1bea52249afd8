"""The open-source agent dials its lost push channel once, about six seconds after the cut.

A refusal then costs it half an hour. Its timing is played here by a socket that does the same.
"""

import asyncio
import base64
import json
import os
import signal
import ssl
import urllib.request

import pytest
import websockets

from tests.gateway.wire import Wire, pem
from tests.waiting import PATIENCE_SECONDS

# Five reads a second apart, then one more second (7.5 of the wire).
DIAL_AFTER_SECONDS = 6.0
# How long its dial waits for the answer.
HANDSHAKE_SECONDS = 45.0


def trust(house):
    return ssl.create_default_context(cafile=house.folder / "tls" / "ca.pem")


def registered(house, machine_id):
    """A server of the open-source agent's kind: signs as it does, says nothing of itself that it does not."""
    activation = house.document("create_activation", "--name-prefix", "reference")
    body = {
        "activationId": activation["ActivationId"],
        "activationCode": activation["ActivationCode"],
        "machineId": machine_id,
        "regionId": "local",
        "osType": "linux",
        "agentVersion": "2.2.3.578",
        "publicKey": base64.b64encode(pem()).decode(),
        "tag": [],
    }
    url = f"https://127.0.0.1:{house.tls_port}/luban/api/instance/register"
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request, context=trust(house), timeout=PATIENCE_SECONDS) as response:
        return Wire(None, json.load(response)["instanceId"], machine_id)


def dial(house, wire):
    return websockets.connect(
        f"wss://127.0.0.1:{house.tls_port}/luban/notify_server",
        ssl=trust(house),
        additional_headers=wire.identity(),
        open_timeout=HANDSHAKE_SECONDS,
        proxy=None,
    )


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
async def test_the_one_dial_after_a_cut_finds_the_console(blow, house):
    wire = registered(house, f"reference-{blow.name}")
    async with dial(house, wire) as channel:
        os.kill(house.pids["web"], blow)
        with pytest.raises(websockets.ConnectionClosed):
            await channel.recv()

    # Not a wait for something to happen: the agent's own pause, which the restart has to fit.
    await asyncio.sleep(DIAL_AFTER_SECONDS)

    async with dial(house, wire) as channel:
        assert await asyncio.wait_for(await channel.ping(), HANDSHAKE_SECONDS) >= 0


async def test_a_dial_while_the_console_is_down_is_held_and_not_refused(house):
    wire = registered(house, "reference-held")
    async with dial(house, wire):
        os.kill(house.pids["web"], signal.SIGKILL)

    async with dial(house, wire) as channel:
        assert await asyncio.wait_for(await channel.ping(), HANDSHAKE_SECONDS) >= 0

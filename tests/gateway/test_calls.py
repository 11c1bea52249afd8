"""What an agent can send, and what it gets for it."""

import asyncio
import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.instances.models import Activation, Instance
from assistant.invocations.models import Target
from tests.gateway.conftest import CODE, in_thread
from tests.gateway.wire import MINUTE_MS, OTHER_KEY, Wire, pem
from tests.instances.factories import ActivationFactory
from tests.invocations.factories import ran

HEARTBEAT = "/luban/api/heart-beat"
UNKNOWN_KEY = base64.b64encode(
    b"-----BEGIN PUBLIC KEY-----\n"
    + base64.b64encode(bytes.fromhex("302a300506032b6599032100") + bytes(32))
    + b"\n-----END PUBLIC KEY-----\n"
).decode()


async def test_a_server_registers(stranger, activation):
    answer = await stranger.register(activation, CODE, tag=[{"key": "env", "value": "prod"}])

    assert (answer.status, answer.json["code"]) == (200, 200)
    instance = await Instance.objects.aget(pk=answer.json["instanceId"])
    assert instance.name == "web-001"
    assert (instance.hostname, instance.intranet_ip, instance.internet_ip) == (
        "web-1.example",
        "10.0.0.7",
        "192.0.2.10",
    )
    assert [str(tag) async for tag in instance.tags.all()] == ["env=prod"]
    assert (await Activation.objects.aget()).registered_count == 1


@pytest.mark.parametrize(
    ("trait", "code", "refusal"),
    [
        ({}, "a-wrong", "InvalidActivationCode.Mismatch"),
        ({"expired": True}, CODE, "InvalidActivation.Expired"),
        ({"used_up": True}, CODE, "InvalidActivation.QuotaExceeded"),
        ({"disabled": True}, CODE, "InvalidActivation.Disabled"),
        ({"ip_address_range": ["10.0.0.0/8"]}, CODE, "InvalidActivation.IpAddressRange"),
    ],
)
async def test_a_registration_is_refused_with_its_reason(stranger, trait, code, refusal):
    activation = await in_thread(ActivationFactory, **trait)

    answer = await stranger.register(activation, code)

    assert (answer.status, answer.json["errCode"]) == (403, refusal)
    # The reference agent believes in any text at `code`, so it must be a number.
    assert answer.json["code"] == 403
    assert not await Instance.objects.aexists()


async def test_an_unknown_activation_is_refused(stranger, activation):
    activation.pk = "00000000-0000-0000-0000-000000000000"

    answer = await stranger.register(activation, CODE)

    assert answer.json["errCode"] == "InvalidActivationId.NotFound"


async def test_a_region_that_is_not_the_activations_is_refused(stranger, activation):
    answer = await stranger.register(activation, CODE, regionId="cn-hangzhou")

    assert answer.json["errCode"] == "InvalidRegionId.Mismatch"


@pytest.mark.parametrize(
    "said",
    [
        {"publicKey": ""},
        {"publicKey": "%%%"},
        {"publicKey": "aGVsbG8="},
        # A key of a kind that nobody knows.
        {"publicKey": UNKNOWN_KEY},
        {"publicKey": 7},
        {"machineId": ""},
        {"machineId": ["x"]},
        {"hostname": {"a": 1}},
    ],
)
async def test_a_malformed_registration_is_refused(stranger, activation, said):
    answer = await stranger.register(activation, CODE, **said)

    assert answer.status == 400
    assert answer.json["code"] == 400


@pytest.mark.parametrize("around", [b"\x00", b"\xff\xfe", b"Comment: mine\n"])
async def test_of_a_public_key_only_the_key_is_kept(stranger, activation, around):
    said = base64.b64encode(around + b"\n" + pem()).decode()

    answer = await stranger.register(activation, CODE, publicKey=said)

    assert answer.status == 200
    assert (await Instance.objects.aget()).public_key == pem().decode()
    assert (await stranger.post(HEARTBEAT)).status == 200


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
async def test_a_registration_that_is_no_object_is_refused(stranger, activation, body):
    answer = await stranger.post("/luban/api/instance/register", body, headers={})

    assert answer.status == 400


async def test_the_quota_is_exact_when_servers_come_at_once(app):
    activation = await in_thread(ActivationFactory, instance_count=3)
    servers = [Wire(app, machine_id=f"machine-{number}") for number in range(8)]

    answers = await asyncio.gather(*(server.register(activation, CODE) for server in servers))

    assert sorted(answer.status for answer in answers) == [200] * 3 + [403] * 5
    assert await Instance.objects.acount() == 3


async def test_a_machine_that_registers_again_gets_a_new_id_and_its_old_key_is_refused(app, activation):
    before, after = Wire(app), Wire(app, key=OTHER_KEY)
    await before.register(activation, CODE)
    async with before.socket() as socket:
        await after.register(activation, CODE)

        assert (await socket.event())["type"] == "websocket.close"
    assert before.instance_id != after.instance_id
    assert (await before.post(HEARTBEAT)).status == 403
    assert (await after.post(HEARTBEAT)).status == 200
    assert not (await before.socket().__aenter__()).accepted


async def test_a_heart_beat_is_noted(wire):
    answer = await wire.post(HEARTBEAT, process_uptime=2 * MINUTE_MS, method="GET")

    assert 55_000 <= answer.json["nextInterval"] <= 65_000
    instance = await Instance.objects.aget(pk=wire.instance_id)
    assert instance.connection_status == "Normal"
    assert instance.agent_version == "2.2.3.578"
    assert timedelta(minutes=1) < timezone.now() - instance.agent_started_at < timedelta(minutes=3)


async def test_the_self_test_says_the_id(wire):
    answer = await wire.post("/luban/api/instance/instance-id", method="GET")

    assert answer.body.decode() == wire.instance_id


@pytest.mark.parametrize(
    "missing", ["x-acs-instance-id", "x-acs-timestamp", "x-acs-request-id", "x-acs-signature"]
)
async def test_an_unsigned_call_is_refused_with_a_sentence(wire, missing):
    headers = wire.identity()
    del headers[missing]

    answer = await wire.post("/luban/api/instance/instance-id", headers=headers)

    assert answer.status == 401
    assert "Register this server" in answer.json["message"]


@pytest.mark.parametrize("signature", ["%%%", "é", "a"])
async def test_a_signature_that_is_no_base64_is_refused(wire, signature):
    headers = {**wire.identity(), "x-acs-signature": signature}

    answer = await wire.post(HEARTBEAT, headers=headers)

    assert (answer.status, answer.json["errCode"]) == (401, "Unsigned")


async def test_a_call_signed_with_another_key_is_refused(wire):
    wire.key = OTHER_KEY

    assert (await wire.post(HEARTBEAT)).json["errCode"] == "SignatureDoesNotMatch"


async def test_a_call_of_an_unknown_instance_is_refused(wire):
    wire.instance_id = "mi-lozzzzzzzzzzzzz"

    assert (await wire.post(HEARTBEAT)).status == 401


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_clock_that_is_far_off_is_refused(wire, minutes):
    wire.clock_error_ms = minutes * MINUTE_MS

    answer = await wire.post(HEARTBEAT)

    assert (answer.status, answer.json["errCode"]) == (401, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_a_clock_that_is_a_little_off_is_taken(wire, minutes):
    wire.clock_error_ms = minutes * MINUTE_MS

    assert (await wire.post(HEARTBEAT)).status == 200


async def test_a_call_made_twice_is_refused(wire):
    headers = wire.identity()

    assert (await wire.post(HEARTBEAT, headers=headers)).status == 200
    assert (await wire.post(HEARTBEAT, headers=headers)).json["errCode"] == "SignatureNonceUsed"


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("update/update_check", "need_update", 0),
        ("plugin/list", "pluginList", []),
        ("plugin/report_status", "code", 200),
        ("exception/client_report", "code", 200),
        ("session/list", "session", []),
    ],
)
async def test_what_comes_later_is_answered_correctly(wire, path, field, value):
    answer = await wire.post(f"/luban/api/v1/{path}", b"{}")

    assert (answer.status, answer.json[field]) == (200, value)


async def test_the_state_manager_has_nothing_to_do_and_learns_the_system(wire):
    body = json.dumps({"platformName": "debian", "platformVersion": "12"}).encode()

    answer = await wire.post("/luban/api/instance/list_instance_state_configurations", body)

    assert answer.json["errCode"] == ""
    assert answer.json["result"]["Changed"] is True
    assert answer.json["result"]["StateConfigurations"] == []
    assert (await Instance.objects.aget(pk=wire.instance_id)).os_version == "debian 12"


async def test_of_a_long_system_name_as_much_is_kept_as_there_is_room_for(wire):
    body = json.dumps({"platformName": "d" * 200, "platformVersion": "1" * 200}).encode()

    answer = await wire.post("/luban/api/instance/list_instance_state_configurations", body)

    assert answer.status == 200
    os_version = (await Instance.objects.aget(pk=wire.instance_id)).os_version
    assert os_version == f"{'d' * 200} {'1' * 54}"


async def test_a_path_that_is_none_is_refused(wire):
    assert (await wire.post("/luban/api/nothing")).status == 404


async def test_deregistering_from_the_server_ends_its_runs(wire, olga):
    instance = await Instance.objects.aget(pk=wire.instance_id)
    await wire.post(HEARTBEAT)
    await in_thread(ran, olga, instance)

    answer = await wire.post("/luban/api/instance/deregister")

    assert answer.json["code"] == 200
    target = await Target.objects.aget()
    assert (target.status, target.error_code) == ("Aborted", "InstanceReleased")
    assert (await wire.post(HEARTBEAT)).status == 403
    # Whoever asks twice has what he wants.
    assert (await wire.post("/luban/api/instance/deregister")).json["code"] == 200


async def test_a_strangers_body_is_not_read(wire):
    wire.key = OTHER_KEY
    read = []

    async def receive():
        read.append(1)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent = []

    async def send(event):
        sent.append(event)

    scope = {**wire.scope("http", "/luban/api/v1/task/finish", wire.identity(), {}), "method": "POST"}
    await wire.app(scope, receive, send)

    assert sent[0]["status"] == 401
    assert not read


async def test_the_same_machine_comes_twice_at_once(app, activation):
    servers = [Wire(app), Wire(app, key=OTHER_KEY)]

    answers = await asyncio.gather(*(server.register(activation, CODE) for server in servers))

    assert [answer.status for answer in answers] == [200, 200]
    assert await Instance.objects.registered().acount() == 1

"""The main road on the wire: kick, fetch, reports."""

import asyncio
import base64
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import SYSTEM
from assistant.instances.models import Instance, Node
from assistant.instances.operations.presence import sweep_channels
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.invocations.models import OutputChunk, Target
from assistant.invocations.operations.stops import stop_invocation
from gateway.protocol import DROPPED_MOST
from tests.gateway.conftest import in_thread
from tests.gateway.wire import MINUTE_MS, Wire
from tests.invocations.factories import ran
from tests.waiting import eventually_async

# How the reference agent reads an answer: one wrong type loses all of it.
TYPES = {
    "taskID": str,
    "type": str,
    "commandId": str,
    "commandName": str,
    "commandContent": str,
    "timeOut": str,
    "invokeVersion": int,
    "enableParameter": bool,
    "builtInParameter": dict,
    "workingDirectory": str,
    "args": str,
    "cron": str,
    "username": str,
    "windowsPasswordName": str,
    "creationTime": int,
    "notAfter": int,
    "containerId": str,
    "containerName": str,
    "instanceId": str,
}


async def run(wire, principal, **how):
    await wire.post("/luban/api/heart-beat")
    instance = await Instance.objects.aget(pk=wire.instance_id)
    return await in_thread(ran, principal, instance, **how)


async def has_channel(wire):
    return (await Instance.objects.aget(pk=wire.instance_id)).has_channel


async def target():
    return await Target.objects.select_related("invocation").aget()


async def test_a_run_from_the_kick_to_its_end(wire, olga):
    async with wire.socket() as socket:
        invocation = await run(wire, olga, content="echo hi", working_dir="/srv", timeout=90)
        assert await socket.text() == f"kick_vm task run {invocation.pk}"

        [entry] = (await wire.fetch(taskId=invocation.pk))["run"]
        await wire.report("running", invocation.pk, start=1)
        await wire.report("running", invocation.pk, b"hi\n", start=1)
        await wire.report("finish", invocation.pk, b"there\n", start=1, end=2, exitCode=0, dropped=0)

    assert base64.b64decode(entry["task"]["commandContent"]) == b"echo hi"
    assert (entry["task"]["timeOut"], entry["task"]["workingDirectory"]) == ("90", "/srv")
    assert (entry["repeat"], entry["output"]["interval"]) == ("Once", 1000)
    ended = await target()
    assert (ended.status, ended.invocation.status) == ("Success", "Success")
    pieces = [bytes(chunk.body) async for chunk in OutputChunk.objects.all()]
    assert pieces == [b"hi\n", b"there\n"]


async def test_the_types_of_a_task_are_the_ones_that_the_reference_agent_reads(wire, olga):
    await run(wire, olga)

    [entry] = (await wire.fetch())["run"]

    assert {name: type(value) for name, value in entry["task"].items()} == TYPES


@pytest.mark.parametrize(("asked", "sent"), [("", ""), ("root", ""), ("backup", "backup")])
async def test_roots_name_is_not_sent(wire, olga, asked, sent):
    """The reference agent refuses the name, and is root without it."""
    await run(wire, olga, username=asked)

    [entry] = (await wire.fetch())["run"]

    assert entry["task"]["username"] == sent


async def test_carriage_returns_do_not_reach_a_shell(wire, olga):
    await run(wire, olga, content="echo a\r\necho b\r\n")

    [entry] = (await wire.fetch())["run"]

    assert base64.b64decode(entry["task"]["commandContent"]) == b"echo a\necho b\n"


async def test_a_list_answer_that_was_lost_is_given_again(wire, olga):
    await run(wire, olga)
    lost = await wire.fetch()

    assert (await wire.fetch())["run"] == lost["run"]


async def test_a_task_that_has_begun_is_not_listed_again(wire, olga):
    invocation = await run(wire, olga)
    await wire.fetch()
    await wire.report("running", invocation.pk, start=1)

    assert (await wire.fetch())["run"] == []


@pytest.mark.parametrize(("cold", "code"), [("true", "InstanceRestarted"), ("false", "ExecutionInterrupted")])
async def test_an_agent_that_starts_again_ends_what_it_left_behind(wire, olga, cold, code):
    invocation = await run(wire, olga)
    await wire.fetch()
    await wire.report("running", invocation.pk, start=1)

    await wire.fetch(reason="startup", cold_start=cold)

    ended = await target()
    assert (ended.status, ended.error_code) == ("Error", code)


async def test_a_task_that_was_listed_and_never_begun_survives_a_restart_of_the_agent(wire, olga):
    invocation = await run(wire, olga)
    await wire.fetch()

    [entry] = (await wire.fetch(reason="startup", cold_start="false"))["run"]

    assert entry["task"]["taskID"] == invocation.pk


async def test_an_agent_that_ran_it_already_says_so(wire, olga):
    invocation = await run(wire, olga)
    await wire.fetch()

    await wire.report("error", invocation.pk, errCode="-9", errDesc="ScriptFileExisted: ...", exitCode=1)

    ended = await target()
    assert (ended.status, ended.error_code) == ("Error", "ExecutionInterrupted")


async def test_a_stop_is_pushed_listed_and_confirmed(wire, olga):
    async with wire.socket() as socket:
        invocation = await run(wire, olga, content="sleep 600")
        await socket.text()
        await wire.fetch()
        await wire.report("running", invocation.pk, start=1)

        await in_thread(stop_invocation, olga, invocation)

        assert await socket.text() == f"kick_vm task stop {invocation.pk}"
        listed = await wire.fetch()
        assert [entry["task"]["taskID"] for entry in listed["stop"]] == [invocation.pk]
        assert (await target()).status == "Stopping"
        await wire.report("stopped", invocation.pk, result="killed", start=1, end=2, exitcode=0)
    ended = await target()
    assert (ended.status, ended.exit_code, ended.invocation.status) == ("Terminated", None, "Stopped")


async def test_a_start_that_comes_after_the_stop_does_not_open_the_record_again(wire, olga):
    """The reference agent runs a task that was stopped while it waited in its queue."""
    invocation = await run(wire, olga)
    await wire.fetch()
    await in_thread(stop_invocation, olga, invocation)
    await wire.report("stopped", invocation.pk, result="killed", start=0, end=0, exitcode=0)

    await wire.report("running", invocation.pk, start=5)

    assert (await target()).status == "Cancelled"


@pytest.mark.parametrize("kind", ["running", "finish", "timeout", "error", "stopped", "invalid", "verified"])
async def test_a_report_on_no_task_is_refused_for_good(wire, kind):
    """400 is what agents take for "do not repeat"."""
    assert (await wire.report(kind, "t-lo0000000000000")).status == 400


async def test_a_report_on_another_agents_task_is_refused_and_changes_nothing(wire, app, olga, activation):
    invocation = await run(wire, olga)
    thief = Wire(app, machine_id="machine-2")
    await thief.register(activation, "a-lo/secret+code==")

    answer = await thief.report("finish", invocation.pk, exitCode=0)

    assert answer.status == 400
    assert (await target()).status == "Pending"


@pytest.mark.parametrize(
    "query",
    [
        {"exitCode": "three"},
        {"start": "now"},
        {"dropped": "-"},
        {"outputOffset": "0x10"},
        {"taskId": "t-lo\x00"},
    ],
)
async def test_a_report_with_nonsense_is_refused_for_good(wire, olga, query):
    invocation = await run(wire, olga)

    said = {"taskId": invocation.pk, "invokeVersion": 0, **query}
    answer = await wire.post("/luban/api/v1/task/finish", **said)

    assert answer.status == 400
    assert (await target()).status == "Pending"


@pytest.mark.parametrize(
    "query",
    [
        {"exitCode": "9" * 30, "start": "9" * 30, "end": "9" * 15},
        {"exitCode": "-9999999999", "dropped": "9" * 25},
        {"errCode": "\x00", "errDesc": "\x00" * 300},
        {"outputOffset": "9" * 18},
    ],
)
async def test_numbers_beyond_all_bounds_do_not_break_the_batch(wire, olga, query):
    invocation = await run(wire, olga)

    answer = await wire.report("finish", invocation.pk, b"\x00\xff", **{"exitCode": 0, **query})

    assert answer.status == 200
    assert (await target()).state.is_final


async def test_what_is_said_to_be_dropped_adds_up_to_no_more_than_a_column_holds(wire, olga):
    invocation = await run(wire, olga)

    for _ in range(2):
        assert (await wire.report("running", invocation.pk, b"x", start=1, dropped=2**53)).status == 200

    assert (await target()).dropped == 2 * DROPPED_MOST


async def test_a_body_larger_than_allowed_is_cut_and_counted(wire, olga, settings):
    settings.OUTPUT_LIMIT = 1000
    invocation = await run(wire, olga)
    megabytes = [b"x" * 1_000_000] * 9

    answer = await wire.report("finish", invocation.pk, megabytes, exitCode=0)

    assert answer.status == 200
    ended = await target()
    assert (ended.stored_bytes, ended.dropped) == (1000, 8_999_000)


async def test_waiting_work_is_rung_again_at_the_next_heart_beat(wire, olga):
    async with wire.socket() as socket:
        invocation = await run(wire, olga)
        assert await socket.text() == f"kick_vm task run {invocation.pk}"

        await wire.post("/luban/api/heart-beat")

        assert await socket.text() == "kick_vm"


async def test_waiting_work_is_rung_after_a_connect(wire, olga):
    await run(wire, olga)

    async with wire.socket() as socket:
        assert await socket.text() == "kick_vm"


async def test_a_new_socket_replaces_the_old_one(wire):
    async with wire.socket() as former, wire.socket():
        assert (await former.event())["type"] == "websocket.close"

        await eventually_async(lambda: has_channel(wire))


async def test_a_socket_that_ends_is_noted(wire):
    async with wire.socket() as socket:
        assert socket.accepted
        await eventually_async(lambda: has_channel(wire))

    assert not await has_channel(wire)


async def test_a_socket_without_a_signature_is_refused_before_the_upgrade(wire):
    async with wire.socket(headers={}) as socket:
        assert not socket.accepted


async def test_a_deregistered_agent_is_told_over_its_socket(wire, olga):
    instance = await Instance.objects.aget(pk=wire.instance_id)
    async with wire.socket() as socket:
        await in_thread(deregister_managed_instance, olga, instance)

        assert await socket.text() == "kick_vm agent deregister"


async def test_an_agent_that_was_away_is_told_when_it_comes_back(wire, olga):
    instance = await Instance.objects.aget(pk=wire.instance_id)
    await in_thread(deregister_managed_instance, olga, instance)

    async with wire.socket() as socket:
        assert await socket.text() == "kick_vm agent deregister"
    assert (await wire.post("/luban/api/instance/deregister")).json["code"] == 200


async def test_reports_that_come_together_are_all_recorded(wire, olga):
    invocations = [await run(wire, olga) for _ in range(30)]

    answers = await asyncio.gather(
        *(wire.report("finish", invocation.pk, b"x", exitCode=0) for invocation in invocations)
    )

    assert {answer.status for answer in answers} == {200}
    assert {one.status async for one in Target.objects.all()} == {"Success"}


async def test_a_report_that_is_cut_on_its_way_is_none(wire, olga):
    invocation = await run(wire, olga)
    said = {"taskId": invocation.pk, "exitCode": 0, "start": 1, "end": 2}

    answered = await wire.cut("/luban/api/v1/task/finish", b"x" * 300, **said)
    assert not answered
    assert (await target()).status == "Pending"

    await wire.report("finish", invocation.pk, b"x" * 1000, **said)
    assert (await target()).output_bytes == 1000


async def test_a_result_that_the_agent_kept_replaces_the_interruption(wire, olga):
    invocation = await run(wire, olga)
    await wire.fetch()
    await wire.report("running", invocation.pk, start=1)
    await wire.fetch(reason="startup", cold_start="false")
    assert (await target()).error_code == "ExecutionInterrupted"

    await wire.report("finish", invocation.pk, b"kept\n", exitCode=0, start=1, end=2)

    assert (await target()).status == "Success"


async def test_a_process_that_slept_holds_its_sockets_again(wire, gateway):
    """Others have written them off meanwhile."""
    async with wire.socket():
        await eventually_async(lambda: has_channel(wire))
        await Node.objects.all().aupdate(seen_at=timezone.now() - timedelta(seconds=20))
        await in_thread(sweep_channels, SYSTEM, now=timezone.now())
        assert not await has_channel(wire)

        await gateway.alive()

        assert await has_channel(wire)


@pytest.mark.parametrize("says_its_clock", [True, False])
async def test_moments_are_placed_in_our_clock(wire, olga, says_its_clock):
    """The agent's clock is five minutes ahead; the command ended ten seconds before the report."""
    wire.clock_error_ms = 5 * MINUTE_MS
    invocation = await run(wire, olga)
    await wire.fetch()
    before = timezone.now()
    its_now = time.time_ns() // 1_000_000 + wire.clock_error_ms
    said = {"currentTime": its_now} if says_its_clock else {}

    await wire.report(
        "finish", invocation.pk, start=its_now - 30_000, end=its_now - 10_000, exitCode=0, **said
    )

    ended = await target()
    # The wire tells milliseconds apart.
    ten, rest = timedelta(seconds=10), timedelta(milliseconds=1)
    assert before - ten - rest <= ended.finished_at <= timezone.now() - ten + rest
    assert (ended.finished_at - ended.started_at).total_seconds() == 20

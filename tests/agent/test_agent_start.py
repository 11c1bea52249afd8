"""What a started agent says, in which order, and how it stays in touch."""

import re
import threading

import pytest

from agent import VERSION
from tests.waiting import PATIENCE_SECONDS, eventually


def test_the_start_has_the_order_of_the_protocol(make_agent, stage):
    agent = make_agent()
    agent.register()
    agent.start()
    stage.wait_for_channel()
    kinds = [call.kind for call in stage.calls]
    beat, fetch = stage.calls[kinds.index("heart-beat")], stage.calls[kinds.index("list")]

    assert kinds == ["register", "heart-beat", "list"]
    assert stage.pings == 1
    assert (beat.parameters["index"], beat.parameters["seq_no"], beat.parameters["virt_type"]) == (
        "0",
        "0",
        "kvm",
    )
    assert fetch.parameters["reason"] == "startup"
    assert re.fullmatch(rf"linux_\w+/{re.escape(VERSION)} ca-agent", fetch.parameters["agent"])
    assert {"currentTime", "offset", "timeZone"} < set(fetch.parameters)


def test_only_the_first_start_after_a_boot_is_cold(agent, stage):
    eventually((agent.state / "boot-id").exists)
    agent.terminate()
    agent.start()

    fetches = stage.wait(
        lambda: [call for call in stage.calls if call.kind == "list"][:2][1:] and stage.calls
    )
    assert [call.parameters["cold_start"] for call in fetches if call.kind == "list"] == ["true", "false"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("kick_vm", "accept:kick_vm"),
        ("kick_vm noop", "accept:kick_vm noop"),
        ("kick_vm task run t-1", "accept:kick_vm task run t-1"),
        ("kick_vm task stop t-1", "accept:kick_vm task stop t-1"),
        ("kick_vm agent stop", "accept:kick_vm agent stop"),
        ("kick_vm agent", "unknow:kick_vm agent"),
        ("hello", "unknow:hello"),
        ("", "unknow:"),
    ],
)
def test_every_text_is_answered(agent, stage, text, answer):
    stage.kick(text)

    assert stage.wait(lambda: stage.texts) == [answer]


def test_a_kick_makes_a_fetch_that_names_the_task(agent, stage):
    stage.kick("kick_vm task run t-1")

    fetch = stage.wait(
        lambda: next((c for c in stage.calls if c.parameters.get("reason") == "kickoff"), None)
    )
    assert fetch.parameters["taskId"] == "t-1"


def test_kicks_during_a_fetch_make_exactly_one_more(agent, stage):
    arrived, released = threading.Event(), threading.Event()

    def hold():
        arrived.set()
        released.wait(PATIENCE_SECONDS)
        return 200

    stage.statuses["list"] = hold
    stage.kick()
    arrived.wait(PATIENCE_SECONDS)
    for number in range(5):
        stage.kick(f"kick_vm task run t-{number}")
    stage.wait(lambda: len(stage.texts) == 6)
    released.set()
    stage.wait(lambda: kickoffs(stage) == 2)
    stage.run("t-last", "true")
    stage.final("t-last")

    assert kickoffs(stage) == 3


def kickoffs(stage):
    return sum(call.parameters.get("reason") == "kickoff" for call in stage.calls)


def test_the_server_can_stop_the_agent(agent, stage):
    stage.kick("kick_vm agent stop")

    assert agent.wait() == 0
    assert (agent.state / "identity.json").exists()


def test_after_a_cut_channel_the_agent_comes_back_and_fetches(agent, stage):
    stage.give(kick=False, run=[])
    stage.cut_channels()

    fetch = stage.wait(
        lambda: next((c for c in stage.calls if c.parameters.get("reason") == "kickoff"), None)
    )
    assert fetch
    assert stage.wait(lambda: len(stage.channels) == 1)


def test_after_a_restart_of_the_server_the_agent_comes_back(agent, stage, task_id):
    stage.stop()
    stage.wait(lambda: not stage.channels)
    stage.start()
    stage.wait(lambda: stage.channels)

    stage.run(task_id, "echo back")

    assert stage.final_output(task_id) == b"back\n"


def test_a_refused_agent_says_so_once_and_keeps_its_identity(agent, stage):
    stage.statuses.update({"notify_server": 403, "list": 403})
    stage.cut_channels()
    stage.wait(lambda: agent.log.count("No push channel") >= 2)

    assert agent.log.count("The server does not accept this agent") == 1
    assert (agent.state / "identity.json").exists()


def test_pings_of_the_server_are_answered(agent, stage):
    stage.channels[0].send(0x9, b"are you there")
    stage.kick("kick_vm noop")

    assert stage.wait(lambda: stage.texts)


def test_connections_are_used_again(agent, stage):
    before = stage.handshakes
    for number in range(5):
        stage.run(f"t-{number}", "true")
        stage.final(f"t-{number}")

    # One of them may run beside the channel's and the first calls' own.
    assert stage.handshakes - before <= 1


def test_the_agent_is_quiet_and_small_when_idle(agent):
    assert agent.memory_kib() < 31 * 1024

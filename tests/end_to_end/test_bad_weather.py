"""Processes die in the middle of fifty runs: all end truthfully, none runs twice."""

import os
import signal
from collections import Counter

import pytest

from tests.up.house import is_alive
from tests.waiting import eventually

INVOCATIONS = 5
NAMES = [f"stormy-{number}" for number in range(5)]


@pytest.fixture
def marks(tmp_path):
    """Where every run leaves a line when it begins: the truth about what was executed, and how often."""
    return tmp_path / "marks"


def begin_runs(house, added, marks):
    """Half of the fifty runs: five on each of five servers."""
    ids = [word for server in added for word in ("--instance", server.id)]
    script = f'echo "$0" >> {marks}; sleep 0.4; echo done'
    return [house.document("run_command", *ids, "--content", script)["InvokeId"] for _ in range(INVOCATIONS)]


def ends(house, invocations):
    """Every run's end, waited for: (invocation, server) → what is recorded of it."""
    results = {}
    for invocation in invocations:
        document = house.document("describe_invocation_results", invocation, "--wait")
        for result in document["Results"]:
            results[invocation, result["InstanceId"]] = result
    return results


def executions(marks):
    """How often each script began; its path names the task and the agent's folder."""
    return Counter(marks.read_text().split()) if marks.exists() else Counter()


@pytest.mark.parametrize("victim", ["web", "worker", "scheduler", "valkey"])
def test_a_process_of_the_console_dies_and_every_run_succeeds_once(victim, house, servers, marks):
    added = servers.add(*NAMES)
    before = house.pids[victim]
    first = begin_runs(house, added, marks)

    os.kill(before, signal.SIGKILL)
    second = begin_runs(house, added, marks)
    results = ends(house, [*first, *second])

    eventually(lambda: not is_alive(before) and house.pids[victim] != before)
    assert Counter(result["InvocationStatus"] for result in results.values()) == {"Success": len(results)}
    assert {result["Output"] for result in results.values()} == {"done\n"}
    assert max(executions(marks).values()) == 1


def test_agents_die_and_what_they_ran_is_interrupted_and_never_repeated(house, servers, marks):
    added = servers.add(*NAMES)
    script = f'echo "$0" >> {marks}; sleep 600; echo done'
    ids = [word for server in added for word in ("--instance", server.id)]
    invocation = house.document("run_command", *ids, "--content", script)["InvokeId"]
    eventually(lambda: len(executions(marks)) == len(NAMES))

    for server in added:
        server.kill()
        server.start()
    results = ends(house, [invocation])

    assert {(result["InvocationStatus"], result["ErrorCode"]) for result in results.values()} == {
        ("Error", "ExecutionInterrupted")
    }
    assert set(executions(marks).values()) == {1}


def test_a_result_that_could_not_be_delivered_is_kept_and_delivered(house, servers, tmp_path):
    """The agent ends the command while nothing of the console answers, and reports later."""
    [server] = servers.add("patient")
    go = tmp_path / "go"
    script = f"while ! test -e {go}; do sleep 0.05; done; echo kept"
    invocation = house.document("run_command", "--instance", server.id, "--content", script)["InvokeId"]
    eventually(lambda: "Task received" in server.log.read_text())
    eventually(
        lambda: (
            "running" in house.document("describe_invocation_results", invocation)["InvocationStatus"].lower()
        )
    )
    web = house.pids["web"]
    os.kill(web, signal.SIGSTOP)
    try:
        go.touch()
        eventually(lambda: "Task ended" in server.log.read_text())
    finally:
        os.kill(web, signal.SIGCONT)

    [result] = ends(house, [invocation]).values()

    assert (result["InvocationStatus"], result["Output"]) == ("Success", "kept\n")


def run_here(house, script, *words):
    local = house.own_instance()["InstanceId"]
    invocation = house.document("run_command", "--instance", local, "--content", script, *words)
    [result] = ends(house, [invocation["InvokeId"]]).values()
    return result


@pytest.mark.parametrize(
    ("script", "words", "end"),
    [
        ("pwd", ["--dir", "/nowhere/at/all"], ("Invalid", "DirectoryNotExists", None)),
        ("#!/nowhere/interpreter\ntrue", [], ("Error", "ExecutionException", None)),
        ("exit 7", [], ("Failed", "ExitCodeNonzero", 7)),
        ("sleep 60", ["--timeout", "10"], ("Timeout", "ExecutionTimeout", None)),
    ],
)
def test_what_cannot_be_run_says_why(house, script, words, end):
    result = run_here(house, script, *words)

    assert (result["InvocationStatus"], result["ErrorCode"], result["ExitCode"]) == end


def test_a_hundred_megabytes_of_output_are_kept_up_to_the_limit_and_counted(house):
    size = 100_000_000

    result = run_here(house, f"echo first; head -c {size} /dev/zero | tr '\\0' x; echo; echo last")

    assert result["InvocationStatus"] == "Success"
    assert result["Output"].startswith("first\n")
    assert result["Output"].endswith("last\n")
    assert len(result["Output"]) + result["Dropped"] == size + len("first\n\nlast\n")
    assert len(result["Output"]) <= 1024 * 1024

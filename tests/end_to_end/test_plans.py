"""Plans on real agents: each moment runs once, whatever becomes of agent and console in between."""

import os
import signal
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.up.house import Hands
from tests.waiting import eventually


@pytest.fixture(scope="module")
def plan(house):
    hands = Hands(house.folder, "tests.end_to_end.plans")
    yield hands
    hands.end()


@pytest.fixture
def marks(tmp_path):
    """Where every run leaves a line when it begins: the truth about what was executed."""
    return tmp_path / "marks"


def executed(marks):
    return marks.read_text().split() if marks.exists() else []


def moments(standing):
    return [datetime.fromisoformat(record["fired_at"]) for record in standing["records"]]


def let_beats_pass(plan, server):
    """Six seconds by the server's own agent: another plan of it has run three times meanwhile."""
    other = plan("make", instance=server.id, content="true", frequency="rate(2s)")
    plan("watch", invocation=other, ended=3)
    plan("stop", invocation=other)


def cold(server):
    """As after a start of the system: the agent's process is new, and it has seen another boot."""
    server.end()
    (server.folder / "boot-id").write_text("another-boot")
    server.start()


def test_an_interval_a_cron_text_and_a_moment_run_when_they_are_due(servers, plan, marks):
    [server] = servers.add("planned")
    script = f"echo x >> {marks}"
    interval = plan("make", instance=server.id, content=script, frequency="rate(2s)")
    cron = plan("make", instance=server.id, content="true", frequency="*/3 * * * * ? * Asia/Shanghai")
    once = plan("make", instance=server.id, content="true", frequency="at(SOON UTC)")

    beats = moments(plan("watch", invocation=interval, ended=3))
    # On a busy machine one may be left out because the last one goes on.
    assert {(later - earlier) % timedelta(seconds=2) for earlier, later in pairwise(beats)} == {timedelta()}
    assert len(set(beats)) == len(beats)
    thirds = moments(plan("watch", invocation=cron, ended=3))
    assert {moment.second % 3 for moment in thirds} == {0}
    assert len(set(thirds)) == len(thirds)
    ended = plan("watch", invocation=once, status=["Success"])
    assert ended["records"] == []

    plan("stop", invocation=interval)
    stopped = plan("watch", invocation=interval, status=["Terminated"])
    assert len(executed(marks)) == len(stopped["records"])
    assert {record["status"] for record in stopped["records"]} <= {"Success", "Terminated"}
    plan("stop", invocation=cron)


def test_a_stop_ends_the_run_that_goes_on_and_nothing_runs_afterwards(servers, plan, marks):
    [server] = servers.add("stopped")
    script = f"echo x >> {marks}; sleep 600"
    invocation = plan("make", instance=server.id, content=script, frequency="rate(3s)", timeout=700)
    plan("watch", invocation=invocation, records=1, status=["Running"])

    plan("stop", invocation=invocation)
    stopped = plan("watch", invocation=invocation, status=["Terminated"])

    assert [record["status"] for record in stopped["records"]] == ["Terminated"]
    let_beats_pass(plan, server)
    assert len(executed(marks)) == 1


def test_an_agent_that_is_killed_loses_the_run_and_keeps_the_plan(servers, plan, marks):
    [server] = servers.add("killed")
    script = f"echo x >> {marks}; test $(wc -l < {marks}) -gt 1 || sleep 600"
    invocation = plan("make", instance=server.id, content=script, frequency="rate(3s)", timeout=700)
    plan("watch", invocation=invocation, records=1, status=["Running"])

    server.kill()
    server.start()
    standing = plan("watch", invocation=invocation, ended=3)
    plan("stop", invocation=invocation)

    states = [(record["status"], record["error_code"]) for record in standing["records"]]
    assert states[0] == ("Error", "ExecutionInterrupted")
    assert set(states[1:]) <= {("Success", ""), ("Running", "")}
    assert len(set(moments(standing))) == len(states)
    assert standing["missed"] <= 3


def test_runs_are_made_while_the_console_is_away_and_told_of_once_each(house, servers, plan, marks):
    [server] = servers.add("alone")
    script = f"echo x >> {marks}"
    invocation = plan("make", instance=server.id, content=script, frequency="rate(2s)")
    plan("watch", invocation=invocation, ended=1)

    web = house.pids["web"]
    os.kill(web, signal.SIGSTOP)
    try:
        before = len(executed(marks))
        eventually(lambda: len(executed(marks)) >= before + 3)
    finally:
        os.kill(web, signal.SIGCONT)
    plan("watch", invocation=invocation, ended=before + 4)
    plan("stop", invocation=invocation)
    standing = plan("watch", invocation=invocation, status=["Terminated"])

    assert len(standing["records"]) == len(executed(marks)) == len(set(moments(standing)))
    assert standing["missed"] == 0


def test_a_blackout_window_takes_a_plan_back_and_gives_it_back(servers, plan, marks):
    [server] = servers.add("dark")
    script = f"echo x >> {marks}"
    invocation = plan("make", instance=server.id, content=script, frequency="rate(2s)")
    plan("watch", invocation=invocation, ended=1)

    window = plan("darken")
    held = plan("watch", invocation=invocation, is_held=True, is_known=False)
    n_executed = len(executed(marks))
    assert (held["held_for"], held["status"]) == ("Blackout", "Scheduled")

    last = moments(held)[-1]
    eventually(lambda: datetime.now(UTC) - last > timedelta(seconds=7))
    plan("lighten", window=window)
    plan("watch", invocation=invocation, is_held=False)
    standing = plan("watch", invocation=invocation, ended=n_executed + 1)
    plan("stop", invocation=invocation)

    before, after = moments(standing)[n_executed - 1 : n_executed + 1]
    assert after - before > timedelta(seconds=6)  # Beats were left out in between.
    assert standing["records"][-1]["invoke_version"] == 1
    assert standing["left_out"] >= 2
    assert standing["missed"] <= 1


def test_a_plan_that_expires_is_over_and_runs_no_more(servers, plan, marks):
    [server] = servers.add("expired")
    script = f"echo x >> {marks}"
    invocation = plan("make", instance=server.id, content=script, frequency="rate(2s)", expires_in=11)

    over = plan("watch", invocation=invocation, status=["Success"])

    assert len(executed(marks)) == len(over["records"]) >= 2
    let_beats_pass(plan, server)
    assert len(executed(marks)) == len(over["records"])


def test_starts_of_the_system_run_what_waits_for_them_and_starts_of_the_agent_do_not(servers, plan, marks):
    [server] = servers.add("started")
    script = f"echo x >> {marks}"
    once = plan("make", instance=server.id, content=script, repeat_mode="NextRebootOnly")
    always = plan("make", instance=server.id, content="true", repeat_mode="EveryReboot")

    server.end()
    server.start()
    eventually(lambda: server.log.read_text().count("Push channel opened") >= 2)
    assert plan("watch", invocation=once, status=["Scheduled"])["records"] == executed(marks) == []

    cold(server)
    assert plan("watch", invocation=once, status=["Success"])
    plan("watch", invocation=always, ended=1, status=["Scheduled"])
    cold(server)
    standing = plan("watch", invocation=always, ended=2, status=["Scheduled"])

    assert [record["status"] for record in standing["records"]] == ["Success", "Success"]
    assert len(executed(marks)) == 1

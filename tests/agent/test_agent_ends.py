"""Stops, time-outs, crashes and servers that are away: nothing runs twice and no result is lost."""

import os
import threading
import time
from pathlib import Path

import pytest

from tests.agent.actors import processes_with
from tests.agent.stage import shell
from tests.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture
def mark(task_id):
    """A number of seconds that only this test sleeps for."""
    return f"6{os.getpid()}.{task_id.rpartition('-')[2]}"


def deliver_again(stage, task_id, script):
    """Deliver a task that is over; for a moment after its report it still counts as under way."""
    return eventually(lambda: stage.run(task_id, script) or stage.reports(task_id, "error"))[0]


def test_a_stop_leaves_no_process_and_loses_no_output(agent, stage, task_id, mark):
    script = f"echo started; sleep {mark} & setsid sleep {mark} & (setsid sh -c 'sleep {mark} & sleep {mark}' &) ; sleep {mark}"
    stage.run(task_id, script)
    eventually(lambda: len(processes_with(mark)) >= 5)

    stage.give(stop=[shell(task_id, "")])
    report = stage.final(task_id)

    assert (report.kind, report.parameters["result"], report.parameters["exitcode"]) == (
        "stopped",
        "killed",
        "0",
    )
    assert int(report.parameters["end"]) >= int(report.parameters["start"]) > 0
    assert stage.output(task_id) == b"started\n"
    assert processes_with(mark) == []


def test_a_command_may_clean_up_when_it_is_stopped(agent, stage, task_id, mark):
    stage.run(task_id, f"trap 'echo bye; exit 0' TERM; echo ready; sleep {mark} & wait")
    stage.wait(lambda: stage.output(task_id) == b"ready\n")

    stage.give(stop=[shell(task_id, "")])
    stage.final(task_id)

    assert stage.output(task_id) == b"ready\nbye\n"


def test_a_command_that_will_not_end_is_killed(agent, stage, task_id, mark):
    stage.run(task_id, f"trap '' TERM; echo ready; while :; do sleep {mark}; done")
    stage.wait(lambda: stage.output(task_id) == b"ready\n")
    began = time.monotonic()

    stage.give(stop=[shell(task_id, "")])
    report = stage.final(task_id)

    assert report.kind == "stopped"
    # What it has to end by itself (CA-201).
    assert report.at - began > 5
    assert processes_with(mark) == []


def test_a_timeout_ends_the_whole_tree(agent, stage, task_id, mark):
    stage.run(task_id, f"echo before; sleep {mark} & setsid sleep {mark} & sleep {mark}", timeOut="1")

    report = stage.final(task_id)

    assert (report.kind, report.parameters["exitCode"]) == ("timeout", "1")
    assert stage.output(task_id) == b"before\n"
    assert processes_with(mark) == []


def test_other_tasks_survive_a_stop(agent, stage, task_id, mark, tmp_path):
    other = f"{task_id}-other"
    stage.run(
        other,
        f"(setsid sh -c 'sleep 0.{task_id.rpartition('-')[2]}1; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done' &); while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo fine",
    )
    stage.run(task_id, f"sleep {mark}")
    eventually(lambda: len(processes_with(mark)) >= 1)

    stage.give(stop=[shell(task_id, "")])
    stage.final(task_id)
    (tmp_path / "go").touch()

    assert stage.final(other).kind == "finish"
    assert stage.output(other) == b"fine\n"


def test_a_stop_for_an_unknown_task_is_answered(agent, stage, task_id):
    stage.give(stop=[shell(task_id, "", invokeVersion=4)])

    parameters = stage.final(task_id).parameters

    assert (
        parameters.items()
        >= {
            "start": "0",
            "end": "0",
            "exitcode": "0",
            "result": "killed",
            "invokeVersion": "4",
        }.items()
    )


def test_a_stopped_unknown_task_never_runs_later(agent, stage, task_id, tmp_path):
    stage.give(stop=[shell(task_id, "")])
    stage.final(task_id)

    report = deliver_again(stage, task_id, f"touch {tmp_path}/ran")

    assert report.parameters["errCode"] == "-9"
    assert not (tmp_path / "ran").exists()


def test_a_task_that_is_delivered_twice_runs_once(agent, stage, task_id, tmp_path):
    script = f"echo x >> {tmp_path}/runs; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    stage.run(task_id, script)
    eventually((tmp_path / "runs").exists)
    stage.run(task_id, script)
    stage.wait(lambda: not stage.work["run"])
    (tmp_path / "go").touch()
    stage.final(task_id)

    report = deliver_again(stage, task_id, script)

    assert report.parameters["errCode"] == "-9"
    assert report.parameters["errDesc"].startswith("ScriptFileExisted: ")
    assert (tmp_path / "runs").read_text() == "x\n"
    assert len(stage.reports(task_id, "finish")) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_report_that_is_not_taken_is_repeated(agent, stage, task_id, status):
    stage.statuses["finish"] = iter([status, status, 200]).__next__
    stage.run(task_id, "echo hi")

    assert stage.final_output(task_id) == b"hi\n"
    eventually(lambda: agent.log.count(f"Report delivered task={task_id}") == 1)


def test_a_report_that_is_refused_for_good_is_not_repeated(agent, stage, task_id):
    tries = []
    stage.statuses["finish"] = lambda: tries.append(1) or 400
    stage.run(task_id, "echo hi")

    eventually(lambda: f"refused the report for good task={task_id}" in agent.log)
    agent.terminate()
    agent.start()
    stage.wait(lambda: len([c for c in stage.calls if c.parameters.get("reason") == "startup"]) == 2)

    assert len(tries) == 1


def test_a_lost_chunk_is_sent_again(agent, stage, task_id, tmp_path):
    stage.statuses["running"] = iter([503, 503] + [200] * 50).__next__
    stage.run(task_id, f"echo one; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo two")
    stage.wait(lambda: stage.output(task_id) == b"one\n")
    (tmp_path / "go").touch()

    stage.final(task_id)

    assert stage.output(task_id) == b"one\ntwo\n"


def test_a_server_that_is_away_gets_the_result_once_when_it_is_back(agent, stage, task_id, tmp_path):
    stage.run(
        task_id,
        f"echo one; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo two; touch {tmp_path}/over",
    )
    stage.wait(lambda: stage.output(task_id) == b"one\n")
    stage.stop()
    (tmp_path / "go").touch()
    eventually(lambda: f"Task ended task={task_id}" in agent.log)
    stage.start()

    report = stage.final(task_id)

    assert (report.kind, stage.output(task_id)) == ("finish", b"one\ntwo\n")
    eventually(lambda: f"Report delivered task={task_id}" in agent.log)
    assert len(stage.reports(task_id, "finish")) == 1


def test_a_kept_result_is_delivered_before_the_first_fetch_of_the_next_start(agent, stage, task_id):
    stage.statuses["finish"] = 503
    stage.run(task_id, "echo kept")
    eventually(lambda: f"Report not delivered task={task_id}" in agent.log)
    agent.kill()
    del stage.statuses["finish"], stage.calls[:]

    agent.start()
    stage.wait(lambda: any(call.kind == "list" for call in stage.calls))

    kinds = [call.kind for call in stage.calls]
    assert kinds.index("finish") < kinds.index("list")
    assert (stage.final_output(task_id), kinds.count("finish")) == (b"kept\n", 1)


def test_a_killed_agent_neither_repeats_the_command_nor_leaves_it_running(
    agent, stage, task_id, mark, tmp_path
):
    script = f"echo x >> {tmp_path}/runs; echo unsent; setsid sleep {mark} & sleep {mark}"
    stage.statuses["running"] = 503
    stage.run(task_id, script)
    eventually(lambda: len(processes_with(mark)) == 2)
    eventually(agent.spill(task_id).exists)
    agent.kill()
    del stage.statuses["running"], stage.calls[:], stage.channels[:]
    stage.give(run=[shell(task_id, script)], kick=False)

    agent.start()
    error = stage.wait(lambda: stage.reports(task_id, "error"))[0]

    assert error.parameters["errCode"] == "-9"
    assert processes_with(mark) == []
    assert (tmp_path / "runs").read_text() == "x\n"
    kinds = [call.kind for call in stage.calls]
    assert kinds.index("running") < kinds.index("list")
    assert stage.output(task_id) == b"unsent\n"


def test_a_large_result_of_a_killed_agent_arrives_whole(agent, stage, task_id):
    stage.statuses.update(running=503, finish=503)
    stage.run(task_id, "seq 1 20000", output={"logQuota": 12000})
    whole = b"".join(b"%d\n" % number for number in range(1, 20001))
    eventually(lambda: f"Report not delivered task={task_id}" in agent.log)
    eventually(lambda: f"Task ended task={task_id}" in agent.log)
    agent.kill()
    stage.statuses.clear()

    agent.start()
    report = stage.final(task_id)

    # One of the killed agent's own tries may still have arrived.
    assert stage.reports(task_id, "running")[-1].body == whole[:6000]
    assert report.body == whole[-6000:]
    assert int(report.parameters["outputOffset"]) == len(whole) - 6000


def test_a_stop_after_the_end_delivers_the_result(agent, stage, task_id):
    stage.statuses["finish"] = 503
    stage.run(task_id, "echo done")
    eventually(lambda: f"Report not delivered task={task_id}" in agent.log)
    stage.statuses.clear()

    stage.give(stop=[shell(task_id, "")])

    assert stage.final(task_id).kind == "finish"
    assert stage.reports(task_id, "stopped") == []


def test_an_agent_that_is_told_to_stop_ends_its_commands_and_reports_them(agent, stage, task_id, mark):
    stage.run(task_id, f"echo one; sleep {mark} & sleep {mark}")
    stage.wait(lambda: stage.output(task_id) == b"one\n")

    assert agent.terminate() == 0

    report = stage.final(task_id)
    assert (report.kind, report.parameters["errCode"]) == ("error", "4")
    assert report.parameters["errDesc"].startswith("ExecuteScriptFailed.Interrupted: ")
    assert processes_with(mark) == []


def test_what_a_stopping_agent_cannot_deliver_its_next_start_does(agent, stage, task_id, mark):
    stage.run(task_id, f"echo one; sleep {mark}")
    stage.wait(lambda: stage.output(task_id) == b"one\n")
    stage.stop()
    agent.terminate()
    stage.start()

    agent.start()

    assert stage.final(task_id).kind == "error"
    assert processes_with(mark) == []


def test_one_slow_report_does_not_hold_up_the_others(agent, stage, task_id):
    asked, others_came = [], threading.Event()

    def first_hangs():
        asked.append(1)
        if len(asked) == 1:
            others_came.wait(PATIENCE_SECONDS)
        return 200

    stage.statuses["finish"] = first_hangs
    ids = [f"{task_id}-{number}" for number in range(6)]
    stage.give(run=[shell(one, "true") for one in ids])

    stage.wait(lambda: len(asked) == len(ids))
    assert not others_came.is_set()
    others_came.set()
    assert {stage.final(one).kind for one in ids} == {"finish"}


def test_no_zombies_are_left(agent, stage, task_id):
    stage.run(task_id, "(setsid sh -c 'sleep 0.05' &) ; true")
    stage.final(task_id)

    def has_none():
        return not Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()

    eventually(has_none)

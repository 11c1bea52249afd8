"""Schedules on a real agent: the server hands them over once and hears of each run."""

import os
import time
from datetime import UTC, datetime

import pytest

from tests.agent.actors import processes_with
from tests.agent.stage import shell
from tests.waiting import eventually

ENDS = {"finish", "timeout", "error", "stopped", "invalid"}
EACH_SECOND = "* * * * * ? UTC"

# All output comes with the final report.
QUIET = {"sendStart": False, "interval": 60_000}


def moment_ahead(stage, task_id):
    """A second that is still to come when the agent hears of it: as far off as this machine is slow just now."""
    began = time.monotonic()
    stage.run(f"{task_id}-before", "true")
    stage.final(f"{task_id}-before")
    return int(time.time() + 2 + 20 * (time.monotonic() - began))


@pytest.fixture
def mark(task_id):
    """A number of seconds that only this test sleeps for."""
    return f"7{os.getpid()}.{task_id.rpartition('-')[2]}"


def plan(task_id, script, cron=EACH_SECOND, repeat="Period", version=1, **fields):
    return shell(task_id, script, repeat=repeat, cron=cron, invokeVersion=version, **fields)


def ends(stage, task_id):
    return [call for call in stage.reports(task_id) if call.kind in ENDS]


def wait_for_ends(stage, task_id, count):
    return stage.wait(lambda: ends(stage, task_id)[count - 1 :] and ends(stage, task_id))


def fires(calls):
    return [int(call.parameters["fire"]) for call in calls if "fire" in call.parameters]


def runs_of(stage, task_id):
    """The final report of each run, in the order in which they came first.

    A report whose answer was lost with the server or the agent comes again, the same.
    """
    runs = {}
    for call in ends(stage, task_id):
        if "fire" in call.parameters:
            first = runs.setdefault(call.parameters["fire"], call)
            assert (call.kind, call.body) == (first.kind, first.body)
            assert call.parameters["start"] == first.parameters["start"], "the moment had two runs"
    return list(runs.values())


def startups(stage):
    return sum(call.parameters.get("reason") == "startup" for call in stage.calls)


def stop(stage, task_id, repeat="Period", version=1):
    stage.give(stop=[plan(task_id, "", repeat=repeat, version=version)])


def test_an_interval_fires_with_the_beat_of_its_making(agent, stage, task_id):
    made = int(time.time() * 1000) - 300
    stage.give(run=[plan(task_id, "echo hi", "rate(1s)", "Rate", 3, creationTime=made, output=QUIET)])

    first, *_ = wait_for_ends(stage, task_id, 3)

    # On a busy machine one may be left out because the last one goes on.
    beats = [divmod(fire - made, 1000) for fire in fires(runs_of(stage, task_id))]
    assert beats[0][0] >= 1
    assert {rest for _, rest in beats} == {0}
    assert beats == sorted(set(beats))
    assert (first.kind, first.body) == ("finish", b"hi\n")
    said = first.parameters
    assert said.items() >= {"exitCode": "0", "invokeVersion": "3", "dropped": "0"}.items()
    assert int(said["fire"]) <= int(said["start"]) <= int(said["end"]) <= int(said["currentTime"])
    stop(stage, task_id, "Rate", 3)


def test_a_moment_fires_once(agent, stage, task_id, tmp_path):
    moment = moment_ahead(stage, task_id)
    text = f"at({datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S})"
    stage.give(run=[plan(task_id, f"echo x >> {tmp_path}/runs", text, "At")])

    report = stage.final(task_id)

    assert (report.kind, report.parameters["fire"]) == ("finish", str(moment * 1000))
    assert (tmp_path / "runs").read_text() == "x\n"
    eventually(lambda: not list((agent.state / "schedules").iterdir()))


def test_after_the_last_moment_comes_the_last_run_and_then_the_end(agent, stage, task_id):
    last = datetime.fromtimestamp(moment_ahead(stage, task_id), UTC)
    stage.give(run=[plan(task_id, "sleep 0.3", f"{last:%S %M %H %d %m} ? {last.year} UTC")])

    run, end = wait_for_ends(stage, task_id, 2)

    assert (run.kind, run.parameters["fire"]) == ("finish", str(int(last.timestamp()) * 1000))
    assert (end.kind, end.parameters["result"], end.parameters["start"]) == ("stopped", "completed", "0")


def test_a_moment_during_the_last_run_is_left_out(agent, stage, task_id):
    stage.give(run=[plan(task_id, "sleep 1.5")])

    first, second = wait_for_ends(stage, task_id, 2)[:2]

    assert int(second.parameters["start"]) >= int(first.parameters["end"])
    assert int(second.parameters["fire"]) - int(first.parameters["fire"]) >= 2000
    stop(stage, task_id)


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"workingDirectory": "/nowhere"}, "workingDirectory"),
        ({"username": "nobody-here"}, "UsernameOrPasswordInvalid"),
    ],
)
def test_a_run_that_cannot_be_honoured_does_not_end_the_schedule(agent, stage, task_id, fields, parameter):
    stage.give(run=[plan(task_id, "true", **fields)])

    calls = wait_for_ends(stage, task_id, 2)

    assert {(call.kind, call.parameters["param"]) for call in calls} == {("invalid", parameter)}
    assert len(set(fires(calls))) == len(calls)
    assert all(int(call.parameters["start"]) >= int(call.parameters["fire"]) for call in calls)
    stop(stage, task_id)


def test_a_run_that_cannot_be_started_has_its_start_and_its_moment(agent, stage, task_id):
    stage.give(run=[plan(task_id, "#!/no/such/interpreter\n")])

    report = stage.final(task_id)

    assert (report.kind, report.parameters["errCode"]) == ("error", "2")
    assert int(report.parameters["start"]) >= int(report.parameters["fire"]) > 0
    stop(stage, task_id)


def test_a_timeout_ends_its_run_and_not_the_schedule(agent, stage, task_id, mark):
    stage.give(run=[plan(task_id, f"sleep {mark}", timeOut="1")])

    first, second = wait_for_ends(stage, task_id, 2)[:2]

    assert (first.kind, second.kind) == ("timeout", "timeout")
    assert first.parameters["fire"] != second.parameters["fire"]
    stop(stage, task_id)


def test_a_text_that_cannot_be_understood_is_reported_once(agent, stage, task_id):
    stage.give(run=[plan(task_id, "true", "0 0 * * *", version=2)])

    report = stage.final(task_id)

    assert (report.kind, report.parameters["param"], report.parameters["value"]) == (
        "invalid",
        "cron",
        "InvalidCronExpression",
    )
    assert not {"start", "fire"} & set(report.parameters)


# --- The server is away ---


def test_while_the_server_is_away_the_schedule_goes_on_and_each_run_is_reported_once(
    agent, stage, task_id, tmp_path
):
    stage.give(
        run=[
            plan(
                task_id,
                f"echo x >> {tmp_path}/runs; wc -l < {tmp_path}/runs",
                output=QUIET,
            )
        ]
    )
    eventually((tmp_path / "runs").exists)
    stage.stop()
    size = (tmp_path / "runs").stat().st_size
    eventually(lambda: (tmp_path / "runs").stat().st_size >= size + 6)
    stage.start()
    stage.wait(lambda: stage.channels)
    stop(stage, task_id)
    stage.wait(lambda: any("result" in call.parameters for call in ends(stage, task_id)))

    calls = runs_of(stage, task_id)
    assert fires(calls) == sorted(fires(calls))
    finished = [call for call in calls if call.kind == "finish"]
    assert [int(call.body) for call in finished] == list(range(1, len(finished) + 1))
    # The stop may have met a run.
    assert len(finished) <= (tmp_path / "runs").stat().st_size // 2 <= len(calls)


def test_an_agent_that_starts_while_the_server_is_away_goes_on_with_its_schedules(
    agent, stage, task_id, tmp_path
):
    stage.give(run=[plan(task_id, f"echo x >> {tmp_path}/runs", version=5)])
    eventually((tmp_path / "runs").exists)
    stage.stop()
    agent.kill()
    before = (tmp_path / "runs").stat().st_size
    agent.start()
    eventually(lambda: (tmp_path / "runs").stat().st_size >= before + 4)
    stage.give(run=[plan(task_id, "echo other", version=5)], kick=False)
    stage.start()
    stage.wait(lambda: startups(stage) == 2)
    size = (tmp_path / "runs").stat().st_size
    eventually(lambda: (tmp_path / "runs").stat().st_size > size)
    stop(stage, task_id, version=5)
    stage.wait(lambda: any(call.kind == "stopped" for call in ends(stage, task_id)))

    calls = runs_of(stage, task_id)
    assert fires(calls) == sorted(fires(calls))
    assert {call.parameters["invokeVersion"] for call in calls} == {"5"}


def test_after_a_start_a_schedule_that_the_server_does_not_name_is_gone(agent, stage, task_id, tmp_path):
    stage.give(run=[plan(task_id, f"echo x >> {tmp_path}/runs")])
    eventually((tmp_path / "runs").exists)

    agent.terminate()
    agent.start()

    eventually(lambda: f"Schedule is no longer wanted task={task_id}" in agent.log)
    eventually(lambda: not list((agent.state / "schedules").iterdir()))


def test_a_run_that_a_kill_interrupts_is_reported_by_the_next_process(agent, stage, task_id, mark):
    stage.give(run=[plan(task_id, f"echo begun; sleep {mark}")])
    eventually(lambda: processes_with(mark))
    stage.wait(lambda: stage.output(task_id) == b"begun\n")
    (started, *_) = stage.reports(task_id, "running")
    agent.kill()
    agent.start()

    report = stage.final(task_id)

    assert (report.kind, report.parameters["errCode"]) == ("error", "4")
    for name in ("start", "fire", "invokeVersion"):
        assert report.parameters[name] == started.parameters[name]
    stage.wait(lambda: startups(stage) == 2)
    kinds = [call.kind for call in stage.calls if call.kind == "error" or "cold_start" in call.parameters]
    # The server takes the first fetch as the sign that whatever it has not heard of is lost.
    assert [kind for kind in kinds if kind != "heart-beat"] == ["list", "error", "list"]
    eventually(lambda: processes_with(mark) == [])


def test_no_moment_fires_twice_however_often_the_agent_is_killed(agent, stage, task_id, tmp_path):
    entry = plan(task_id, f"echo x >> {tmp_path}/runs")
    stage.give(run=[entry])
    stage.final(task_id)
    for _ in range(4):
        agent.kill()
        seen = len(ends(stage, task_id))
        stage.give(run=[entry], kick=False)
        agent.start()
        wait_for_ends(stage, task_id, seen + 2)
    stop(stage, task_id)
    stage.wait(lambda: any(call.kind == "stopped" for call in ends(stage, task_id)))

    # A run that was killed with its agent may have ended before its line was written.
    lines = (tmp_path / "runs").read_text().splitlines()
    calls = runs_of(stage, task_id)
    assert sum(call.kind == "finish" for call in calls) <= len(lines) <= len(calls)


# --- Changes and stops ---


def test_another_version_ends_the_run_that_goes_on_without_a_report(agent, stage, task_id, mark):
    stage.give(run=[plan(task_id, f"sleep {mark}")])
    eventually(lambda: processes_with(mark))

    stage.give(run=[plan(task_id, "echo new", version=2, output=QUIET)])
    report = stage.final(task_id)

    assert (report.kind, report.parameters["invokeVersion"], report.body) == ("finish", "2", b"new\n")
    eventually(lambda: processes_with(mark) == [])
    agent.terminate()
    stage.give(run=[plan(task_id, "echo new", version=2)], kick=False)
    agent.start()
    wait_for_ends(stage, task_id, len(ends(stage, task_id)) + 2)
    assert {call.parameters["invokeVersion"] for call in ends(stage, task_id)} == {"2"}


def test_a_stop_between_two_runs(agent, stage, task_id):
    stage.give(run=[plan(task_id, "true", "rate(1s)", "Rate", creationTime=int(time.time() * 1000))])
    run = stage.final(task_id)

    stop(stage, task_id, "Rate")
    stopped = stage.wait(lambda: stage.reports(task_id, "stopped"))[0]

    assert (stopped.parameters["result"], stopped.parameters["exitcode"]) == ("killed", "0")
    assert int(stopped.parameters["start"]) >= int(run.parameters["start"])
    assert "fire" not in stopped.parameters
    assert list((agent.state / "schedules").iterdir()) == []


def test_a_stop_during_a_run_ends_its_tree_and_brings_its_output(agent, stage, task_id, mark):
    stage.give(run=[plan(task_id, f"echo begun; setsid sleep {mark} & sleep {mark}")])
    eventually(lambda: len(processes_with(mark)) == 2)

    stop(stage, task_id)
    report = stage.final(task_id)

    assert (report.kind, report.parameters["result"]) == ("stopped", "killed")
    assert int(report.parameters["start"]) >= int(report.parameters["fire"]) > 0
    assert stage.output(task_id) == b"begun\n"
    assert processes_with(mark) == []
    assert list((agent.state / "schedules").iterdir()) == []


def test_a_stop_for_a_schedule_that_nobody_knows(agent, stage, task_id):
    stop(stage, task_id, version=3)

    said = stage.final(task_id).parameters
    assert said.items() >= {"start": "0", "end": "0", "result": "killed", "invokeVersion": "3"}.items()


def test_a_stop_with_another_repeat_leaves_the_schedule_alone(agent, stage, task_id):
    stage.give(run=[plan(task_id, "true")])
    stage.final(task_id)
    eventually(lambda: stop(stage, task_id, "Once") or stage.reports(task_id, "stopped"))
    seen = len(stage.reports(task_id, "finish"))

    assert stage.wait(lambda: stage.reports(task_id, "finish")[seen:])
    stop(stage, task_id)


def test_stopped_and_given_again_with_a_higher_version_it_goes_on(agent, stage, task_id):
    stage.give(run=[plan(task_id, "true")])
    stage.final(task_id)
    stop(stage, task_id)
    assert stage.wait(lambda: stage.reports(task_id, "stopped"))

    stage.give(run=[plan(task_id, "true", version=2)])

    assert stage.wait(lambda: [one for one in ends(stage, task_id) if one.parameters["invokeVersion"] == "2"])
    stop(stage, task_id, version=2)


def test_what_a_run_leaves_behind_on_purpose_survives_the_end_of_a_later_one(agent, stage, task_id, mark):
    daemon = f"7{mark}"
    script = f"setsid sleep {daemon} & exec sleep {mark}"
    stage.give(run=[plan(task_id, f"pgrep -f 'sleep {daemon}' || (setsid sleep {daemon} >/dev/null 2>&1 &)")])
    stage.final(task_id)
    (survivor,) = eventually(lambda: processes_with(daemon))

    stage.give(run=[plan(task_id, f": {script.partition('&')[2]}; exec sleep {mark}", version=2)])
    eventually(lambda: [pid for pid in processes_with(mark) if pid != survivor])
    stop(stage, task_id, version=2)
    stage.wait(lambda: stage.reports(task_id, "stopped"))

    assert survivor in processes_with(daemon)
    os.kill(survivor, 9)


# --- Starts of the system ---


def test_each_start_of_the_system_is_a_run_of_its_own(agent, stage, task_id, tmp_path):
    script = f"echo x >> {tmp_path}/runs"
    for version in (7, 7, 8, 7):
        stage.give(run=[shell(task_id, script, repeat="EveryReboot", invokeVersion=version)])
        stage.wait(lambda: not stage.work["run"])
        eventually(lambda: f"Report delivered task={task_id}" in agent.log)
    stage.wait(lambda: len(ends(stage, task_id)) == 2)

    agent.terminate()
    calls = ends(stage, task_id)
    assert [(call.kind, call.parameters["invokeVersion"]) for call in calls] == [
        ("finish", "7"),
        ("finish", "8"),
    ]
    assert (tmp_path / "runs").read_text() == "x\nx\n"
    assert "fire" not in calls[0].parameters


def test_the_next_start_of_the_system_runs_at_once_and_only_once(agent, stage, task_id):
    entry = shell(task_id, "echo up", repeat="NextRebootOnly")
    stage.give(run=[entry])

    assert stage.final_output(task_id) == b"up\n"
    again = eventually(lambda: stage.give(run=[entry]) or stage.reports(task_id, "error"))
    assert again[0].parameters["errCode"] == "-9"


def test_a_machine_with_schedules_is_as_quiet_and_small(agent, stage, task_id):
    stage.give(run=[plan(f"{task_id}-{n}", "true", f"0 {n} 3 ? * 1-5 Asia/Shanghai") for n in range(20)])
    eventually(lambda: len(list((agent.state / "schedules").iterdir())) == 20)

    assert agent.memory_kib() < 31 * 1024

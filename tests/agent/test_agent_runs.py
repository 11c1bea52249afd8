"""Commands on a running agent, as the server sees them."""

import itertools
import os
import pwd
from pathlib import Path

import pytest

from tests.agent.actors import processes_with
from tests.agent.stage import shell
from tests.waiting import eventually

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
needs_ordinary_user = pytest.mark.skipif(os.geteuid() == 0, reason="root can become another user")


def test_a_command_runs(agent, stage, task_id):
    stage.run(task_id, "echo hi", invokeVersion=3)

    report = stage.final(task_id)

    assert (report.kind, stage.output(task_id)) == ("finish", b"hi\n")
    assert report.parameters.items() >= {"exitCode": "0", "dropped": "0", "invokeVersion": "3"}.items()
    assert int(report.parameters["end"]) >= int(report.parameters["start"]) > 1_600_000_000_000
    eventually(lambda: f"Report delivered task={task_id}" in agent.log)
    assert f"Task received task={task_id}" in agent.log
    assert f"Task ended task={task_id}" in agent.log


@pytest.mark.parametrize(
    ("script", "exit_code", "output"),
    [
        ("exit 3", "3", b""),
        ("kill -9 $$", "-1", b""),
        ("echo out; echo err >&2", "0", b"out\nerr\n"),
        ("printf '\\377\\376\\000x'", "0", b"\xff\xfe\x00x"),
        ("#!/usr/bin/env python3\nprint(6 * 7)", "0", b"42\n"),
        ("cat; echo end", "0", b"end\n"),
        ("head -c 300000 /dev/zero | tr '\\0' x", "0", b"x" * 300000),
    ],
)
def test_exit_code_and_output_arrive(agent, stage, task_id, script, exit_code, output):
    stage.run(task_id, script)

    report = stage.final(task_id)

    assert (report.kind, report.parameters["exitCode"], stage.output(task_id)) == (
        "finish",
        exit_code,
        output,
    )


def test_a_running_command_is_announced_and_heard(agent, stage, task_id, tmp_path):
    stage.run(task_id, f"echo one; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo two")
    started = stage.wait(lambda: stage.reports(task_id, "running"))[0]
    stage.wait(lambda: stage.output(task_id) == b"one\n")
    (tmp_path / "go").touch()

    report = stage.final(task_id)

    assert started.parameters["start"] == report.parameters["start"]
    assert (report.body, report.parameters["outputOffset"]) == (b"two\n", "4")


def test_chunks_keep_their_distance(agent, stage, task_id):
    stage.run(task_id, "for n in 1 2 3 4 5 6 7 8 9; do echo $n; sleep 0.25; done")
    stage.final(task_id)

    times = [report.at for report in stage.reports(task_id, "running")]
    assert len(times) >= 2
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))
    assert stage.output(task_id) == b"".join(b"%d\n" % number for number in range(1, 10))


def test_without_skip_empty_every_interval_is_reported(agent, stage, task_id, tmp_path):
    script = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    stage.run(task_id, script, output={"skipEmpty": False, "sendStart": False})
    stage.wait(lambda: len(stage.reports(task_id, "running")) >= 2)
    (tmp_path / "go").touch()
    stage.final(task_id)

    assert {report.body for report in stage.reports(task_id, "running")} == {b""}


def test_more_than_the_quota_keeps_the_first_and_the_newest_half(agent, stage, task_id):
    stage.run(task_id, "seq 1 20000", output={"logQuota": 12000})
    whole = b"".join(b"%d\n" % number for number in range(1, 20001))

    report = stage.final(task_id)
    head = b"".join(call.body for call in stage.reports(task_id, "running"))

    assert (head, report.body) == (whole[:6000], whole[-6000:])
    assert int(report.parameters["dropped"]) == len(whole) - 12000
    assert int(report.parameters["outputOffset"]) == len(whole) - 6000


def test_a_hundred_megabytes_do_not_grow_the_agent(agent, stage, task_id):
    before = agent.memory_kib()
    stage.run(task_id, "head -c 104857600 /dev/zero")

    report = stage.final(task_id)

    assert int(report.parameters["dropped"]) == 104857600 - 1048576
    assert agent.memory_kib() - before < 8 * 1024


def test_the_environment_is_that_of_the_account(agent, stage, task_id):
    account = pwd.getpwuid(os.geteuid())
    stage.run(task_id, 'echo "$HOME $USER $LOGNAME $SHELL"; pwd; umask')

    home, where, _ = stage.final_output(task_id).decode().splitlines()

    assert home == f"{account.pw_dir} {account.pw_name} {account.pw_name} {account.pw_shell}"
    assert where == account.pw_dir


def test_the_working_directory_is_kept(agent, stage, task_id, tmp_path):
    stage.run(task_id, "pwd", workingDirectory=str(tmp_path))

    assert stage.final_output(task_id).decode() == f"{tmp_path}\n"


def test_scripts_do_not_stay(agent, stage, task_id, tmp_path):
    stage.run(task_id, 'echo "$0"; stat -c %a "$0"')

    path, mode = stage.final_output(task_id).decode().splitlines()

    assert mode == "700"
    eventually(lambda: not Path(path).exists())


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        ({"workingDirectory": "/nowhere"}, "invalid", {"param": "workingDirectory"}),
        ({"type": "RunBatScript"}, "invalid", {"param": "TypeInvalid", "value": "TypeInvalid_RunBatScript"}),
        ({"username": "nobody-here"}, "invalid", {"param": "UsernameOrPasswordInvalid"}),
        ({"commandContent": "%"}, "invalid", {"param": "CommandContentInvalid"}),
    ],
)
def test_what_cannot_be_honoured_is_invalid(agent, stage, task_id, fields, kind, expected):
    stage.run(task_id, "true", **fields)

    report = stage.final(task_id)

    assert (report.kind, report.body) == (kind, b"")
    assert report.parameters.items() >= expected.items()


def test_a_missing_interpreter_is_an_error(agent, stage, task_id):
    stage.run(task_id, "#!/no/such/interpreter\ntrue")

    report = stage.final(task_id)

    assert (report.kind, report.parameters["errCode"]) == ("error", "2")
    assert report.parameters["errDesc"].startswith("ExecuteScriptFailed.NoSuchFileOrDirectory: ")
    assert (report.parameters["start"], report.parameters["end"]) == ("0", "0")


@needs_ordinary_user
def test_an_ordinary_agent_becomes_nobody_else(agent, stage, task_id):
    stage.run(task_id, "id", username="root")

    assert stage.final(task_id).parameters["param"] == "UsernameOrPasswordInvalid"


@needs_root
def test_root_runs_commands_as_any_account(agent, stage, task_id):
    account = pwd.getpwnam("nobody")
    stage.run(task_id, "id -u; id -g; id -G; echo $HOME $USER; pwd; ls -ld $0", username="nobody")

    uid, gid, groups, names, where, script = stage.final_output(task_id).decode().splitlines()

    assert (uid, gid) == (str(account.pw_uid), str(account.pw_gid))
    assert "0" not in groups.split()
    assert names == f"{account.pw_dir} nobody"
    assert where == (account.pw_dir if Path(account.pw_dir).is_dir() else "/")
    assert script.startswith("-rwx------")
    assert "nobody" in script


@needs_root
def test_root_accepts_its_own_name(agent, stage, task_id):
    stage.run(task_id, "id -un", username="root")

    assert stage.final_output(task_id) == b"root\n"


def test_checks_alone_run_nothing(agent, stage, tmp_path):
    good = shell("t-good", f"touch {tmp_path}/ran")
    bad = shell("t-bad", "true", workingDirectory="/nowhere")
    stage.give(test=[good, bad])

    stage.wait(lambda: stage.reports("t-good", "verified") and stage.reports("t-bad", "invalid"))
    assert not (tmp_path / "ran").exists()


def test_a_process_left_behind_neither_hangs_the_run_nor_dies(agent, stage, task_id, tmp_path):
    mark = f"{600 + os.getpid() / 1e7:.7f}"
    stage.run(
        task_id,
        f"(while [ ! -e {tmp_path}/end ]; do echo x; sleep 0.02; done; touch {tmp_path}/done) & echo {mark}",
    )

    report = stage.final(task_id)
    (tmp_path / "end").touch()

    assert report.kind == "finish"
    eventually((tmp_path / "done").exists)


def test_a_silent_process_left_behind_is_not_waited_for(agent, stage, task_id):
    mark = f"6{os.getpid()}.{task_id.rpartition('-')[2]}"
    stage.run(task_id, f"sleep {mark} & echo done")

    stage.final(task_id)
    (survivor,) = processes_with(mark)
    os.kill(survivor, 9)

    assert stage.output(task_id) == b"done\n"


def test_ten_run_at_a_time_and_the_others_wait(agent, stage, tmp_path, task_id):
    ids = [f"{task_id}-{number}" for number in range(12)]
    script = f"touch {tmp_path}/$CLOUD_ASSISTANT_TASK_ID; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    stage.give(run=[shell(one, script) for one in ids])
    eventually(lambda: len(list(tmp_path.glob("t-*"))) == 10)
    stage.give(stop=[shell(ids[11], "")])
    stopped = stage.final(ids[11])
    (tmp_path / "go").touch()

    kinds = [stage.final(one).kind for one in ids[:11]]

    assert kinds == ["finish"] * 11
    assert stopped.kind == "stopped"
    assert (stopped.parameters["start"], stopped.parameters["end"], stopped.parameters["result"]) == (
        "0",
        "0",
        "killed",
    )
    assert sorted(path.name for path in tmp_path.glob("t-*")) == sorted(ids[:11])


def test_an_unknown_repeat_is_left_alone(agent, stage, task_id):
    stage.give(run=[shell(task_id, "true", repeat="Sometimes")])

    eventually(lambda: f"no support for this repeat task={task_id}" in agent.log)
    assert stage.reports(task_id) == []

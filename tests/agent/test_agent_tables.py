"""Small pure parts: task lists, process lists, names of failures, times."""

import base64
import errno
import json
import os
import uuid

import pytest

from agent import checks, facts, failures, gateway, heartbeat, process_tree, tasks
from agent.errors import InvalidTask

SCRIPT = base64.b64encode(b"echo hi").decode()


def parse_one(task=None, **entry):
    fields = {"taskID": "t-1", "type": "RunShellScript", "commandContent": SCRIPT, **(task or {})}
    return tasks.parse_work(json.dumps({"code": 200, "run": [{"task": fields, **entry}]}).encode()).runs[0]


def test_the_smallest_entry_has_the_defaults_of_the_protocol():
    task = parse_one()

    assert (task.timeout_seconds, task.repeat, task.invoke_version) == (3600, "Once", 0)
    assert (task.interval_seconds, task.quota_bytes, task.skip_empty, task.send_start) == (
        1.0,
        12000,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("given", "expected"), [("60", 60), (60, 60), ("x", 3600), (None, 3600), ("0", None), ("", 3600)]
)
def test_timeouts(given, expected):
    assert parse_one({"timeOut": given}).timeout_seconds == expected


@pytest.mark.parametrize(
    ("repeat", "cron", "expected"),
    [
        ("Once", "", "Once"),
        ("", "", "Once"),
        ("", "0 0 * * * *", "Period"),
        ("Rate", "x", "Rate"),
        (None, None, "Once"),
    ],
)
def test_repeats(repeat, cron, expected):
    assert parse_one({"cron": cron}, repeat=repeat).repeat == expected


def test_a_bad_entry_costs_only_itself():
    entries = [
        {"task": {"taskID": 1}},
        {"task": None},
        5,
        {"task": {"taskID": "t", "invokeVersion": "x"}},
        {},
    ]

    work = tasks.parse_work(json.dumps({"run": entries, "stop": None, "test": 3}).encode())

    assert [task.task_id for task in work.runs] == ["1"]
    assert (work.stops, work.tests) == ([], [])


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_what_is_no_task_list_is_an_error(body):
    with pytest.raises(tasks.MalformedAnswer):
        tasks.parse_work(body)


@pytest.mark.parametrize(
    ("task", "parameter", "value"),
    [
        ({"type": "RunBatScript"}, "TypeInvalid", "TypeInvalid_RunBatScript"),
        ({"type": "x", "commandContent": "?"}, "TypeInvalid", "TypeInvalid_x"),
        ({"commandContent": "?"}, "CommandContentInvalid", ""),
        ({"commandContent": "YQ"}, "CommandContentInvalid", ""),
        ({"commandContent": "?", "username": "nobody-here"}, "CommandContentInvalid", ""),
        ({"username": "nobody-here"}, "UsernameOrPasswordInvalid", "UserInvalid_nobody-here: "),
        ({"workingDirectory": "/nowhere"}, "workingDirectory", "WorkingDirectoryNotExist: "),
        ({"containerId": "c1"}, "UnsupportedContainerRuntime", "UnsupportedContainerRuntime: "),
    ],
)
def test_invalid_tasks_are_named_as_in_the_protocol(task, parameter, value):
    with pytest.raises(InvalidTask) as refusal:
        checks.plan(parse_one(task))

    assert refusal.value.parameter == parameter
    assert refusal.value.value.startswith(value)


def test_a_script_may_hold_any_bytes():
    content = base64.b64encode(b"\xff\xfe\x00").decode()

    assert checks.plan(parse_one({"commandContent": content})).script == b"\xff\xfe\x00"


def test_without_a_user_the_agent_runs_commands_as_itself():
    account = checks.plan(parse_one()).account

    assert (account.uid, account.is_own) == (os.geteuid(), True)


@pytest.mark.parametrize(
    ("number", "code", "start"),
    [
        (errno.EACCES, errno.EACCES, "ExecuteScriptFailed.PermissionDenied: "),
        (errno.ENOENT, errno.ENOENT, "ExecuteScriptFailed.NoSuchFileOrDirectory: "),
        (errno.ENOSPC, -8, "NoEnoughSpace: "),
    ],
)
def test_failures_are_named_as_in_the_protocol(number, code, start):
    failure = failures.from_system("ExecuteScriptFailed", OSError(number, os.strerror(number), "x" * 300))

    assert failure.code == code
    assert failure.description.startswith(start)
    assert len(failure.description.encode()) <= 255


@pytest.mark.parametrize("wanted", [55000, 60000.0, 65000])
def test_the_server_chooses_the_next_heartbeat_within_limits(wanted):
    assert heartbeat.seconds_until_next(wanted) == wanted / 1000


@pytest.mark.parametrize("wanted", [None, 1000, 90000, "60000", True])
def test_otherwise_the_next_heartbeat_is_jittered(wanted):
    assert 55 <= heartbeat.seconds_until_next(wanted) <= 65


def test_a_process_may_have_any_name():
    text = "7 (a) b (c) S 5 6 6 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 1"

    assert process_tree.parse_stat(text) == (7, 5, 6, 6, "S", 4242)


def test_this_process_is_among_all():
    own = process_tree.look(os.getpid())

    assert own.parent == os.getppid()
    assert own in process_tree.all_processes()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n', "Debian GNU/Linux 12 (bookworm)"),
        ("# PRETTY_NAME=no\nPRETTY_NAME='Some Linux'\n", "Some Linux"),
        ("ID=x\n\n", None),
    ],
)
def test_the_system_names_itself(text, name):
    assert facts.parse_os_release(text).get("PRETTY_NAME") == name


@pytest.mark.parametrize(("text", "expected"), [("a b&c=/", "a%20b%26c%3D%2F"), ("ü~_-.", "%C3%BC~_-.")])
def test_query_values_are_escaped(text, expected):
    assert gateway.query({"x": text, "n": 1}) == f"x={expected}&n=1"


def test_request_ids_are_random_uuids():
    first, second = uuid.UUID(gateway.request_id()), uuid.UUID(gateway.request_id())

    assert first != second
    assert (first.version, first.variant) == (4, uuid.RFC_4122)

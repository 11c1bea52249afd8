"""The server's answer to a fetch, read into typed values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import log
from agent.errors import AgentError
from agent.journal import RunId

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the protocol says of missing or small values (agent-gateway 8.2).
DEFAULT_TIMEOUT_SECONDS = 3600
MIN_INTERVAL_SECONDS = 1.0
MIN_QUOTA_BYTES = 12000

# No server has asked for more; the two halves of a run's output are bounded by this.
MAX_QUOTA_BYTES = 16 * 1024 * 1024

ONCE, NEXT_REBOOT_ONLY, EVERY_REBOOT = "Once", "NextRebootOnly", "EveryReboot"

# Delivering them is the word to run them; the server watches the starts of the system.
AT_ONCE = frozenset({ONCE, NEXT_REBOOT_ONLY, EVERY_REBOOT})


class MalformedAnswer(AgentError):
    pass


class Task(NamedTuple):
    task_id: str
    kind: str
    content: str
    timeout_seconds: int | None
    working_directory: str
    username: str
    invoke_version: int
    repeat: str
    container: str
    interval_seconds: float
    quota_bytes: int
    skip_empty: bool
    send_start: bool
    cron: str = ""
    creation_ms: int = 0
    # No run begins at or after this moment; 0 is no such moment.
    not_after_ms: int = 0


class Run(NamedTuple):
    """One time that a task runs. `fire_ms` is the moment that its schedule names, if it has one."""

    task: Task
    fire_ms: int | None = None

    @property
    def id(self) -> RunId:
        if self.fire_ms is None and self.task.repeat != EVERY_REBOOT:
            return RunId(self.task.task_id)
        return RunId(self.task.task_id, self.task.invoke_version, self.fire_ms)

    @property
    def is_one_of_many(self) -> bool:
        """Whether its start is needed to tell it from other runs of the task."""
        return self.fire_ms is not None or self.task.repeat == EVERY_REBOOT


class WorkList(NamedTuple):
    code: int
    runs: list[Task]
    stops: list[Task]
    tests: list[Task]


def parse_work(body: bytes) -> WorkList:
    """Read a `task/list` answer; an entry that makes no sense costs only itself."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise MalformedAnswer(f"The task list is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise MalformedAnswer("The task list is not a JSON object.")
    for name in ("file", "session"):
        if answer.get(name):
            log.warning(f"This agent has no support for {name} tasks; they are ignored")
    return WorkList(_number(answer, "code", 200), *(_tasks(answer, name) for name in ("run", "stop", "test")))


def _tasks(answer: Mapping[str, Any], name: str) -> list[Task]:
    entries = answer.get(name) or []
    parsed = (_try_to_parse(entry, name) for entry in (entries if isinstance(entries, list) else []))
    return [task for task in parsed if task is not None]


def _try_to_parse(entry: Mapping[str, Any], name: str) -> Task | None:
    try:
        return parse_task(entry)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        log.error("An entry of the task list cannot be read", array=name, reason=repr(error))
        return None


def parse_task(entry: Mapping[str, Any]) -> Task:
    task, output = entry["task"], entry.get("output") or {}
    task_id = _text(task, "taskID")
    if not task_id:
        raise ValueError("taskID is empty")
    return Task(
        task_id=task_id,
        kind=_text(task, "type"),
        content=_text(task, "commandContent"),
        timeout_seconds=_timeout(task.get("timeOut")),
        working_directory=_text(task, "workingDirectory"),
        username=_text(task, "username"),
        invoke_version=_number(task, "invokeVersion", 0),
        repeat=_text(entry, "repeat") or ("Period" if _text(task, "cron") else ONCE),
        container=_text(task, "containerId") or _text(task, "containerName"),
        interval_seconds=max(MIN_INTERVAL_SECONDS, _number(output, "interval", 0) / 1000),
        quota_bytes=min(MAX_QUOTA_BYTES, max(MIN_QUOTA_BYTES, _number(output, "logQuota", 0))),
        skip_empty=bool(output.get("skipEmpty")),
        send_start=bool(output.get("sendStart")),
        cron=_text(task, "cron"),
        creation_ms=_number(task, "creationTime", 0),
        not_after_ms=_number(task, "notAfter", 0),
    )


def _timeout(value: object) -> int | None:
    """Seconds; None for "no time-out", which is what zero means."""
    try:
        seconds = int(str(value))
    except ValueError:
        return DEFAULT_TIMEOUT_SECONDS
    return seconds if seconds > 0 else None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value)


def _number(fields: Mapping[str, Any], name: str, default: int) -> int:
    value = fields.get(name)
    return default if value is None else int(value)

"""Which processes belong to a task, as far as /proc tells."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent.checks import RUN_ID_VARIABLE

if TYPE_CHECKING:
    import signal

PROC = Path("/proc")


class Process(NamedTuple):
    pid: int
    parent: int
    group: int
    session: int
    state: str
    started: int

    @property
    def is_dead(self) -> bool:
        return self.state in "ZX"


def parse_stat(text: str) -> Process:
    """Read /proc/<pid>/stat; the name in it may contain blanks and parentheses."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    return Process(
        pid=int(pid),
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


def look(pid: int) -> Process | None:
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, IndexError):
        return None


def all_processes() -> list[Process]:
    pids = (int(name) for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208
    return [process for process in map(look, pids) if process is not None]


def of_run(leader: int, run_mark: str, known: set[tuple[int, int]]) -> list[Process]:
    """The living processes of a run that goes on.

    They are those of its session and group, all their descendants, those that were such before
    (`known`, by pid and start time), and the orphans that this agent has inherited and that
    carry the run's mark.
    """
    processes = all_processes()
    own_pid = os.getpid()
    found = {
        process.pid
        for process in processes
        if leader in (process.session, process.group)
        or (process.pid, process.started) in known
        or (process.parent == own_pid and process.pid != leader and carries_mark(process.pid, run_mark))
    }
    _add_descendants(found, processes)
    found.discard(own_pid)
    return [process for process in processes if process.pid in found and not process.is_dead]


def left_over(leader: int, leader_started: int, run_mark: str) -> list[Process]:
    """The living processes of a run that an earlier agent process had started in this boot.

    The session's number proves something only while its leader is the one that was noted.
    """
    processes = all_processes()
    noted = look(leader) if leader else None
    is_same = noted is not None and noted.started == leader_started
    found = {
        process.pid
        for process in processes
        if (is_same and process.session == leader) or carries_mark(process.pid, run_mark)
    }
    _add_descendants(found, processes)
    found.discard(os.getpid())
    return [process for process in processes if process.pid in found and not process.is_dead]


def carries_mark(pid: int, run_mark: str) -> bool:
    mark = f"{RUN_ID_VARIABLE}={run_mark}".encode()
    try:
        return mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def send(processes: list[Process], number: signal.Signals) -> None:
    for process in processes:
        # Between listing and signalling a process may end and its number be given away.
        now = look(process.pid)
        if now is not None and now.started == process.started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)


def _add_descendants(found: set[int], processes: list[Process]) -> None:
    size = -1
    while size != len(found):
        size = len(found)
        found.update(process.pid for process in processes if process.parent in found)

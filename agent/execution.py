"""One run of a command: from its start until nothing more is to be heard of it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from typing import TYPE_CHECKING

from agent import log, process_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.children import Child
    from agent.journal import RunId

READ_BYTES = 64 * 1024

# Between asking the processes of a task to end and ending them.
TERMINATE_GRACE_SECONDS = 5.0
# When the agent itself is told to stop, whoever told it waits.
INTERRUPT_GRACE_SECONDS = 2.0
# A process that even SIGKILL does not end (it waits for a dead disk) must not block the queue.
GIVE_UP_SECONDS = 15.0
SURVEY_SECONDS = 0.05

# A process that the command left behind may hold the pipe open for ever.
DRAIN_QUIET_SECONDS = 0.25
DRAIN_SECONDS = 1.0

FINISHED, TIMED_OUT, STOPPED, INTERRUPTED = "finish", "timeout", "stopped", "error"


class Execution:
    """Runs in one thread; `stop` may be called by any."""

    def __init__(
        self, run_id: RunId, child: Child, *, timeout_seconds: int | None, take: Callable[[bytes], None]
    ) -> None:
        self._run_id = run_id
        self._child = child
        self._take = take
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._wanted_end = ""
        self._poll = select.poll()
        self._poll.register(child.wake, select.POLLIN)
        self._poll.register(child.output, select.POLLIN)
        self._is_open = True
        self._was_killed = False
        fcntl.fcntl(child.output, fcntl.F_SETFL, fcntl.fcntl(child.output, fcntl.F_GETFL) | os.O_NONBLOCK)

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ended by itself; -1 for one ended by a signal."""
        return max(-1, self._child.exit_code if self._child.exit_code is not None else -1)

    def stop(self, end: str) -> None:
        """End the command for the reason `end`, unless it has ended for another."""
        self._wanted_end = self._wanted_end or end
        self._child.ring()

    def wait(self) -> str:
        """Collect the output until the end; returns how it came."""
        while self._child.exit_code is None:
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self._wanted_end = self._wanted_end or TIMED_OUT
            if self._wanted_end:
                self._kill()
                break
            self._listen(self._deadline)
        self._drain()
        return self._wanted_end if self._was_killed else FINISHED

    def release(self) -> int | None:
        """Close what is no longer needed; the output's end is handed on if something still writes to it."""
        self._child.close()
        if not self._is_open:
            return None
        return self._child.output

    def _listen(self, deadline: float | None) -> bool:
        """Wait for output or a ring until `deadline`; whether there was output."""
        pause = None if deadline is None else max(0, deadline - time.monotonic()) * 1000
        ready = {descriptor for descriptor, _ in self._poll.poll(pause)}
        if self._child.wake in ready:
            self._child.hush()
        return self._child.output in ready and self._read()

    def _read(self) -> bool:
        try:
            content = os.read(self._child.output, READ_BYTES)
        except BlockingIOError:
            return False
        if content:
            self._take(content)
            return True
        self._poll.unregister(self._child.output)
        os.close(self._child.output)
        self._is_open = False
        return False

    def _drain(self) -> None:
        """Take what is in the pipe, and what comes until there is a moment of quiet."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._is_open and time.monotonic() < deadline:
            if not self._listen(min(deadline, time.monotonic() + DRAIN_QUIET_SECONDS)):
                return

    def _kill(self) -> None:
        """End every process of the task; its output is still collected meanwhile."""
        self._was_killed = True
        began = time.monotonic()
        is_hurried = self._wanted_end == INTERRUPTED
        grace = INTERRUPT_GRACE_SECONDS if is_hurried else TERMINATE_GRACE_SECONDS
        asked: set[tuple[int, int]] = set()
        while left := process_tree.of_run(self._child.pid, self._run_id.mark, asked):
            age = time.monotonic() - began
            if age >= GIVE_UP_SECONDS:
                log.error("Some processes cannot be ended", task=self._run_id.task_id, count=len(left))
                return
            if age >= grace:
                process_tree.send(left, signal.SIGKILL)
            else:
                _ask_to_end([process for process in left if (process.pid, process.started) not in asked])
            asked.update((process.pid, process.started) for process in left)
            self._listen(time.monotonic() + SURVEY_SECONDS)


def _ask_to_end(processes: list[process_tree.Process]) -> None:
    process_tree.send(processes, signal.SIGTERM)
    # A stopped process would not notice.
    process_tree.send(processes, signal.SIGCONT)

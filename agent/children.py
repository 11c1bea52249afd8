"""Starts the processes of tasks, and is the only one in this process that waits for children.

The agent also inherits the orphans of its tasks (see `become_subreaper`); they are waited for
here too, or they would stay as zombies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
from typing import TYPE_CHECKING

from agent import process_tree
from agent.checks import Account, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.journal import RunId

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Let orphans of our descendants become our children instead of init's, so that they can be found."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Child:
    """A started command. Its `wake` end becomes readable when there is something to look at."""

    def __init__(self) -> None:
        self.pid = 0
        self._lock = threading.Lock()
        self.exit_code: int | None = None
        self.wake, self._ring = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.output, self.writing = os.pipe2(os.O_CLOEXEC)
        except OSError:
            self.close()
            raise

    def end(self, exit_code: int) -> None:
        self.exit_code = exit_code
        self.ring()

    def ring(self) -> None:
        # The lock keeps a late ring out of whatever file gets the closed end's number next.
        # A full pipe has rung already; a closed one has nobody left to hear it.
        with self._lock, contextlib.suppress(OSError):
            os.write(self._ring, b"!")

    def hush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 64)

    def close(self) -> None:
        with self._lock:
            ring, self._ring = self._ring, -1
            os.close(self.wake)
            os.close(ring)


class Children:
    def __init__(self) -> None:
        self._running: dict[int, Child] = {}
        # Held while a process is started: a file that is open for writing anywhere in this process
        # while another thread forks could not be executed, and no child may end unknown.
        self._lock = threading.Lock()

    def start(
        self,
        command: list[str],
        *,
        account: Account,
        directory: str,
        run_id: RunId,
        write_script: Callable[[], None],
    ) -> Child:
        """Write the script and start the command in a session of its own; raises OSError."""
        child = Child()
        try:
            with self._lock:
                write_script()
                variables = environment(account, run_id)
                child.pid = _spawn(command, account, directory, variables, child.writing)
                self._running[child.pid] = child
        except BaseException:
            os.close(child.output)
            child.close()
            raise
        finally:
            os.close(child.writing)
        return child

    def reap(self) -> None:
        """Wait for every child that has ended; called by the main thread on SIGCHLD."""
        while True:
            with self._lock:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if pid == 0:
                    return
                child = self._running.pop(pid, None)
            if child is not None:
                child.end(os.waitstatus_to_exitcode(status))


def _spawn(
    command: list[str], account: Account, directory: str, variables: dict[str, str], output: int
) -> int:
    # Without a change of user Python starts processes by vfork, which is much faster; so none is
    # asked for unless it is needed.
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=directory,
        env=variables,
        start_new_session=True,
        user=None if account.is_own else account.uid,
        group=None if account.is_own else account.gid,
        extra_groups=None if account.is_own else account.groups,
    )
    # `reap` waits for it; this keeps the object from doing so itself.
    process.returncode = 0
    return process.pid


def started_at(pid: int) -> int:
    process = process_tree.look(pid)
    return process.started if process else 0

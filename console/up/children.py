"""Child processes: started, watched, started again, stopped."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from console.up import log

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# Who lived this long was well: the next end is a new beginning of the pauses.
WELL_AFTER_SECONDS = 30.0

PR_SET_PDEATHSIG = 1
# Looked up once, before any fork: what a child does between fork and exec has to be little.
prctl = ctypes.CDLL(None, use_errno=True).prctl


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and how."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    descriptors: tuple[int, ...] = ()
    folder: str | None = None
    # What it gets from the kernel when the supervisor is gone without a word.
    orphan_signal: signal.Signals = signal.SIGKILL
    # The exit statuses after which it is not started again.
    may_end_with: frozenset[int] = frozenset()
    # Asked when it has ended with one of these: whether it was meant to.
    may_end: Callable[[], bool] = lambda: True


class Reaper:
    """Notices ended children. The only waiter in the process, so no thread per child is needed."""

    def __init__(self) -> None:
        self._waiting: dict[subprocess.Popen[bytes], asyncio.Future[int]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGCHLD, self._look)

    def start(
        self, program: Program, *, stdin: int = subprocess.DEVNULL, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            program.command,
            env=dict(program.environment),
            pass_fds=program.descriptors,
            cwd=program.folder,
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid(), program.orphan_signal),  # noqa: PLW1509 - one thread only
            stdin=stdin,
            stdout=stdout,
        )
        self._waiting[process] = self._loop.create_future()
        return process

    async def ended(self, process: subprocess.Popen[bytes]) -> int:
        """The exit status; minus the signal's number for a process that was killed."""
        waiting = self._waiting.get(process)
        if waiting is not None:
            # It may have ended before anybody waited for it.
            self._look()
            await asyncio.shield(waiting)
        return process.returncode

    def _look(self) -> None:
        for process in list(self._waiting):
            status = process.poll()
            if status is not None:
                self._waiting.pop(process).set_result(status)


def die_with(parent: int, orphan_signal: int) -> None:
    """In the child, before it becomes the program: its end shall follow the supervisor's."""
    prctl(PR_SET_PDEATHSIG, orphan_signal)
    if os.getppid() != parent:
        os._exit(1)


class Child:
    """One program that is kept running."""

    def __init__(self, program: Program, reaper: Reaper, on_change: Callable[[], None]) -> None:
        self.program = program
        self._reaper = reaper
        self._on_change = on_change
        self._process = reaper.start(program)
        self._keeper = asyncio.create_task(self._keep())

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        """None while it is not running."""
        return self._process.pid if self._process.returncode is None else None

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            status = await self._reaper.ended(self._process)
            if status in self.program.may_end_with and self.program.may_end():
                log.info(f"{self.name} has ended", status=status)
                self._on_change()
                return
            if time.monotonic() - started >= WELL_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.warning(f"{self.name} {manner(status)}; it starts again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            self._process = self._reaper.start(self.program)
            self._on_change()

    async def stop(self, deadline: float) -> None:
        """Ask it to end, and end it at the deadline (of the loop's clock)."""
        self._keeper.cancel()
        await stop(self._reaper, self._process, self.name, deadline)


async def stop(reaper: Reaper, process: subprocess.Popen[bytes], name: str, deadline: float) -> None:
    send(process, signal.SIGTERM)
    try:
        async with asyncio.timeout_at(deadline):
            await reaper.ended(process)
    except TimeoutError:
        log.warning(f"{name} did not end in time and is killed")
        send(process, signal.SIGKILL)
        await reaper.ended(process)


def send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            # The whole group: a web process and what it may have started.
            os.killpg(process.pid, number)


def manner(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


@dataclass(frozen=True, slots=True)
class Finished:
    status: int
    output: bytes


async def run(reaper: Reaper, program: Program, *, given: bytes = b"") -> Finished:
    """Run a program that ends by itself; its standard error is ours."""
    answer = os.memfd_create(program.name)
    try:
        process = reaper.start(program, stdin=subprocess.PIPE, stdout=answer)
        assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(given)
            process.stdin.close()
        try:
            status = await reaper.ended(process)
        finally:
            send(process, signal.SIGKILL)
        return Finished(status, os.pread(answer, os.fstat(answer).st_size, 0))
    finally:
        os.close(answer)

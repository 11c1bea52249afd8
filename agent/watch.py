"""What the main thread does: signals, ended children, and pipes that nobody else reads any more."""

from __future__ import annotations

import os
import select
import signal
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from agent.children import Children

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK = b"\0"


class Watch:
    def __init__(self, children: Children) -> None:
        self._children = children
        self._poll = select.poll()
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll.register(self._reading, select.POLLIN)
        self._handed_over: deque[int] = deque()
        self._is_ending = False

    def install(self) -> None:
        """From here on signals arrive in `run`; call in the main thread."""
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in (*ENDING_SIGNALS, signal.SIGCHLD):
            signal.signal(number, _do_nothing)

    def end(self) -> None:
        """Let `run` return; may be called by any thread."""
        self._is_ending = True
        os.write(self._writing, LOOK)

    def keep_reading(self, descriptor: int) -> None:
        """Throw away what a surviving process writes: without a reader it would be killed for it."""
        self._handed_over.append(descriptor)
        os.write(self._writing, LOOK)

    def run(self) -> None:
        while not self._is_ending:
            self.look(None)

    def look(self, milliseconds: int | None) -> None:
        for descriptor, _ in self._poll.poll(milliseconds):
            if descriptor == self._reading:
                self._read_signals()
            else:
                self._discard(descriptor)

    def _read_signals(self) -> None:
        numbers = os.read(self._reading, 4096)
        self._is_ending = self._is_ending or any(number in numbers for number in ENDING_SIGNALS)
        while self._handed_over:
            self._poll.register(self._handed_over.popleft(), select.POLLIN)
        self._children.reap()

    def _discard(self, descriptor: int) -> None:
        try:
            is_open = bool(os.read(descriptor, 65536))
        except BlockingIOError:
            return
        if not is_open:
            self._poll.unregister(descriptor)
            os.close(descriptor)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """A handler has to exist, or the signal would not reach the pipe."""

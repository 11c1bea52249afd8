"""What a command has written: everything up to a quota, then the first half and the newest half.

The bytes lie in a file, so that they cost no memory and outlive the agent: the first half from
the file's start on, the rest in a ring behind it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Piece(NamedTuple):
    """Some bytes and where in the command's whole output they begin."""

    offset: int
    body: bytes


class Output:
    """Written by the thread that runs the command, read by those that report."""

    def __init__(self, spill: Path, quota_bytes: int) -> None:
        self.total = 0
        self.sent = 0
        self._head = quota_bytes // 2
        self._ring = quota_bytes - self._head
        self._spill = _Spill(spill)
        self._sent_file = spill.with_name("sent")
        self._lock = threading.Lock()

    @classmethod
    def reopen(cls, spill: Path, quota_bytes: int) -> Output:
        """The output of an earlier agent process, as far as its first half goes."""
        output = cls(spill, quota_bytes)
        with contextlib.suppress(OSError):
            output.total = min(spill.stat().st_size, output._head)
        with contextlib.suppress(OSError, ValueError):
            output.sent = min(output.total, int(output._sent_file.read_bytes()))
        return output

    @property
    def head_bytes(self) -> int:
        return self._head

    @property
    def dropped(self) -> int:
        return max(0, self.total - self._head - self._ring)

    @property
    def has_unsent_head(self) -> bool:
        return self.sent < min(self.total, self._head)

    def add(self, content: bytes) -> bool:
        """Keep `content`; True when there was nothing to report before and now there is."""
        with self._lock:
            had_news = self.has_unsent_head
            while content:
                position, room = self._place(self.total)
                self._spill.write(position, content[:room])
                self.total += min(room, len(content))
                content = content[room:]
            return self.has_unsent_head and not had_news

    def chunk(self, limit: int) -> Piece:
        """The next unsent bytes of the first half; empty when there are none."""
        with self._lock:
            size = max(0, min(limit, min(self.total, self._head) - self.sent))
            return Piece(self.sent, self._spill.read(self.sent, size))

    def remainder(self) -> Piece:
        """What belongs into the final report: all that is unsent, or the newest half after a gap."""
        with self._lock:
            start = self.total - self._ring if self.dropped else self.sent
            return Piece(start, self._range(start, self.total))

    def acknowledge(self, end: int) -> None:
        with self._lock:
            self.sent = max(self.sent, end)
        # Not synced: a lost number only means that the server sees, and drops, bytes it has.
        with contextlib.suppress(OSError):
            self._sent_file.write_bytes(b"%d" % self.sent)

    def close(self) -> None:
        with self._lock:
            self._spill.close()

    def _place(self, offset: int) -> tuple[int, int]:
        """Where the byte at `offset` lies in the file, and how many may follow it there."""
        if offset < self._head:
            return offset, self._head - offset
        turn = (offset - self._head) % self._ring
        return self._head + turn, self._ring - turn

    def _range(self, start: int, end: int) -> bytes:
        pieces = []
        while start < end:
            position, room = self._place(start)
            pieces.append(self._spill.read(position, min(room, end - start)))
            start += room
        return b"".join(pieces)


class _Spill:
    """Bytes at positions, on disk as long as the disk takes them and in memory otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._memory: bytearray | None = None

    def write(self, position: int, content: bytes) -> None:
        if self._memory is None:
            try:
                self._write_to_disk(position, content)
            except OSError:
                self._memory = bytearray(self._whole_file())
            else:
                return
        missing = position - len(self._memory)
        self._memory.extend(bytes(max(0, missing)))
        self._memory[position : position + len(content)] = content

    def read(self, position: int, size: int) -> bytes:
        if not size:
            return b""
        if self._memory is not None:
            return bytes(self._memory[position : position + size])
        return os.pread(self._open(), size, position)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write_to_disk(self, position: int, content: bytes) -> None:
        descriptor = self._open()
        while content:
            written = os.pwrite(descriptor, content, position)
            position, content = position + written, content[written:]

    def _whole_file(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    def _open(self) -> int:
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor

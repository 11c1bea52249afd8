"""What the agent knows about tasks, on disk: the reason why no task runs twice and no result is lost.

One directory per task: `task` (written before the process starts), `process` (its id and start
time), `output` and `sent`, and at last `result`, which becomes `delivered` once the server has it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from agent import durable, facts, gateway, log

if TYPE_CHECKING:
    from pathlib import Path

KEEP_DELIVERED_SECONDS = 7 * 24 * 3600
KEEP_DELIVERED_COUNT = 5000


class Result(NamedTuple):
    """A final report. `head_bytes` of output have to reach the server as chunks before it."""

    task_id: str
    kind: str
    parameters: gateway.Parameters
    offset: int | None
    body: bytes
    head_bytes: int = 0


class Begun(NamedTuple):
    """A task that an earlier agent process has started and not finished."""

    task_id: str
    invoke_version: int
    start_ms: int
    quota_bytes: int
    boot_id: str
    process: int
    process_started: int


class AlreadyKnown(Exception):
    """The task was begun before; perhaps by another process, perhaps long ago."""


class Journal:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def folder(self, task_id: str) -> Path:
        # Ids are chosen by the server: they must not become paths. A dot is legal in both.
        return self._directory / f"t.{gateway.quote(task_id)}"[:255]

    def knows(self, task_id: str) -> bool:
        return self.folder(task_id).exists()

    def begin(self, task_id: str, *, invoke_version: int, start_ms: int, quota_bytes: int) -> None:
        """Write down that the task is about to start; raises AlreadyKnown or OSError.

        When this returns the note survives a power cut, so the process may start.
        """
        folder = self.folder(task_id)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise AlreadyKnown(task_id) from None
        note = {
            "task_id": task_id,
            "invoke_version": invoke_version,
            "start_ms": start_ms,
            "quota_bytes": quota_bytes,
            "boot_id": facts.boot_id(),
        }
        try:
            durable.write_file(folder / "task", json.dumps(note).encode())
            durable.sync_directory(self._directory)
        except OSError:
            self._remove(folder)
            raise

    def note_process(self, task_id: str, process: int, started: int) -> None:
        """Not synced: the note is of use only within the same boot."""
        with contextlib.suppress(OSError):
            (self.folder(task_id) / "process").write_text(f"{process} {started}", encoding="ascii")

    def finish(self, result: Result) -> bool:
        """Put the result on disk; False when the disk does not take it."""
        folder = self.folder(result.task_id)
        head = json.dumps({**result._asdict(), "body": None}).encode()
        try:
            is_new = not folder.exists()
            folder.mkdir(mode=0o700, exist_ok=True)
            durable.write_file(folder / "result", head, b"\n", result.body)
            if is_new:
                durable.sync_directory(self._directory)
        except OSError as error:
            log.error("The result cannot be kept on disk", task=result.task_id, reason=error)
            return False
        return True

    def result(self, task_id: str) -> Result:
        """Read an undelivered result; raises OSError or ValueError."""
        head, _, body = (self.folder(task_id) / "result").read_bytes().partition(b"\n")
        fields = json.loads(head)
        return Result(**{**fields, "body": body})

    def mark_delivered(self, task_id: str) -> None:
        """Keep only the fact that the task is over."""
        folder = self.folder(task_id)
        with contextlib.suppress(OSError):
            if (folder / "result").exists():
                (folder / "result").replace(folder / "delivered")
            else:
                (folder / "delivered").touch()
            durable.sync_directory(folder)
            os.truncate(folder / "delivered", 0)
        self._sweep(folder)

    def undelivered(self) -> list[Result]:
        """Results of earlier processes that the server has not acknowledged, oldest first, without bodies."""
        paths = sorted(self._directory.glob("*/result"), key=lambda path: path.stat().st_mtime)
        return [result for result in map(_summary, paths) if result is not None]

    def interrupted(self) -> list[Begun]:
        """Tasks that were started and have no result; traces of tasks that were not are removed."""
        found = []
        for folder in list(self._directory.iterdir()):
            if (folder / "result").exists() or (folder / "delivered").exists():
                continue
            if (folder / "task").exists():
                found.append(_begun(folder))
            else:
                self._remove(folder)
        return [begun for begun in found if begun is not None]

    def purge(self) -> None:
        """Forget delivered tasks that are old, or too many."""
        marks = sorted(
            self._directory.glob("*/delivered"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        oldest = time.time() - KEEP_DELIVERED_SECONDS
        for position, mark in enumerate(marks):
            if position >= KEEP_DELIVERED_COUNT or mark.stat().st_mtime < oldest:
                self._remove(mark.parent)

    def _sweep(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.name != "delivered":
                    path.unlink()

    def _remove(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


def _summary(path: Path) -> Result | None:
    try:
        with path.open("rb") as stream:
            return Result(**{**json.loads(stream.readline()), "body": b""})
    except (OSError, ValueError, TypeError) as error:
        log.error("A kept result cannot be read", path=path, reason=error)
        return None


def _begun(folder: Path) -> Begun | None:
    process, started = 0, 0
    with contextlib.suppress(OSError, ValueError):
        process, started = map(int, (folder / "process").read_text(encoding="ascii").split())
    try:
        note = json.loads((folder / "task").read_bytes())
        return Begun(**note, process=process, process_started=started)
    except (OSError, ValueError, TypeError) as error:
        log.error("The note of a started task cannot be read", path=folder, reason=error)
        return None

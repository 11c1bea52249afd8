"""What the agent knows about runs of tasks, on disk: why none happens twice and no result is lost.

One directory per run: `task` (written before the process starts), `process` (its id and start
time), `output` and `sent`, and at last `result`, which becomes `delivered` once the server has it.
Of a schedule's runs nothing stays then: the schedule itself knows which moments are past.
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


class RunId(NamedTuple):
    """What tells a run from all others. Only where a task runs many times is there more than its id.

    `fire_ms` is the moment that a schedule names; ENDED stands for the last word on the schedule.
    """

    task_id: str
    version: int = 0
    fire_ms: int | None = None

    @property
    def mark(self) -> str:
        """The same as one word."""
        if self == RunId(self.task_id):
            return self.task_id
        fire = "" if self.fire_ms is None else self.fire_ms
        return f"{fire}.{self.version}.{self.task_id}"


ENDED = 0


class Result(NamedTuple):
    """A final report. `head_bytes` of output have to reach the server as chunks before it."""

    run_id: RunId
    kind: str
    parameters: gateway.Parameters
    offset: int | None
    body: bytes
    head_bytes: int = 0


class Begun(NamedTuple):
    """A run that an earlier agent process has started and not finished.

    `said` names it in reports. One that `needs_end` has to be reported as ended by this agent.
    """

    run_id: RunId
    said: gateway.Parameters
    quota_bytes: int
    needs_end: bool
    boot_id: str
    process: int
    process_started: int


class AlreadyKnown(Exception):
    """The run was begun before; perhaps by another process, perhaps long ago."""


class Journal:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def folder(self, run_id: RunId) -> Path:
        # Ids are chosen by the server: they must not become paths. A dot is legal in both.
        kind = "t" if run_id == RunId(run_id.task_id) else "r"
        return self._directory / f"{kind}.{gateway.quote(run_id.mark)}"[:255]

    def knows(self, run_id: RunId) -> bool:
        return self.folder(run_id).exists()

    def begin(
        self, run_id: RunId, said: gateway.Parameters, *, quota_bytes: int, needs_end: bool = False
    ) -> None:
        """Write down that the run is about to start; raises AlreadyKnown or OSError.

        When this returns the note survives a power cut, so the process may start.
        """
        folder = self.folder(run_id)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise AlreadyKnown(run_id.mark) from None
        note = {
            "run_id": run_id,
            "said": said,
            "quota_bytes": quota_bytes,
            "needs_end": needs_end,
            "boot_id": facts.boot_id(),
        }
        try:
            durable.write_file(folder / "task", json.dumps(note).encode())
            durable.sync_directory(self._directory)
        except OSError:
            self._remove(folder)
            raise

    def note_process(self, run_id: RunId, process: int, started: int) -> None:
        """Not synced: the note is of use only within the same boot."""
        with contextlib.suppress(OSError):
            (self.folder(run_id) / "process").write_text(f"{process} {started}", encoding="ascii")

    def finish(self, result: Result) -> bool:
        """Put the result on disk; False when the disk does not take it."""
        folder = self.folder(result.run_id)
        head = json.dumps({**result._asdict(), "body": None}).encode()
        try:
            is_new = not folder.exists()
            folder.mkdir(mode=0o700, exist_ok=True)
            durable.write_file(folder / "result", head, b"\n", result.body)
            if is_new:
                durable.sync_directory(self._directory)
        except OSError as error:
            log.error("The result cannot be kept on disk", task=result.run_id.task_id, reason=error)
            return False
        return True

    def result(self, run_id: RunId) -> Result:
        """Read an undelivered result; raises OSError, ValueError or TypeError."""
        head, _, body = (self.folder(run_id) / "result").read_bytes().partition(b"\n")
        return _result(head, body)

    def summary(self, run_id: RunId) -> Result | None:
        """An undelivered result without its body; None when it cannot be read."""
        return _summary(self.folder(run_id) / "result")

    def set_aside(self, run_id: RunId) -> None:
        """The result waits for others and needs nothing but itself: give back the room of the rest."""
        self._sweep(self.folder(run_id), but="result")

    def mark_delivered(self, run_id: RunId) -> None:
        """Keep only the fact that the run is over; of a schedule's run, nothing."""
        folder = self.folder(run_id)
        with contextlib.suppress(OSError):
            if (folder / "result").exists():
                (folder / "result").replace(folder / "delivered")
            else:
                (folder / "delivered").touch()
            durable.sync_directory(folder)
            os.truncate(folder / "delivered", 0)
        self._sweep(folder, but="delivered")
        if run_id.fire_ms is not None:
            self._remove(folder)

    def undelivered(self) -> list[Result]:
        """Results of earlier processes that the server has not acknowledged, oldest first, without bodies."""
        paths = sorted(self._directory.glob("*/result"), key=lambda path: (path.stat().st_mtime_ns, path))
        return [result for result in map(_summary, paths) if result is not None]

    def interrupted(self) -> list[Begun]:
        """Runs that were started and have no result; traces of runs that were not are removed."""
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
        found = []
        for folder in self._directory.iterdir():
            # What has not been delivered has no mark, and a schedule's run may be removed at this moment.
            with contextlib.suppress(OSError):
                found.append(((folder / "delivered").stat().st_mtime, folder))
        oldest = time.time() - KEEP_DELIVERED_SECONDS
        for position, (delivered_at, folder) in enumerate(sorted(found, reverse=True)):
            if position >= KEEP_DELIVERED_COUNT or delivered_at < oldest:
                self._remove(folder)

    def _sweep(self, folder: Path, *, but: str) -> None:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.name != but:
                    path.unlink()

    def _remove(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()


def _result(head: bytes, body: bytes) -> Result:
    fields = json.loads(head)
    return Result(**{**fields, "run_id": RunId(*fields["run_id"]), "body": body})


def _summary(path: Path) -> Result | None:
    try:
        with path.open("rb") as stream:
            return _result(stream.readline(), b"")
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.error("A kept result cannot be read", path=path, reason=error)
        return None


def _begun(folder: Path) -> Begun | None:
    process, started = 0, 0
    with contextlib.suppress(OSError, ValueError):
        process, started = map(int, (folder / "process").read_text(encoding="ascii").split())
    try:
        note = json.loads((folder / "task").read_bytes())
        note["run_id"] = RunId(*note["run_id"])
        return Begun(**note, process=process, process_started=started)
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.error("The note of a started run cannot be read", path=folder, reason=error)
        return None

"""The schedules that the server has handed over, on disk: they go on while the server is away."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from agent import durable, gateway, log
from agent.errors import InvalidTask
from agent.tasks import Task
from agent.timetables import timetable_of

if TYPE_CHECKING:
    from pathlib import Path

# How late a moment is still kept: a clock that is put forward by a minute, seen half a minute later.
LATE_MS = 90_000

# More are only made by a clock that goes back and forth.
MOST_STRETCHES = 8


class Schedule:
    """A task with its timetable, and what is past of it.

    `stretches` are times whose moments have had their turn, each from a moment that fired until one looked:
    what a clock shows again after it was put back does not fire again.
    """

    def __init__(self, task: Task, stretches: list[list[int]], last_run: tuple[int, int] = (0, 0)) -> None:
        self.task = task
        self.last_run = last_run
        self._timetable = timetable_of(task)
        self._stretches = stretches
        self.next_ms: int | None = None

    @property
    def has_expired(self) -> bool:
        """Whether the server has set an end to it, and only moments behind that are left."""
        return self.next_ms is not None and self._is_beyond(self.next_ms)

    def look_ahead(self, now: int) -> None:
        self.next_ms = self._next_after(now)

    def take_due(self, now: int) -> int | None:
        """The moment that has come, if one has; it does not come again.

        Of several at once only one fires. What was missed for longer is not made up for (CA-127).
        """
        due = self.next_ms
        if due is None or due > now:
            return None
        is_missed = now - due > LATE_MS
        if is_missed:
            log.warning("A schedule's moment was missed", task=self.task.task_id, moment=due)
        else:
            self._remember(due, now)
        self.look_ahead(now)
        return None if is_missed else due

    def stored(self) -> bytes:
        fields = {"task": self.task._asdict(), "stretches": self._stretches, "last_run": self.last_run}
        return json.dumps(fields).encode()

    def _is_beyond(self, moment: int) -> bool:
        return 0 < self.task.not_after_ms <= moment

    def _next_after(self, moment: int) -> int | None:
        found = self._timetable.next_after(moment)
        for start, end in sorted(self._stretches):
            if found is not None and start <= found <= end:
                found = self._timetable.next_after(end)
        return found

    def _remember(self, due: int, now: int) -> None:
        last = self._stretches[-1] if self._stretches else None
        if last and self._timetable.next_after(last[1]) == due:
            last[1] = now
        else:
            self._stretches = [*self._stretches[1 - MOST_STRETCHES :], [due, now]]


class Shelf:
    """The directory with one file per schedule."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self) -> list[Schedule]:
        """All that can be read; the server hands the others over again."""
        read = (_read(path) for path in sorted(self._directory.glob("s.*")) if path.suffix != ".new")
        return [schedule for schedule in read if schedule is not None]

    def keep(self, schedule: Schedule) -> None:
        """Until the disk takes it, the schedule lives in memory only, and with this process."""
        try:
            durable.write_file(self._path(schedule.task.task_id), schedule.stored())
        except OSError as error:
            log.error("A schedule cannot be kept on disk", task=schedule.task.task_id, reason=error)

    def remove(self, task_id: str) -> None:
        with contextlib.suppress(OSError):
            self._path(task_id).unlink()
            durable.sync_directory(self._directory)

    def _path(self, task_id: str) -> Path:
        return self._directory / f"s.{gateway.quote(task_id)}"[:250]


def _read(path: Path) -> Schedule | None:
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        start_ms, end_ms = fields["last_run"]
        return Schedule(Task(**fields["task"]), fields["stretches"], (start_ms, end_ms))
    except (OSError, ValueError, TypeError, KeyError, InvalidTask) as error:
        log.error("A kept schedule cannot be read", path=path, reason=repr(error))
        return None

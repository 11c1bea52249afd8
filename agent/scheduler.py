"""Fires the schedules: when their moments have come, and not once more (agent-gateway 12)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent import facts, log, results, zones
from agent.errors import InvalidTask
from agent.execution import STOPPED
from agent.schedules import Schedule, Shelf
from agent.timetables import AT, PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.journal import Journal, Result
    from agent.outbox import Outbox
    from agent.runner import Over, Runner
    from agent.tasks import Task

# The clock may be set while we sleep: nobody says so, one has to look.
LOOK_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.001

# Two clocks that drift apart by less go equally fast.
STEP_MS = 500


class Scheduler:
    """One thread fires; deliveries, stops and ended runs come from others.

    `wall_ms` is the clock that schedules go by, `steady_ms` one that nobody sets. Lock order: this one's
    before the runner's and the outbox's.
    """

    def __init__(
        self,
        shelf: Shelf,
        runner: Runner,
        outbox: Outbox,
        journal: Journal,
        wall_ms: Callable[[], int] = facts.now_ms,
        steady_ms: Callable[[], int] = facts.steady_ms,
    ) -> None:
        self._shelf = shelf
        self._runner = runner
        self._outbox = outbox
        self._journal = journal
        self._wall_ms = wall_ms
        self._steady_ms = steady_ms
        self._kept: dict[str, Schedule] = {}
        # Stops that a run's own report is to answer.
        self._stopping: dict[str, Task] = {}
        self._is_closed = False
        # How far the one clock is ahead of the other, and which zone it shows.
        self._clock = self._clock_now()
        self._changed = threading.Condition(threading.RLock())

    def load(self) -> None:
        """Take up what an earlier process has kept; what it missed is not made up for."""
        with self._changed:
            for schedule in self._shelf.load():
                task = schedule.task
                if self._journal.knows(results.end_of(task)):
                    self._shelf.remove(task.task_id)
                    continue
                self._kept[task.task_id] = schedule
                schedule.look_ahead(self._wall_ms())
                self._end_if_over(schedule)
            if self._kept:
                log.info("Schedules taken up", count=len(self._kept))

    def install(self, task: Task) -> None:
        """Keep a schedule that was delivered, in place of an older one of the task."""
        with self._changed:
            known = self._kept.get(task.task_id)
            if known and known.task.invoke_version == task.invoke_version:
                return
            if known:
                self._forget(task.task_id)
                self._runner.drop_fired(task.task_id)
            try:
                self._keep(Schedule(task, []))
            except InvalidTask as problem:
                log.warning("A schedule cannot be understood", task=task.task_id, reason=problem)
                self._report(results.schedule_invalid(task, problem))

    def keep_only(self, task_ids: Iterable[str]) -> None:
        """The server has named all schedules that live: the others are over."""
        live = set(task_ids)
        with self._changed:
            for task_id in [one for one in self._kept if one not in live]:
                log.info("Schedule is no longer wanted", task=task_id)
                self._forget(task_id)

    def stop(self, task: Task) -> None:
        log.info("Stop received", task=task.task_id, repeat=task.repeat)
        with self._changed:
            known = self._kept.get(task.task_id)
            if self._runner.stop_fired(task.task_id):
                self._stopping[task.task_id] = task
                self._forget(task.task_id)
                return
            # A run of another version would be taken for one that nobody has heard of.
            is_same = known is not None and known.task.invoke_version == task.invoke_version
            start_ms, end_ms = known.last_run if known and is_same else (0, 0)
            # The report first: with one of the two on disk the stop is not lost.
            self._report(results.schedule_stopped(task, last_start_ms=start_ms, last_end_ms=end_ms))
            self._forget(task.task_id)

    def close(self) -> None:
        """Fire nothing more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def run(self) -> None:
        with self._changed:
            while not self._is_closed:
                self._changed.wait(self.look())

    def look(self) -> float | None:
        """Fire what is due; returns the seconds until it is time to look again, None without schedules."""
        with self._changed:
            now = self._wall_ms()
            self._heed_clock(now)
            for schedule in list(self._kept.values()):
                self._look_at(schedule, now)
            return self._pause()

    def _look_at(self, schedule: Schedule, now: int) -> None:
        try:
            moment = schedule.take_due(now)
            if moment is not None:
                self._fire(schedule, moment)
            self._end_if_over(schedule)
        except Exception as error:  # noqa: BLE001
            # A defect in one schedule must not end the others, nor the agent again after each start.
            log.defect("A schedule is given up", error, task=schedule.task.task_id)
            self._forget(schedule.task.task_id)

    def _pause(self) -> float | None:
        if not self._kept:
            return None
        wanted = [one.next_ms for one in self._kept.values() if one.next_ms is not None]
        if not wanted:
            return LOOK_SECONDS
        until_next = (min(wanted) - self._wall_ms()) / 1000
        return min(LOOK_SECONDS, max(LOOK_AGAIN_SECONDS, until_next))

    def _heed_clock(self, now: int) -> None:
        """Count anew where somebody has set the clock or chosen another zone."""
        (ahead, rule), (was_ahead, was_rule) = self._clock_now(), self._clock
        self._clock = ahead, rule
        has_stepped = abs(ahead - was_ahead) > STEP_MS
        if has_stepped:
            log.info("The clock was set", step=f"{(ahead - was_ahead) / 1000:.1f}s")
        if not has_stepped and rule == was_rule:
            return
        for schedule in self._kept.values():
            # What has come due by the step is still looked at as such.
            if schedule.next_ms is not None and schedule.next_ms > now:
                schedule.look_ahead(now)

    def _clock_now(self) -> tuple[int, tuple[object, ...]]:
        return self._wall_ms() - self._steady_ms(), zones.local_rule()

    def _fire(self, schedule: Schedule, moment: int) -> None:
        task = schedule.task
        # The moment is past on disk before the command starts: no crash lets it come again.
        if task.repeat == AT:
            self._forget(task.task_id)
        else:
            self._shelf.keep(schedule)
        if not self._runner.fire(task, moment, self._on_over):
            log.info("The last run goes on; this one is left out", task=task.task_id, moment=moment)

    def _on_over(self, over: Over) -> None:
        task = over.run.task
        with self._changed:
            stop = self._stopping.pop(task.task_id, None)
            if stop and over.report != STOPPED:
                # It ended by itself in the same moment.
                said = results.schedule_stopped(stop, last_start_ms=over.start_ms, last_end_ms=over.end_ms)
                self._report(said)
            schedule = self._kept.get(task.task_id)
            if schedule and schedule.task.invoke_version == task.invoke_version:
                schedule.last_run = over.start_ms, over.end_ms
                self._end_if_over(schedule)

    def _keep(self, schedule: Schedule) -> None:
        task, now = schedule.task, self._wall_ms()
        schedule.look_ahead(now)
        if schedule.has_expired or (schedule.next_ms is None and task.repeat == AT):
            log.info("A schedule has no moment left and is left alone", task=task.task_id)
            return
        if schedule.next_ms is None:
            raise InvalidTask("cron", "CronExpressionExpired")
        log.info("Schedule kept", task=task.task_id, version=task.invoke_version, repeat=task.repeat)
        self._kept[task.task_id] = schedule
        self._shelf.keep(schedule)
        self._changed.notify()

    def _end_if_over(self, schedule: Schedule) -> None:
        """After its last moment: forget it, and say so where the protocol wants that, behind its last run."""
        task = schedule.task
        if schedule.has_expired:
            self._forget(task.task_id)
        elif schedule.next_ms is None and not self._runner.is_occupied(task.task_id):
            if task.repeat == PERIOD:
                self._report(results.schedule_completed(task))
            self._forget(task.task_id)

    def _forget(self, task_id: str) -> None:
        self._kept.pop(task_id, None)
        self._shelf.remove(task_id)

    def _report(self, result: Result) -> None:
        """The last word on a schedule, behind the reports of its runs."""
        lane = self._outbox.lane(result.run_id)
        if lane:
            self._outbox.close(lane, result)
        else:
            self._outbox.hurry_task(result.run_id.task_id)

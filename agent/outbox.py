"""Sends what the lanes have to say: few threads, one report per task at a time, in order, none lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from agent import log
from agent.errors import TransportFailed
from agent.lane import NEVER, Lane, Outcome, Report

if TYPE_CHECKING:
    from agent.journal import Journal, Result, RunId

Post = Callable[[Report], int]

# Enough that one slow report does not hold up the others, few enough for a small server.
MAX_SENDERS = 4
SPARE_SENDER_SECONDS = 30.0


class Outbox:
    def __init__(self, post: Post, journal: Journal) -> None:
        self._post = post
        self._journal = journal
        # The runs of each task, oldest first: only the first of them speaks. None stands for a lane whose
        # result waits on disk for its turn: a schedule may go on for weeks while the server is away.
        self._turns: dict[str, dict[RunId, Lane | None]] = {}
        # Tasks that may have something to say; a waiting run has a lane, but a silent one.
        self._speaking: set[str] = set()
        self._busy: set[str] = set()
        self._senders = 0
        self._waiting = 0
        self._changed = threading.Condition()

    def lane(self, run_id: RunId) -> Lane | None:
        """A new lane; None when the run has one already, so it is queued, running or undelivered."""
        with self._changed:
            turns = self._turns.setdefault(run_id.task_id, {})
            if run_id in turns:
                return None
            lane = turns[run_id] = Lane(run_id, self._journal)
            return lane

    def queue_kept(self, run_id: RunId) -> None:
        """A result of an earlier process takes its turn; call in the order in which they came about."""
        with self._changed:
            self._turns.setdefault(run_id.task_id, {}).setdefault(run_id)
            self._speaking.add(run_id.task_id)
            self._call_sender()

    def is_under_way(self, run_id: RunId) -> bool:
        with self._changed:
            return run_id in self._turns.get(run_id.task_id, {})

    def discard(self, lane: Lane) -> None:
        with self._changed:
            if self._is_known(lane):
                self._remove(lane)

    def close(self, lane: Lane, result: Result, *, keep: bool = True) -> None:
        """The run of `lane` is over: put the result on disk, then send it until the server has it."""
        is_stored = keep and self._journal.finish(result)
        lane.close(result, is_stored=is_stored)
        log.info("Task ended", task=lane.run_id.task_id, report=result.kind)
        self.wake(lane)
        if is_stored:
            self._set_aside(lane, result)

    def wake(self, lane: Lane) -> None:
        """`lane` has something new to say, unless it is over: what was asked of all may come too late for one."""
        with self._changed:
            if self._is_known(lane):
                self._speaking.add(lane.run_id.task_id)
                self._call_sender()

    def hurry(self) -> None:
        """The server is there again: try everything that waits at once."""
        with self._changed:
            for lane in self._first_lanes(self._speaking):
                lane.hurry()
                self._call_sender()

    def hurry_task(self, task_id: str) -> bool:
        """The same for one task; False when nothing of it is under way."""
        with self._changed:
            lanes = self._first_lanes([task_id])
            for lane in lanes:
                lane.hurry()
                self._speaking.add(task_id)
                self._call_sender()
            return bool(lanes)

    def wait_until_settled(self, timeout: float) -> bool:
        """Wait until every result is delivered or has at least been answered."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not all(map(self._is_settled, self._turns.values())):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._changed.wait(min(remaining, 0.2))
        return True

    def _send_for_ever(self) -> None:
        while True:
            lane = self._next_lane()
            if lane is None:
                return
            try:
                self._serve(lane)
            except Exception as error:  # noqa: BLE001
                # A defect in one report must not end the thread that sends the others.
                log.defect("A report could not be made or sent", error, task=lane.run_id.task_id)
                lane.postpone()
            finally:
                self._release(lane)

    def _next_lane(self) -> Lane | None:
        """Wait for a lane that is due; None when this thread is no longer needed."""
        idle_until = time.monotonic() + SPARE_SENDER_SECONDS
        with self._changed:
            while True:
                now = time.monotonic()
                free = self._first_lanes(self._speaking - self._busy)
                due = sorted((lane.due_at(), lane.run_id.task_id, lane) for lane in free)
                if due and due[0][0] <= now:
                    self._busy.add(due[0][1])
                    if len(due) > 1 and due[1][0] <= now:
                        self._call_sender()
                    return due[0][2]
                if now >= idle_until and self._senders > 1:
                    self._senders -= 1
                    return None
                self._wait(due[0][0] - now if due else NEVER)

    def _wait(self, seconds: float) -> None:
        # The last sender sleeps as long as there is nothing to do; the spare ones look at the clock.
        if self._senders > 1:
            seconds = min(seconds, SPARE_SENDER_SECONDS)
        self._waiting += 1
        self._changed.wait(None if seconds == NEVER else seconds)
        self._waiting -= 1

    def _first_lanes(self, task_ids: Iterable[str]) -> list[Lane]:
        """Of each task the lane whose turn it is."""
        found = (self._first_lane(self._turns.get(task_id, {})) for task_id in list(task_ids))
        return [lane for lane in found if lane is not None]

    def _first_lane(self, turns: dict[RunId, Lane | None]) -> Lane | None:
        for run_id, lane in list(turns.items()):
            if lane is not None:
                return lane
            result = self._journal.summary(run_id)
            if result is not None:
                log.info("Delivering a kept result", task=run_id.task_id, report=result.kind)
                revived = turns[run_id] = Lane.revived(result, self._journal)
                return revived
            del turns[run_id]
        return None

    def _is_settled(self, turns: dict[RunId, Lane | None]) -> bool:
        first = next(iter(turns.values()), None)
        if first is not None and first.is_stuck:
            return True
        return all(lane is not None and lane.is_settled for lane in turns.values())

    def _is_known(self, lane: Lane) -> bool:
        return self._turns.get(lane.run_id.task_id, {}).get(lane.run_id) is lane

    def _remove(self, lane: Lane) -> None:
        task_id = lane.run_id.task_id
        turns = self._turns[task_id]
        del turns[lane.run_id]
        if not turns:
            del self._turns[task_id]
            self._speaking.discard(task_id)

    def _set_aside(self, lane: Lane, result: Result) -> None:
        """Keep only the place of a result whose turn has not come."""
        with self._changed:
            turns = self._turns.get(lane.run_id.task_id, {})
            if not self._is_known(lane) or next(iter(turns)) == lane.run_id:
                return
            turns[lane.run_id] = None
            if not result.head_bytes:
                self._journal.set_aside(lane.run_id)

    def _call_sender(self) -> None:
        if self._waiting:
            self._changed.notify()
        elif self._senders < MAX_SENDERS:
            self._senders += 1
            threading.Thread(target=self._send_for_ever, daemon=True).start()

    def _serve(self, lane: Lane) -> None:
        try:
            report = lane.compose()
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("A kept result cannot be read; it is given up", task=lane.run_id.task_id, reason=error)
            lane.is_over = True
            return
        try:
            outcome = Outcome(self._post(report))
        except TransportFailed as error:
            log.warning("The server cannot be reached", task=lane.run_id.task_id, reason=error)
            outcome = Outcome(0)
        lane.settle(report, outcome)

    def _release(self, lane: Lane) -> None:
        with self._changed:
            self._busy.discard(lane.run_id.task_id)
            if lane.is_over and self._is_known(lane):
                self._remove(lane)
            self._changed.notify_all()

"""Sends what the lanes have to say: few threads, one report per task at a time, none lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent import log
from agent.errors import TransportFailed
from agent.lane import NEVER, Lane, Outcome, Report

if TYPE_CHECKING:
    from agent.journal import Journal, Result

Post = Callable[[Report], int]

# Enough that one slow report does not hold up the others, few enough for a small server.
MAX_SENDERS = 4
SPARE_SENDER_SECONDS = 30.0


class Outbox:
    def __init__(self, post: Post, journal: Journal) -> None:
        self._post = post
        self._journal = journal
        self._lanes: dict[str, Lane] = {}
        # Those that may have something to say; a waiting task has a lane, but a silent one.
        self._speaking: dict[str, Lane] = {}
        self._busy: set[str] = set()
        self._senders = 0
        self._waiting = 0
        self._changed = threading.Condition()

    def lane(self, task_id: str) -> Lane | None:
        """A new lane; None when the task has one already, so it is queued, running or undelivered."""
        with self._changed:
            if task_id in self._lanes:
                return None
            lane = self._lanes[task_id] = Lane(task_id, self._journal)
            return lane

    def existing(self, task_id: str) -> Lane | None:
        with self._changed:
            return self._lanes.get(task_id)

    def discard(self, lane: Lane) -> None:
        with self._changed:
            self._lanes.pop(lane.task_id, None)
            self._speaking.pop(lane.task_id, None)

    def close(self, lane: Lane, result: Result, *, keep: bool = True) -> None:
        """The task of `lane` is over: put the result on disk, then send it until the server has it."""
        lane.close(result, is_stored=keep and self._journal.finish(result))
        log.info("Task ended", task=lane.task_id, report=result.kind)
        self.wake(lane)

    def wake(self, lane: Lane) -> None:
        """`lane` has something new to say, unless it is over: what was asked of all may come too late for one."""
        with self._changed:
            if self._lanes.get(lane.task_id) is lane:
                self._speaking[lane.task_id] = lane
                self._call_sender()

    def hurry(self) -> None:
        """The server is there again: try everything that waits at once."""
        with self._changed:
            lanes = list(self._speaking.values())
        for lane in lanes:
            lane.hurry()
            self.wake(lane)

    def wait_until_settled(self, timeout: float) -> bool:
        """Wait until every result is delivered or has at least been answered."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not all(lane.is_settled for lane in self._lanes.values()):
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
                log.defect("A report could not be made or sent", error, task=lane.task_id)
                lane.postpone()
            finally:
                self._release(lane)

    def _next_lane(self) -> Lane | None:
        """Wait for a lane that is due; None when this thread is no longer needed."""
        idle_until = time.monotonic() + SPARE_SENDER_SECONDS
        with self._changed:
            while True:
                now = time.monotonic()
                due = sorted((lane.due_at(), lane.task_id) for lane in self._free_lanes())
                if due and due[0][0] <= now:
                    self._busy.add(due[0][1])
                    if len(due) > 1 and due[1][0] <= now:
                        self._call_sender()
                    return self._lanes[due[0][1]]
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

    def _free_lanes(self) -> list[Lane]:
        return [lane for lane in self._speaking.values() if lane.task_id not in self._busy]

    def _call_sender(self) -> None:
        if self._waiting:
            self._changed.notify()
        elif self._senders < MAX_SENDERS:
            self._senders += 1
            threading.Thread(target=self._send_for_ever, daemon=True).start()

    def _serve(self, lane: Lane) -> None:
        try:
            report = lane.compose()
        except (OSError, ValueError) as error:
            log.error("A kept result cannot be read; it is given up", task=lane.task_id, reason=error)
            lane.is_over = True
            return
        try:
            outcome = Outcome(self._post(report))
        except TransportFailed as error:
            log.warning("The server cannot be reached", task=lane.task_id, reason=error)
            outcome = Outcome(0)
        lane.settle(report, outcome)

    def _release(self, lane: Lane) -> None:
        with self._changed:
            self._busy.discard(lane.task_id)
            if lane.is_over and self._lanes.get(lane.task_id) is lane:
                del self._lanes[lane.task_id], self._speaking[lane.task_id]
            self._changed.notify_all()

"""Everything one run of a task has to tell the server, in order.

A lane is asked by the outbox: when will there be something, what is it, and here is what came of it.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from agent import log
from agent.backoff import Backoff
from agent.output import Output, Piece

if TYPE_CHECKING:
    from agent.gateway import Parameters
    from agent.journal import Journal, Result, RunId

CHUNK_BYTES = 64 * 1024

# A command that ends within this time needs no start event: its final report says the same.
START_EVENT_DELAY_SECONDS = 0.03

SIGN_OF_LIFE_SECONDS = 60.0

NEVER = math.inf

# What names a run in every report of it.
NAMES = ("taskId", "invokeVersion", "start", "fire")


class Report(NamedTuple):
    kind: str
    parameters: Parameters
    body: bytes = b""
    is_final: bool = False


class Outcome(NamedTuple):
    """What came of a report; status 0 means that the server could not be reached."""

    status: int

    @property
    def is_delivered(self) -> bool:
        return 0 < self.status <= 400

    @property
    def is_refused(self) -> bool:
        return self.status in (401, 403)

    @property
    def is_pointless(self) -> bool:
        """Whether the server will never want this chunk, for instance because the run is closed."""
        return 400 <= self.status < 500 and self.status not in (401, 403, 408, 429)


class Lane:
    """Used by the thread that runs the task and by those that send; each call is short."""

    def __init__(self, run_id: RunId, journal: Journal) -> None:
        self.run_id = run_id
        self.is_over = False
        self._journal = journal
        self._lock = threading.Lock()
        self._backoff = Backoff()
        self._not_before = 0.0
        self._output: Output | None = None
        self._in_doubt: Piece | None = None
        self._result: Result | None = None
        self._is_stored = False
        self._parameters: Parameters = {}
        self._interval = 0.0
        self._next_news = NEVER
        self._next_life = NEVER
        self._silence = SIGN_OF_LIFE_SECONDS
        self._head_bytes = 0
        self._is_stuck = False
        self._ends_when_drained = False
        self.has_ended = False

    @classmethod
    def revived(cls, result: Result, journal: Journal) -> Lane:
        """A lane for a result that waits on disk."""
        lane = cls(result.run_id, journal)
        if result.head_bytes:
            said = {name: result.parameters[name] for name in NAMES if name in result.parameters}
            spill = journal.folder(result.run_id) / "output"
            lane.reopen(Output.reopen(spill, 2 * result.head_bytes), said)
        lane.close(result, is_stored=True)
        return lane

    def open(
        self, output: Output, parameters: Parameters, *, interval: float, send_start: bool, send_empty: bool
    ) -> None:
        """The command starts now: report its output from here on."""
        now = time.monotonic()
        with self._lock:
            self._output, self._parameters, self._interval = output, parameters, interval
            self._next_news = now + interval
            self._silence = interval if send_empty else SIGN_OF_LIFE_SECONDS
            self._next_life = now + (START_EVENT_DELAY_SECONDS if send_start else self._silence)

    def reopen(self, output: Output, parameters: Parameters) -> None:
        """Deliver only what an earlier agent process has left."""
        with self._lock:
            self._output, self._parameters = output, parameters
            self._next_news = 0.0
            self._ends_when_drained = True

    def close(self, result: Result, *, is_stored: bool) -> None:
        """The task is over; nothing but `result`, and what has to come before it, is still sent."""
        with self._lock:
            # Results wait on disk: a server that is away for a day must not fill the memory.
            self._result = None if is_stored else result
            self._head_bytes = result.head_bytes
            self._is_stored = is_stored
            self.has_ended = True
            self._not_before = 0.0
            if self._output:
                # It is opened again where the server still lacks its beginning.
                self._output.close()

    def abandon(self) -> None:
        """Nobody is to hear of the run: give back the file of its output."""
        with self._lock:
            if self._output:
                self._output.close()

    @property
    def is_stuck(self) -> bool:
        """Whether the server has refused the last try."""
        return self._is_stuck

    @property
    def is_settled(self) -> bool:
        """Whether what an earlier process left is delivered, or the server has refused a try."""
        return self.is_over or self._is_stuck or not (self.has_ended or self._ends_when_drained)

    def due_at(self) -> float:
        with self._lock:
            if self.has_ended:
                return self._not_before
            if self._output is None:
                return NEVER
            has_news = self._in_doubt is not None or self._output.has_unsent_head
            return max(self._not_before, min(self._next_life, self._next_news if has_news else NEVER))

    def hurry(self) -> None:
        """The server is there again: do not wait for the next try's turn."""
        with self._lock:
            self._not_before = 0.0

    def postpone(self) -> None:
        with self._lock:
            self._delay(Outcome(0))

    def compose(self) -> Report:
        with self._lock:
            if self.has_ended and not self._owes_head():
                return self._final_report()
            return self._chunk_report()

    def settle(self, report: Report, outcome: Outcome) -> None:
        with self._lock:
            if report.is_final:
                self._settle_final(report, outcome)
            else:
                self._settle_chunk(report, outcome)

    def _owes_head(self) -> bool:
        output = self._output
        return output is not None and output.sent < min(self._head_bytes, output.total)

    def _chunk_report(self) -> Report:
        output = self._output
        if output is None:
            raise AssertionError("a lane without output has nothing to say")
        # A chunk that may or may not have arrived is repeated as it was.
        piece = self._in_doubt or output.chunk(CHUNK_BYTES)
        self._in_doubt = piece if piece.body else None
        return Report("running", {**self._parameters, "outputOffset": piece.offset}, piece.body)

    def _final_report(self) -> Report:
        result = self._journal.result(self.run_id) if self._is_stored else self._result
        if result is None:
            raise AssertionError("a lane that has ended has a result")
        if result.offset is None:
            return Report(result.kind, result.parameters, result.body, is_final=True)
        # A chunk that was on its way when the result was written has arrived by now.
        known = max(0, self._output.sent - result.offset) if self._output else 0
        parameters = {**result.parameters, "outputOffset": result.offset + min(known, len(result.body))}
        return Report(result.kind, parameters, result.body[known:], is_final=True)

    def _settle_chunk(self, report: Report, outcome: Outcome) -> None:
        output = self._output
        if output is None or not (outcome.is_delivered or outcome.is_pointless):
            self._delay(outcome)
            return
        now = time.monotonic()
        self._backoff.reset()
        self._in_doubt = None
        self._next_news, self._next_life = now + self._interval, now + self._silence
        output.acknowledge(int(report.parameters["outputOffset"]) + len(report.body))
        if self._ends_when_drained and not self.has_ended and not output.has_unsent_head:
            self._end()

    def _settle_final(self, report: Report, outcome: Outcome) -> None:
        if not outcome.is_delivered:
            self._delay(outcome)
            return
        sentence = "The server refused the report for good" if outcome.status == 400 else "Report delivered"
        log.info(sentence, task=self.run_id.task_id, report=report.kind, status=outcome.status)
        self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._journal.knows(self.run_id):
            self._journal.mark_delivered(self.run_id)
        if self._output:
            self._output.close()

    def _delay(self, outcome: Outcome) -> None:
        self._is_stuck = outcome.status > 0
        delay = self._backoff.next_delay(is_refused=outcome.is_refused)
        self._not_before = time.monotonic() + delay
        log.warning(
            "Report not delivered", task=self.run_id.task_id, status=outcome.status, retry=f"{delay:.1f}s"
        )

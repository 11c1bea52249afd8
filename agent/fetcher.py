"""Asks the server for work, and hands it to the runner and the scheduler."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from agent import facts, log, tasks
from agent.backoff import Backoff, jittered
from agent.errors import TransportFailed
from agent.timetables import SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.gateway import Gateway, Parameters
    from agent.runner import Runner
    from agent.scheduler import Scheduler

# Without a push channel nobody says when there is work.
POLL_SECONDS = 30.0

# The server's way to say "ask again".
BUSY_CODE, BUSY_ROUNDS, BUSY_PAUSE_SECONDS = 408, 4, 2.0


class Fetcher:
    """`ask` may be called by any thread; the fetches happen in one."""

    def __init__(
        self, gateway: Gateway, runner: Runner, scheduler: Scheduler, has_push: Callable[[], bool]
    ) -> None:
        self._gateway = gateway
        self._runner = runner
        self._scheduler = scheduler
        self._has_push = has_push
        self._wanted: set[str] = set()
        self._is_closed = False
        self._asked = threading.Condition()

    def ask(self, task_id: str = "") -> None:
        """Fetch soon. Asked during a fetch, exactly one more follows."""
        with self._asked:
            self._wanted.add(task_id)
            self._asked.notify()

    def close(self) -> None:
        """Fetch nothing more: what is fetched now would not be run."""
        self._is_closed = True

    def fetch_at_start(self, *, is_cold: bool) -> bool:
        """The one fetch that tells the server that this process is new; it is answered with all schedules."""
        self._take_wishes()
        scheduled = self._fetch({"reason": "startup", "cold_start": "true" if is_cold else "false"})
        if scheduled is None:
            return False
        self._scheduler.keep_only(scheduled)
        return True

    def run(self) -> None:
        backoff = Backoff()
        while not self._is_closed:
            wishes = self._wait_for_wishes()
            parameters: Parameters = {"reason": "kickoff"}
            # More than one id cannot be named; the server answers with everything anyway.
            if len(wishes) == 1 and "" not in wishes:
                parameters["taskId"] = wishes.pop()
            if self._fetch(parameters) is not None:
                backoff.reset()
            else:
                time.sleep(backoff.next_delay(is_refused=self._gateway.is_refused))
                self.ask()

    def _take_wishes(self) -> set[str]:
        with self._asked:
            wishes, self._wanted = self._wanted, set()
            return wishes

    def _wait_for_wishes(self) -> set[str]:
        """Until somebody asks, or until it is time to look because nobody could have asked."""
        since = time.monotonic()
        pause = jittered(POLL_SECONDS * 4 / 3)
        with self._asked:
            while not self._wanted:
                remaining = since + pause - time.monotonic()
                if remaining <= 0 and not self._has_push():
                    break
                self._asked.wait(remaining if remaining > 0 else POLL_SECONDS)
        return self._take_wishes()

    def _fetch(self, parameters: Parameters) -> set[str] | None:
        """Returns the scheduled tasks that were named; None when there is no whole answer."""
        scheduled: set[str] = set()
        for _ in range(BUSY_ROUNDS):
            work = self._fetch_once(parameters)
            if work is None:
                return None
            self._dispatch(work)
            scheduled.update(task.task_id for task in work.runs if task.repeat in SCHEDULED)
            if work.runs:
                self._gateway.prepare()
            if work.code != BUSY_CODE:
                return scheduled
            time.sleep(BUSY_PAUSE_SECONDS)
        return None

    def _fetch_once(self, parameters: Parameters) -> tasks.WorkList | None:
        now: Parameters = {
            "currentTime": facts.now_ms(),
            "offset": facts.utc_offset_seconds(),
            "timeZone": facts.time_zone(),
        }
        if self._is_closed:
            return None
        try:
            response = self._gateway.task_list({**parameters, **now})
            # 400 means success elsewhere, but no list of schedules may be believed to be empty by it.
            if response.status < 400:
                return tasks.parse_work(response.body)
            log.warning("The task list was refused", status=response.status)
        except (TransportFailed, tasks.MalformedAnswer) as error:
            log.warning("The task list could not be fetched", reason=error)
        return None

    def _dispatch(self, work: tasks.WorkList) -> None:
        for task in work.runs:
            if task.repeat in SCHEDULED:
                self._scheduler.install(task)
            elif task.repeat in tasks.AT_ONCE:
                self._runner.submit(task)
            else:
                log.warning(
                    "This agent has no support for this repeat", task=task.task_id, repeat=task.repeat
                )
        for task in work.stops:
            # The repeat of a stop says where to look for its task.
            (self._scheduler if task.repeat in SCHEDULED else self._runner).stop(task)
        for task in work.tests:
            self._runner.check(task)

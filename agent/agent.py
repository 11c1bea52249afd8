"""The running agent: its parts, its threads, and the order in which it starts and stops."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from typing import TYPE_CHECKING

from agent import VERSION, log, recovery, signing
from agent.backoff import Backoff
from agent.children import Children, become_subreaper
from agent.errors import AgentError, TransportFailed
from agent.fetcher import Fetcher
from agent.gateway import Gateway, parse_object
from agent.heartbeat import RETRY_SECONDS, Heartbeat
from agent.journal import Journal
from agent.outbox import Outbox
from agent.push import PushChannel
from agent.runner import Runner
from agent.scheduler import Scheduler
from agent.schedules import Shelf
from agent.transport import Connector, Route
from agent.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.lane import Report
    from agent.state import State

# How long the start waits for results of an earlier process before it goes on (agent-gateway 5).
OLD_RESULTS_SECONDS = 15.0
PUSH_FIRST_TRY_SECONDS = 10.0
FIRST_BEATS = 3
ANSWER_SECONDS = 0.2

# A service manager waits longer than the sum of these before it kills.
END_TASKS_SECONDS = 8.0
LAST_REPORTS_SECONDS = 2.0

# From malloc.h of the GNU C library.
M_ARENA_MAX = -8

PURGE_SECONDS = 6 * 3600


class Agent:
    def __init__(self, state: State, route: Route) -> None:
        self._state = state
        self._is_cold = state.is_cold_start()
        self._has_failed = False
        connector = Connector(route)
        self._gateway = Gateway(connector, state.identity(), signing.signer(state.private_key()))
        self._journal = Journal(state.tasks)
        self._outbox = Outbox(self._post, self._journal)
        self._children = Children()
        self._watch = Watch(self._children)
        self._runner = Runner(self._journal, self._outbox, self._children, self._watch.keep_reading)
        self._push = PushChannel(self._gateway, self._obey, self._on_connected)
        self._scheduler = Scheduler(Shelf(state.schedules), self._runner, self._outbox, self._journal)
        self._fetcher = Fetcher(self._gateway, self._runner, self._scheduler, lambda: self._push.is_connected)
        self._heartbeat = Heartbeat(self._gateway, is_cold=self._is_cold)

    def run(self) -> None:
        """Work until told to stop."""
        log.info(
            "Agent started", version=VERSION, instance=self._gateway.identity.instance_id, pid=os.getpid()
        )
        threading.excepthook = self._on_defect
        _share_one_heap()
        become_subreaper()
        self._watch.install()
        recovery.recover(self._journal, self._outbox)
        # Schedules go on whether or not the server is there.
        self._scheduler.load()
        _start(self._scheduler.run)
        _start(self._live)
        self._watch.run()
        self._stop()
        if self._has_failed:
            raise AgentError("The agent ended because of an internal error; see the log above.")

    def _live(self) -> None:
        """The order matters: old results, push channel, heart-beat, and only then the first fetch.

        The server takes the first fetch as the sign that whatever it has not heard of is lost.
        """
        self._deliver_old_results()
        _start(self._push.run)
        self._push.was_tried.wait(PUSH_FIRST_TRY_SECONDS)
        _start(self._heartbeat.run, self._beat_first())
        self._fetch_first()
        _start(self._purge_for_ever)
        self._fetcher.run()

    def _deliver_old_results(self) -> None:
        self._outbox.hurry()
        self._outbox.wait_until_settled(OLD_RESULTS_SECONDS)

    def _beat_first(self) -> float:
        for _ in range(FIRST_BEATS):
            pause = self._heartbeat.beat()
            if pause is not None:
                return pause
        return RETRY_SECONDS

    def _fetch_first(self) -> None:
        backoff = Backoff()
        while not self._fetcher.fetch_at_start(is_cold=self._is_cold):
            time.sleep(backoff.next_delay(is_refused=self._gateway.is_refused))
            self._deliver_old_results()
        self._state.remember_boot()

    def _purge_for_ever(self) -> None:
        while True:
            try:
                self._journal.purge()
            except OSError as error:
                log.error("What is over cannot be forgotten; it is tried again later", reason=error)
            time.sleep(PURGE_SECONDS)

    def _post(self, report: Report) -> int:
        return self._gateway.report(report.kind, report.parameters, report.body).status

    def _on_connected(self) -> None:
        self._outbox.hurry()
        self._fetcher.ask()

    def _on_defect(self, thread: threading.ExceptHookArgs) -> None:
        """A part of the agent has ended by an error that nobody foresaw: better to start anew than to be deaf."""
        if thread.exc_value is not None:
            log.defect("Internal error", thread.exc_value)
        self._has_failed = True
        self._watch.end()

    def _obey(self, text: str) -> str:
        """Do what one text of the push channel says; returns the answer (agent-gateway 7.3)."""
        return f"accept:{text}" if self._act_on(text.split(" ")) else f"unknow:{text}"

    def _act_on(self, words: list[str]) -> bool:
        if words[:1] != ["kick_vm"]:
            return False
        if words[1:2] in ([], ["task"], ["file"]):
            self._fetcher.ask(words[3] if len(words) == 4 else "")
        elif words[1:] == ["agent", "stop"]:
            # The answer is to get out before the agent ends.
            threading.Timer(ANSWER_SECONDS, self._watch.end).start()
        elif words[1:] == ["agent", "deregister"]:
            _start(self._deregister)
        elif words[1:] != ["noop"]:
            return False
        return True

    def _deregister(self) -> None:
        try:
            response = self._gateway.deregister()
        except TransportFailed as error:
            log.error("The deregistration failed; the agent keeps its identity", reason=error)
            return
        # A server that has forgotten the agent already does not know it any more.
        if parse_object(response.body).get("code") == 200 or response.status in (401, 403, 404):
            self._state.forget()
            log.info("The server has deregistered this agent", instance=self._gateway.identity.instance_id)
            self._watch.end()

    def _stop(self) -> None:
        log.info("Agent stops")
        self._fetcher.close()
        self._scheduler.close()
        ending = threading.Thread(target=self._runner.shut_down, args=(END_TASKS_SECONDS,), daemon=True)
        ending.start()
        while ending.is_alive():
            # Ended children are noticed here and nowhere else.
            self._watch.look(50)
        self._outbox.wait_until_settled(LAST_REPORTS_SECONDS)
        log.info("Agent stopped")


def _share_one_heap() -> None:
    """Python's threads take turns anyway; a heap for each of them costs megabytes and gains nothing."""
    # Some C libraries have no such switch.
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option:
        set_option(M_ARENA_MAX, 1)


def _start(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()

"""Tells the server every minute that this machine and its agent are alive."""

from __future__ import annotations

import os
import random
import time

from agent import facts, gateway, log
from agent.backoff import Backoff
from agent.errors import TransportFailed

# The protocol's range for `nextInterval` (agent-gateway 6).
MIN_INTERVAL_MS, MAX_INTERVAL_MS = 55_000, 65_000

RETRY_SECONDS = 3.0


class Heartbeat:
    def __init__(self, server: gateway.Gateway, *, is_cold: bool) -> None:
        self._server = server
        self._is_cold = is_cold
        self._began = time.monotonic()
        self._acknowledged = 0
        self._sent = 0

    def beat(self) -> float | None:
        """Send one beat; returns the seconds until the next, None when it failed."""
        parameters = self._parameters()
        self._sent += 1
        try:
            response = self._server.heartbeat(parameters)
        except TransportFailed as error:
            log.warning("The heart-beat failed", reason=error)
            return None
        if response.status > 400:
            return None
        self._acknowledged += 1
        return seconds_until_next(gateway.parse_object(response.body).get("nextInterval"))

    def run(self, first_pause: float) -> None:
        backoff, pause = Backoff(), first_pause
        while True:
            time.sleep(pause)
            interval = self.beat()
            if interval is None:
                pause = backoff.next_delay(is_refused=self._server.is_refused) + RETRY_SECONDS
            else:
                backoff.reset()
                pause = interval

    def _parameters(self) -> gateway.Parameters:
        parameters: gateway.Parameters = {
            "uptime": facts.uptime_ms(),
            "timestamp": facts.now_ms(),
            "pid": os.getpid(),
            "process_uptime": int((time.monotonic() - self._began) * 1000),
            "index": self._acknowledged,
            "seq_no": self._sent,
        }
        if self._acknowledged == 0:
            parameters.update(
                virt_type="kvm",
                os_version=facts.os_version(),
                az="unknown",
                machineid=self._server.identity.machine_id,
                cold_start="true" if self._is_cold else "false",
            )
        return parameters


def seconds_until_next(wanted: object) -> float:
    is_number = isinstance(wanted, (int, float)) and not isinstance(wanted, bool)
    if is_number and MIN_INTERVAL_MS <= wanted <= MAX_INTERVAL_MS:  # type: ignore[operator]
        return float(wanted) / 1000  # type: ignore[arg-type]
    return random.uniform(MIN_INTERVAL_MS, MAX_INTERVAL_MS) / 1000  # noqa: S311

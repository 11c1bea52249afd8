"""The push channel: a websocket on which the server says that there is work."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from agent import log, websocket
from agent.backoff import Backoff
from agent.errors import TransportFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.gateway import Gateway

PING_SECONDS = 60.0
PONG_SECONDS = 20.0
KEEPALIVE = b"keepalive"

# A channel that has lived this long was a good one: the next loss is a new story.
GOOD_CHANNEL_SECONDS = 10.0

NEVER = float("inf")


class PushChannel:
    """Runs in a thread of its own; `obey` answers one text of the server."""

    def __init__(
        self, gateway: Gateway, obey: Callable[[str], str], on_connected: Callable[[], None]
    ) -> None:
        self._gateway = gateway
        self._obey = obey
        self._on_connected = on_connected
        self.is_connected = False
        self.was_tried = threading.Event()

    def run(self) -> None:
        backoff = Backoff()
        while True:
            opened = time.monotonic()
            try:
                self._connect_and_serve()
            except TransportFailed as error:
                was_good, self.is_connected = self.is_connected, False
                self.was_tried.set()
                if was_good and time.monotonic() - opened > GOOD_CHANNEL_SECONDS:
                    backoff.reset()
                delay = backoff.next_delay(is_refused=self._gateway.is_refused)
                log.warning("No push channel", reason=error, retry=f"{delay:.1f}s")
                time.sleep(delay)

    def _connect_and_serve(self) -> None:
        channel = self._gateway.open_push_channel()
        try:
            channel.send(websocket.PING, KEEPALIVE)
            self.is_connected = True
            log.info("Push channel opened")
            self.was_tried.set()
            self._on_connected()
            self._serve(channel)
        finally:
            channel.close()

    def _serve(self, channel: websocket.WebSocket) -> None:
        next_ping = time.monotonic() + PING_SECONDS
        pong_due = time.monotonic() + PONG_SECONDS
        while True:
            messages = channel.receive(min(next_ping, pong_due))
            now = time.monotonic()
            if messages:
                # Whatever arrives proves that the server is alive.
                pong_due = NEVER
            elif now >= pong_due:
                raise TransportFailed("The server does not answer pings.")
            for message in messages:
                self._answer(channel, message)
            if now >= next_ping:
                channel.send(websocket.PING, KEEPALIVE)
                next_ping, pong_due = now + PING_SECONDS, min(pong_due, now + PONG_SECONDS)

    def _answer(self, channel: websocket.WebSocket, message: websocket.Message) -> None:
        if message.opcode == websocket.PING:
            channel.send(websocket.PONG, message.payload)
        elif message.opcode == websocket.CLOSE:
            channel.send(websocket.CLOSE, message.payload[:2])
            raise TransportFailed("The server closed the push channel.")
        elif message.opcode in (websocket.TEXT, websocket.BINARY):
            text = message.payload.decode("utf-8", "replace")
            channel.send(websocket.TEXT, self._obey(text).encode())

"""The web process: agents, event streams and Django side by side under one lifespan.

`/luban/` goes to the gateway, `/console/live` and `/events` to the event streams, and calls of programs at
`/` to the API, all without Django's request machinery. Everything else goes to Django through its WSGI
handler in a small fixed pool of threads.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from assistant.instances.limits import NODE_HEARTBEAT
from console.downloads import Django
from console.kit import bells
from console.listening import Ear
from console.live import PATH as LIVE_PATH
from console.live import Live
from gateway.app import GatewayApp
from gateway.handlers import Gateway
from gateway.protocol import PREFIX as AGENTS_PREFIX
from openapi.calls import Calls
from openapi.stream import PATH as CHANGES_PATH
from openapi.stream import Changes

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# Above Django's own limit (2.5 MB), which answers with a page.
BODY_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 30


async def whole_body(receive: Receive) -> bytes | None:
    """None where the visitor left, or sends more than anything here takes."""
    body = bytearray()
    while len(body) <= BODY_BYTES:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += event.get("body", b"")
        if not event.get("more_body", False):
            return bytes(body)
    return None


def replay(body: bytes, receive: Receive) -> Receive:
    events = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict[str, Any]:
        return events.pop() if events else await receive()

    return again


class House:
    """The application. What it holds is made when the process begins and let go when it ends."""

    def __init__(self) -> None:
        self._django = Django()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"].startswith(f"{AGENTS_PREFIX}/") or scope["type"] == "websocket":
            await self.agents(scope, receive, send)
        elif scope["path"] == LIVE_PATH:
            await self.live(scope, receive, send)
        elif scope["path"] == CHANGES_PATH:
            await self.changes(scope, receive, send)
        else:
            await self._with_body(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """With its whole body: a thread must never wait for a visitor to write, either."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await whole_body(receive)
        except TimeoutError:
            body = None
        if body is None:
            await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})
            return
        application: Any = self.calls if self.calls.are_meant(scope) else self._django
        await application(scope, replay(body, receive), send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> None:
        self.live = Live()
        self.gateway = Gateway()
        self.agents = GatewayApp(self.gateway)
        self.calls = Calls()
        self.changes = Changes()
        ear = Ear({bells.KICKS: self.gateway.kicked, bells.NEWS: self.heard}, self.missed)
        for work in (ear.listen(), self._say_alive()):
            self._tasks.add(asyncio.create_task(work))
        logger.info("Web process begins node=%s", self.gateway.node_id)

    def heard(self, topics: list[str]) -> None:
        self.live.tell(topics)
        self.changes.tell(topics)

    def missed(self) -> None:
        self.live.missed()
        self.changes.missed()

    async def quiet(self) -> None:
        """End what never ends by itself: streams and sockets. Calls are still answered."""
        await self.live.close()
        await self.changes.close()
        await self.gateway.let_go()

    async def close(self) -> None:
        """After the last answer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.calls.close()
        await self.gateway.gone()
        logger.info("Web process ends node=%s", self.gateway.node_id)

    async def _say_alive(self) -> None:
        while True:
            try:
                await self.gateway.alive()
            except Exception:
                # The outermost loop: a database that is away comes back, and so does the next sign of life.
                logger.exception("The sign of life was not written")
            await asyncio.sleep(NODE_HEARTBEAT.total_seconds())


application = House()

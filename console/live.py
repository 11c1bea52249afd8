"""The browsers' event stream: says which topics changed, never what. Pages then fetch what they show.

Raw ASGI beside Django: a stream costs a few kilobytes and no thread. One per browser; its tabs share it.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections, connections
from django.http import HttpRequest

from access.models import User
from console.middleware import SECURE_PREFIX

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PATH = "/console/live"
TOPIC = re.compile(r"[a-z]+(-[\w-]{1,64})?")
TOPICS_MOST = 200
# A busy invocation changes a hundred times a second; nobody looks that often.
QUIET_SECONDS = 0.25
# A comment keeps proxies from closing, and the session is looked at again.
KEEP_ALIVE_SECONDS = 15.0
# How soon a browser comes back after the stream ended.
RETRY_MS = 1000


class Stream:
    """One browser's subscription."""

    __slots__ = ("changed", "topics", "wake")

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.changed: set[str] = set()
        self.wake = asyncio.Event()

    def tell(self, topics: Iterable[str]) -> None:
        news = self.topics.intersection(topics)
        if news:
            self.changed |= news
            self.wake.set()


class Live:
    """All streams of this process."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._closing = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_key = session_key_of(scope)
        if not await self._is_signed_in(session_key):
            await refuse(send)
            return
        stream = Stream(topics_of(scope))
        self._streams.add(stream)
        try:
            await self._serve(stream, session_key, receive, send)
        finally:
            self._streams.discard(stream)

    def tell(self, topics: Iterable[str]) -> None:
        names = list(topics)
        for stream in self._streams:
            stream.tell(names)

    def missed(self) -> None:
        """The bell was away: what changed meanwhile nobody knows, so every page looks again."""
        for stream in self._streams:
            stream.tell(stream.topics)

    async def close(self) -> None:
        """End all streams: the server waits for open answers before it ends."""
        self._closing.set()
        for stream in self._streams:
            stream.wake.set()
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown(wait=False)

    async def _serve(self, stream: Stream, session_key: str, receive: Receive, send: Send) -> None:
        writer = asyncio.create_task(self._write(stream, session_key, send))
        reader = asyncio.create_task(until_gone(receive))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)

    async def _write(self, stream: Stream, session_key: str, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        await write(send, f"retry: {RETRY_MS}\nevent: hello\ndata: []\n\n")
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await stream.wake.wait()
            except TimeoutError:
                if not await self._is_signed_in(session_key):
                    await write(send, "event: signed-out\ndata: []\n\n")
                    break
                await write(send, ": still here\n\n")
                continue
            stream.wake.clear()
            changed, stream.changed = sorted(stream.changed), set()
            if changed:
                await write(send, f"event: change\ndata: {json.dumps(changed)}\n\n")
                await asyncio.sleep(QUIET_SECONDS)
        await send({"type": "http.response.body", "body": b""})

    async def _is_signed_in(self, session_key: str) -> bool:
        loop = asyncio.get_running_loop()
        return bool(session_key) and await loop.run_in_executor(self._executor, is_signed_in, session_key)


STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def refuse(send: Send) -> None:
    """As an event, not as a status: a browser does not let a script read why a stream failed."""
    await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
    await send({"type": "http.response.body", "body": b"event: signed-out\ndata: []\n\n"})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def topics_of(scope: Scope) -> frozenset[str]:
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("topic", [])
    return frozenset(topic for topic in asked[:TOPICS_MOST] if TOPIC.fullmatch(topic))


def session_key_of(scope: Scope) -> str:
    """The session's key from the listener's own cookie; empty where there is none."""
    prefix = SECURE_PREFIX if scope.get("scheme") == "https" else ""
    cookies: SimpleCookie = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookies.load(value.decode("latin-1"))
            except CookieError:
                return ""
    morsel = cookies.get(prefix + settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else ""


def is_signed_in(session_key: str) -> bool:
    """Whether the session is alive and its user may still come in; as Django asks it of a request."""
    close_old_connections()
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return isinstance(user, User) and user.is_active

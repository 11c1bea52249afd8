"""The browsers' event stream: says which topics changed, never what. Pages then fetch what they show.

Raw ASGI beside Django: a stream costs a few kilobytes and no thread. One per browser; its tabs share it.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections, connections
from django.http import HttpRequest

from access.middleware import duty_of, principal_of
from access.models import User
from access.principals import Principal
from assistant.exports.models import Export
from assistant.instances.models import Instance
from assistant.instances.querysets import SEES_INSTANCES
from assistant.invocations.models import Invocation
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


# Rung when anybody's permissions have changed: every stream asks anew what it may tell.
ACCESS = "access"


class Visitor(NamedTuple):
    """How a browser has come: what its session and its permissions are asked with, again and again."""

    session_key: str
    source_ip: str
    is_secure: bool


class Opening(HttpRequest):
    """The request with which a stream began, as Django's middleware asks one."""

    def __init__(self, *, is_secure: bool) -> None:
        super().__init__()
        self.path = PATH
        self._is_secure = is_secure

    def _get_scheme(self) -> str:
        return "https" if self._is_secure else "http"


class Stream:
    """One browser's subscription."""

    __slots__ = ("asked", "changed", "is_doubtful", "topics", "wake")

    def __init__(self, asked: frozenset[str], topics: frozenset[str]) -> None:
        # What the browser wants to hear of, and what of it its user may see.
        self.asked = asked
        self.topics = topics
        self.changed: set[str] = set()
        self.is_doubtful = False
        self.wake = asyncio.Event()

    def tell(self, topics: Iterable[str]) -> None:
        news = self.topics.intersection(topics)
        if news:
            self.changed |= news
            self.wake.set()

    def doubt(self) -> None:
        self.is_doubtful = True
        self.wake.set()

    def narrow(self, topics: frozenset[str]) -> None:
        """Keep to these. The page looks once more at what it may not see any longer, and is told so there."""
        self.changed |= self.topics ^ topics
        self.topics = topics
        self.is_doubtful = False


class Live:
    """All streams of this process."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._closing = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = visitor_of(scope)
        asked = topics_of(scope)
        seen = await self._seen(visitor, asked)
        if seen is None:
            await refuse(send)
            return
        stream = Stream(asked, seen)
        self._streams.add(stream)
        try:
            await self._serve(stream, visitor, receive, send)
        finally:
            self._streams.discard(stream)

    def tell(self, topics: Iterable[str]) -> None:
        names = list(topics)
        for stream in self._streams:
            stream.tell(names)
            if ACCESS in names:
                stream.doubt()

    def missed(self) -> None:
        """The bell was away: what changed meanwhile nobody knows, so every page looks again."""
        for stream in self._streams:
            stream.tell(stream.topics)
            stream.doubt()

    async def close(self) -> None:
        """End all streams: the server waits for open answers before it ends."""
        self._closing.set()
        for stream in self._streams:
            stream.wake.set()
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown(wait=False)

    async def _serve(self, stream: Stream, visitor: Visitor, receive: Receive, send: Send) -> None:
        writer = asyncio.create_task(self._write(stream, visitor, send))
        reader = asyncio.create_task(until_gone(receive))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)

    async def _write(self, stream: Stream, visitor: Visitor, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        await write(send, f"retry: {RETRY_MS}\nevent: hello\ndata: []\n\n")
        asked_at = time.monotonic()
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await stream.wake.wait()
            except TimeoutError:
                stream.is_doubtful = True
                await write(send, ": still here\n\n")
            stream.wake.clear()
            # By the clock: a stream that is always busy never waits that long.
            if stream.is_doubtful or time.monotonic() - asked_at >= KEEP_ALIVE_SECONDS:
                asked_at = time.monotonic()
                seen = await self._seen(visitor, stream.asked)
                if seen is None:
                    await write(send, "event: signed-out\ndata: []\n\n")
                    break
                stream.narrow(seen)
            changed, stream.changed = sorted(stream.changed), set()
            if changed:
                await write(send, f"event: change\ndata: {json.dumps(changed)}\n\n")
                await asyncio.sleep(QUIET_SECONDS)
        await send({"type": "http.response.body", "body": b""})

    async def _seen(self, visitor: Visitor, asked: frozenset[str]) -> frozenset[str] | None:
        """What of these topics the visitor may hear of now; none at all without a live session."""
        if not visitor.session_key:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, seen_topics, visitor, asked)


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


def visitor_of(scope: Scope) -> Visitor:
    client = scope.get("client") or ("",)
    return Visitor(session_key_of(scope), str(client[0]), scope.get("scheme") == "https")


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


def seen_topics(visitor: Visitor, asked: frozenset[str]) -> frozenset[str] | None:
    """Asks session, user and permissions, as Django's middleware does it for a page."""
    close_old_connections()
    request = Opening(is_secure=visitor.is_secure)
    request.META = {"REMOTE_ADDR": visitor.source_ip}
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(visitor.session_key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    request.user = user
    if duty_of(request):
        return frozenset()
    principal = principal_of(request)
    return frozenset(visible(principal, asked)) if principal.is_known else None


# A topic alone stands for a list; `instance-mi-1` for one thing.
LISTS = {
    "instances": SEES_INSTANCES,
    "invocations": ("ecs:DescribeInvocations",),
    "activations": ("ecs:DescribeActivations",),
    "commands": ("ecs:DescribeCommands",),
    "exports": ("ecs:DescribeInvocationResults",),
}


def visible(principal: Principal, topics: Iterable[str]) -> Iterator[str]:
    """Those of the topics that the principal may hear of; a query per kind, however many there are."""
    ids: dict[str, list[str]] = {}
    for topic in topics:
        kind, dash, pk = topic.partition("-")
        if dash:
            ids.setdefault(kind, []).append(pk)
        elif any(principal.names(action) for action in LISTS.get(kind, ())):
            yield topic
    if "instance" in ids:
        instances = Instance.objects.visible_to(principal).filter(pk__in=ids["instance"])
        yield from (f"instance-{pk}" for pk in instances.values_list("pk", flat=True))
    if "invocation" in ids:
        invocations = Invocation.objects.reachable_to(principal).filter(pk__in=ids["invocation"])
        yield from (f"invocation-{pk}" for pk in invocations.values_list("pk", flat=True))
    if "export" in ids:
        exports = Export.objects.visible_to(principal).filter(pk__in=ids["export"])
        yield from (f"export-{pk}" for pk in exports.values_list("pk", flat=True))

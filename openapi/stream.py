"""The programs' event stream, at `/events`: changes in their order, with resume.

Raw ASGI, as the browsers' stream is. It is opened by a request that is signed as a call to the action
`StreamChanges` (V3, path `/events`). `Last-Event-ID` says from where on; without it, from now on.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from django.db import close_old_connections, connections
from django.utils import timezone

from access.operations.decisions import authorize_look
from access.principals import Principal
from console.kit import ids
from console.kit.errors import ConsoleError
from openapi import limits
from openapi.admission import admitted_key, is_v3, principal_of, renewed
from openapi.calls import Receive, Scope, Send, request_of, send_answer
from openapi.changes import TOPIC, has_gap, newest, next_changes, told
from openapi.desk import refused
from openapi.errors import ActionUnknown, SignatureIncomplete, Throttled
from openapi.requests import Parameters, Request

logger = logging.getLogger(__name__)

PATH = "/events"
ACTION = "StreamChanges"
# A comment keeps proxies from closing; who listens is looked at again.
KEEP_ALIVE_SECONDS = 15.0
RETRY_MS = 1000

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Opening(NamedTuple):
    """The request that opened a stream, and the key that it was signed with."""

    key_id: str
    request: Request


class Listener:
    """One program's stream: who listens, and how far it is."""

    def __init__(
        self, principal: Principal, after: int, *, opening: Opening | None = None, has_gap: bool = False
    ) -> None:
        self.principal = principal
        self.after = after
        self.opening = opening
        # What was asked for is not there: told before anything else.
        self.has_gap = has_gap
        self.wake = asyncio.Event()

    @property
    def key_id(self) -> str:
        return self.opening.key_id if self.opening else ""


class Changes:
    """All streams of this process."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._closing = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="changes")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        try:
            listener = await self._run(opened, request)
            self._check_room(listener)
        except ConsoleError as error:
            await send_answer(send, refused(ids.request_id(), error, host=request.host))
            return
        self._listeners.add(listener)
        writer = asyncio.create_task(self._write(listener, send))
        reader = asyncio.create_task(until_gone(receive))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._listeners.discard(listener)
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)

    def _check_room(self, listener: Listener) -> None:
        """Raises Throttled. Nothing is waited for between this and the listener's place among the others."""
        if len(self._listeners) >= limits.STREAMS:
            raise Throttled("Too many streams are open here. Come again later.", retry_after=5000)
        if sum(one.key_id == listener.key_id for one in self._listeners) >= limits.STREAMS_PER_KEY:
            raise Throttled("Too many streams are open with this access key. Close one.", retry_after=5000)

    def tell(self, topics: list[str]) -> None:
        if TOPIC in topics:
            self.missed()

    def missed(self) -> None:
        """The bell was away, or has rung: everybody looks."""
        for listener in self._listeners:
            listener.wake.set()

    async def close(self) -> None:
        self._closing.set()
        self.missed()
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown(wait=False)

    async def _write(self, listener: Listener, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await write(send, f"retry: {RETRY_MS}\n\n")
        listener.wake.set()
        renew_at = time.monotonic() + KEEP_ALIVE_SECONDS
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await listener.wake.wait()
            except TimeoutError:
                await write(send, ": still here\n\n")
            listener.wake.clear()
            # By the clock, however busy the stream is: keys and policies are taken away meanwhile.
            if time.monotonic() >= renew_at:
                renew_at = time.monotonic() + KEEP_ALIVE_SECONDS
                if not await self._run(is_still_welcome, listener):
                    break
            while text := await self._run(step, listener):
                await write(send, text)
        await send({"type": "http.response.body", "body": b""})

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, in_thread, function, arguments
        )


def in_thread(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    close_old_connections()
    return function(*arguments)


def opened(request: Request) -> Listener:
    """Who listens and from where on. Raises the door's refusals."""
    if request.headers.get("x-acs-action") != ACTION:
        raise ActionUnknown(f"Sign for the action {ACTION}.")
    if not is_v3(request):
        # The other signature covers neither the path nor this header.
        raise SignatureIncomplete("Sign with ACS3-HMAC-SHA256.")
    key = admitted_key(request, Parameters(request), now=timezone.now())
    principal = principal_of(key, request)
    authorize_look(principal, "ecs:DescribeInvocations")
    said, last = request.headers.get("last-event-id", "").strip(), newest()
    after = int(said[:18]) if said.isdecimal() and said.isascii() else last
    opening = Opening(key.pk, request)
    return Listener(principal, min(after, last), opening=opening, has_gap=after > last)


def is_still_welcome(listener: Listener) -> bool:
    """Ask anew who listens and what they may see; whether they may still listen at all."""
    if listener.opening is not None:
        still = renewed(*listener.opening)
        if still is None or not still.opens("ecs:DescribeInvocations"):
            return False
        listener.principal = still
    return True


def step(listener: Listener) -> str:
    """The next events as text; empty where there is nothing more. A gap is said, not hidden."""
    changes = next_changes(listener.after)
    if not changes and not listener.has_gap:
        return ""
    is_gap = listener.has_gap or has_gap(listener.after)
    text = f'id: {listener.after}\nevent: Gap\ndata: {{"Kind":"Gap"}}\n\n' if is_gap else ""
    listener.has_gap = False
    if not changes:
        return text
    events = told(listener.principal, changes)
    text += "".join(event_text(said) for said in events)
    listener.after = changes[-1].pk
    # Also of what is not this listener's affair: it need not be gone through again.
    return f"{text}id: {listener.after}\nevent: Position\ndata: {{}}\n\n" if not events else text


def event_text(said: dict[str, Any]) -> str:
    data = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return f"id: {said['Id']}\nevent: {said['Kind']}\ndata: {data}\n\n"


async def write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

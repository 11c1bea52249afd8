"""Calls as the web process gets them, at `/`: raw ASGI, in threads of their own.

Django's request machinery is for people: sessions, cookies, pages. Programs need nothing of it, and it
would cost them a quarter of a call; nor do they wait behind a page.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections

from openapi.desk import Answer, answer
from openapi.requests import Request

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CONTENT_TYPE = "application/json;charset=utf-8"
# As for pages: more only hand the interpreter round.
THREADS = 2


class Calls:
    """All calls of this process."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="calls")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The body comes whole, in one event."""
        request = request_of(scope, body=(await receive()).get("body", b""))
        loop = asyncio.get_running_loop()
        await send_answer(send, await loop.run_in_executor(self._executor, in_thread, request))

    @staticmethod
    def are_meant(scope: Scope) -> bool:
        return scope["path"] == "/" and is_call(request_of(scope))

    def close(self) -> None:
        self._executor.shutdown(wait=False)


def in_thread(request: Request) -> Answer:
    close_old_connections()
    try:
        return answer(request)
    finally:
        close_old_connections()


def is_call(request: Request) -> bool:
    """Whether it asks as programs do, and not as a browser does that was sent to `/`."""
    return (
        request.method not in ("GET", "HEAD")
        or "Action=" in request.query
        or "Signature=" in request.query
        or request.headers.get("authorization", "").startswith("ACS3-")
        or any(name.startswith("x-acs-") for name in request.headers)
    )


def request_of(scope: Scope, *, body: bytes = b"") -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    client = scope.get("client") or ("",)
    return Request(
        method=scope["method"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        content_type=headers.get("content-type", ""),
        path=scope["path"],
        source_ip=str(client[0]),
        is_secure=scope.get("scheme") == "https",
    )


async def send_answer(send: Send, answered: Answer) -> None:
    said = {"Content-Type": CONTENT_TYPE, "X-Content-Type-Options": "nosniff", **answered.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    headers.append((b"content-length", str(len(answered.body)).encode()))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body})

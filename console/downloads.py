"""Django, whose threads wait for nobody: what a visitor reads slowly waits here, without one.

Pages wait whole: they are a megabyte at most. A file that Django answers with is read piece by piece, as
the visitor takes it, after Django has ended.
"""

import asyncio
import io
import os
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, BinaryIO
from wsgiref.util import FileWrapper

from a2wsgi import WSGIMiddleware

from console.live import until_gone
from console.wsgi import application as django_application

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# More threads only hand the interpreter round; one alone would let one slow page stop all.
DJANGO_THREADS = 2
PIECE_BYTES = 256 * 1024
# Where a request's file waits for Django's end.
SET_ASIDE = "console.file"


class Django:
    """The people's pages as an ASGI application."""

    def __init__(self) -> None:
        # An unbounded queue: a thread must never wait for a visitor to read.
        self._pages: Any = WSGIMiddleware(pages, workers=DJANGO_THREADS, send_queue_size=0)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_all_but_file(event: dict[str, Any]) -> None:
            # Django's own end of the body is not that of the answer.
            if event["type"] == "http.response.start" or SET_ASIDE not in scope:
                await send(event)

        try:
            await self._pages(scope, receive, send_all_but_file)
            if SET_ASIDE in scope:
                await send_file(scope[SET_ASIDE], receive, send)
        finally:
            if SET_ASIDE in scope:
                scope[SET_ASIDE].close()


def pages(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    environ["wsgi.file_wrapper"] = partial(set_aside, environ["asgi.scope"])
    return django_application(environ, start_response)


class Nothing(FileWrapper):
    """Closes Django's answer, and says nothing of it."""

    def __next__(self) -> bytes:
        raise StopIteration


def set_aside(scope: Scope, file: BinaryIO, block_size: int) -> FileWrapper:
    """What Django gives the file to: kept open, it waits for Django's end."""
    try:
        scope[SET_ASIDE] = os.fdopen(os.dup(file.fileno()), "rb")
    except io.UnsupportedOperation:
        # A part of a file, or what only looks like one.
        return FileWrapper(file, block_size)
    return Nothing(file)


async def send_file(file: BinaryIO, receive: Receive, send: Send) -> None:
    """Ends early where the visitor goes."""
    loop = asyncio.get_running_loop()
    gone = asyncio.create_task(until_gone(receive))
    try:
        while not gone.done() and (piece := await loop.run_in_executor(None, file.read, PIECE_BYTES)):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()

"""The web process: one application behind a plain and a TLS listener, which the supervisor has opened.

Two uvicorn servers in one loop, without uvicorn's signal handling (it ends the servers one after the
other) and without its lifespan (the application begins and ends once, not once per listener).
"""

import asyncio
import contextlib
import gc
import logging
import logging.config
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn
import uvloop
from django.conf import settings

from console.up import tls
from console.up.idle_connections import Calls, Push

Message = dict[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

BACKLOG = 2048
# Agents ping from their side every minute; more pings of ours would only wake both.
WS_PING_SECONDS = 60.0
# The longest text of an agent on its push channel is far below.
WS_MESSAGE_BYTES = 64 * 1024
# After the application has ended its streams and sockets, answers on their way get this long.
GRACE_SECONDS = 3
# New objects between two looks of the collector; a batch makes thousands that die by themselves.
GC_THRESHOLD = 20_000
# Agents say something every minute; a TLS handshake for each of it would cost more than a kept connection.
KEEP_ALIVE_SECONDS = 75
# What the application may take for that itself.
CLOSE_SECONDS = 3.0


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop_listening(self) -> None:
        """New connections wait at the supervisor's socket for the next process."""
        for server in self.servers:
            server.close()


class Lifespan:
    """The application's beginning and end, spoken as ASGI has it."""

    def __init__(self, application: Application) -> None:
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._answered: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        self._life = asyncio.ensure_future(application(scope, self._asked.get, self._answered.put))

    async def begin(self) -> None:
        await self._ask("startup")

    async def end(self) -> None:
        async with asyncio.timeout(CLOSE_SECONDS):
            await self._ask("shutdown")
            await self._life

    async def _ask(self, what: str) -> None:
        await self._asked.put({"type": f"lifespan.{what}"})
        answer = asyncio.ensure_future(self._answered.get())
        await asyncio.wait({answer, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            # It ended without an answer: with its own error, if it has one.
            await self._life
            raise RuntimeError(f"The application ended instead of its {what}.")
        if answer.result()["type"] != f"lifespan.{what}.complete":
            raise RuntimeError(f"The application's {what} failed: {answer.result().get('message', '')}")


def config(application: Application, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Calls,
        ws=Push,
        ws_per_message_deflate=False,
        ws_ping_interval=WS_PING_SECONDS,
        ws_ping_timeout=WS_PING_SECONDS,
        ws_max_size=WS_MESSAGE_BYTES,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # The address of a visitor is the peer's; a forwarded header is anyone's to write.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        **more,
    )


def tls_config(application: Application) -> uvicorn.Config:
    certificate, key = tls.listener_files(settings.TLS_DIR)
    made = config(application, ssl_certfile=certificate, ssl_keyfile=key)
    made.load()
    assert made.ssl is not None  # noqa: S101 - it was given a certificate
    made.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


async def serve(application: Application, sockets: list[socket.socket]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    lifespan = Lifespan(application)
    await lifespan.begin()
    servers = [Server(config(application)), Server(tls_config(application))]
    async with asyncio.TaskGroup() as serving:
        for server, listener in zip(servers, sockets, strict=True):
            serving.create_task(server.serve(sockets=[listener]))
        await stop.wait()
        await quiet(application, servers)
    await lifespan.end()


async def quiet(application: Any, servers: list[Server]) -> None:
    """Streams and sockets end first: uvicorn waits for open answers, and they never end by themselves.

    Calls that come meanwhile over kept connections are answered: an agent repeats none of its chunks.
    """
    for server in servers:
        server.stop_listening()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await application.quiet()
    except TimeoutError:
        logging.getLogger(__name__).warning("The application did not let go in time")
    finally:
        for server in servers:
            server.should_exit = True


def inherited_sockets() -> list[socket.socket]:
    return [socket.socket(fileno=int(number)) for number in os.environ["WEB_SOCKET_FDS"].split(",")]


def set_up_logging() -> None:
    logging.config.dictConfig(settings.LOGGING)
    # Its lines of every connection hold whole addresses, with their signatures.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # "Not ready yet" is an answer, and whoever asks for it asks again soon.
    logging.getLogger("django.request").addFilter(lambda record: "/readyz" not in (record.args or ()))


def raise_limits() -> None:
    """An agent holds two descriptors; the usual soft limit of 1,024 would end a fleet at five hundred."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    set_up_logging()
    raise_limits()
    from console.asgi import application  # noqa: PLC0415 - it sets Django up, after the logging

    # What was imported lives as long as the process: the collector need not walk it with every batch.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(application, inherited_sockets()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

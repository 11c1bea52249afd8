"""The agents' door as an ASGI application: reads calls, writes answers, holds notify sockets."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from gateway import protocol
from gateway.errors import GatewayError, TooSlow
from gateway.handlers import Arrival, Gateway
from gateway.protocol import Answer, Call
from gateway.sockets import Socket

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# An agent waits 45 seconds for its upgrade and, once refused, half an hour before it asks again. So a
# trouble of ours (a database that restarts) is waited out before it gets an answer.
HOLD_SECONDS = 40
HOLD_PAUSE_SECONDS = 1
# An agent gives a call up after a few seconds.
BODY_SECONDS = 30


class GatewayApp:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.notify(scope, receive, send)
        else:
            await self.http(scope, receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self.gateway.answer(call_of(scope), partial(read_body, receive))
        except HungUp:
            # Half a body is no report: the agent sends the whole of it again.
            return
        except Exception:
            # The outermost loop: a defect of ours is the agent's reason to try again.
            logger.exception("Agent call failed path=%r", scope["path"][:100])
            answer = protocol.answer_error(500, "InternalError", "Something broke here. Try again.")
        await write_answer(send, answer)

    async def notify(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The push channel: refused before the upgrade, or held until either side goes."""
        await receive()  # websocket.connect
        # The upgrade itself stays behind in there: thousands are held, and its headers are the larger part.
        arrival = await self.arrival(call_of(scope))
        if arrival is None:
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept"})
        socket = Socket(arrival.instance_id, send)
        if arrival.is_released:
            await self.dismiss(socket, receive)
        else:
            await self.hold(socket, arrival, receive)

    async def arrival(self, call: Call) -> Arrival | None:
        """Who comes; None where the upgrade is refused."""
        if call.path != protocol.NOTIFY_PATH:
            return None
        try:
            identity = await self.patiently_connect(call)
        except (GatewayError, TimeoutError) as error:
            logger.info("Socket refused reason=%s", getattr(error, "code", "HeldTooLong"))
            return None
        return Arrival(identity.instance_id, call.agent_version, call.peer, is_released=identity.is_released)

    async def patiently_connect(self, call: Call) -> Any:
        async with asyncio.timeout(HOLD_SECONDS):
            while True:
                try:
                    return await self.gateway.connect(call)
                except GatewayError:
                    raise
                except Exception:
                    logger.exception("Upgrade is held until the database answers")
                    await asyncio.sleep(HOLD_PAUSE_SECONDS)

    async def hold(self, socket: Socket, arrival: Arrival, receive: Receive) -> None:
        settling = None
        try:
            await self.gateway.opened(socket, arrival)
            settling = asyncio.create_task(self.gateway.settled(socket))
            await until_closed(receive)
        finally:
            if settling is not None:
                settling.cancel()
            # Shielded: the end of the process cancels this task, and the loss is written all the same.
            await asyncio.shield(self.gateway.lost(socket))

    async def dismiss(self, socket: Socket, receive: Receive) -> None:
        """An agent that was away when it was deregistered: it is told now."""
        await socket.say("kick_vm agent deregister")
        await until_closed(receive)


async def until_closed(receive: Receive) -> None:
    """What agents say over the channel only repeats what they were told; the end is all that counts."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


def call_of(scope: Scope) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    return Call(
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        peer=client[0] if client else "",
    )


class HungUp(Exception):
    """The agent went away in the middle of its call."""


async def read_body(receive: Receive, most: int) -> tuple[bytes, int]:
    """The body, and how many bytes beyond `most` were not kept. Raises HungUp, TooSlow."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await read_pieces(receive, most)
    except TimeoutError as error:
        raise TooSlow(f"The body did not come within {BODY_SECONDS} s. Try again.") from error


async def read_pieces(receive: Receive, most: int) -> tuple[bytes, int]:
    body = bytearray()
    excess = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise HungUp
        piece = event.get("body", b"")
        room = most - len(body)
        body += piece[:room]
        excess += max(0, len(piece) - room)
        if not event.get("more_body", False):
            return bytes(body), excess


async def write_answer(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    if answer.status == TooSlow.status:
        # Whatever still comes of the body is no next call.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

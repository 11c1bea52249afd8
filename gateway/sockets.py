"""The agents' notify sockets of this process: who is connected here, and how they are rung."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from assistant.instances.followups import HANG_UP

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

# A client that takes nothing for this long is given up; it connects again.
SEND_SECONDS = 10
CLOSE_REPLACED = 4000
CLOSE_RELEASED = 4001
CLOSE_RESTART = 1012


class Socket:
    """One agent's open websocket. `channel` names it among all that this agent ever had."""

    __slots__ = ("_send", "channel", "instance_id")

    def __init__(self, instance_id: str, send: Send) -> None:
        self.instance_id = instance_id
        self.channel = str(uuid.uuid4())
        self._send = send

    async def say(self, text: str) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._send({"type": "websocket.close", "code": code})


class Sockets:
    """All sockets of this process. Owned by the gateway; the truth about presence is in the database."""

    def __init__(self) -> None:
        self._open: dict[str, Socket] = {}
        self._errands: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._open)

    def channels(self) -> dict[str, str]:
        """Instance id → channel of every open socket."""
        return {socket.instance_id: socket.channel for socket in self._open.values()}

    def add(self, socket: Socket) -> None:
        """A new connection replaces the old one: after a silent loss the old one does not know yet."""
        former = self._open.get(socket.instance_id)
        self._open[socket.instance_id] = socket
        if former is not None:
            self._do(former.close(CLOSE_REPLACED))

    def remove(self, socket: Socket) -> None:
        if self._open.get(socket.instance_id) is socket:
            del self._open[socket.instance_id]

    def kick(self, texts: Mapping[str, str]) -> None:
        """Ring those of these instances that are connected here."""
        for instance_id, text in texts.items():
            socket = self._open.get(instance_id)
            if socket is not None:
                self._do(socket.close(CLOSE_RELEASED) if text == HANG_UP else socket.say(text))

    async def close_all(self) -> None:
        """Let every agent go; they connect again, to the process that comes next."""
        await asyncio.gather(
            *(socket.close(CLOSE_RESTART) for socket in list(self._open.values())), return_exceptions=True
        )

    def _do(self, errand: Any) -> None:
        task = asyncio.create_task(self._quietly(errand))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _quietly(self, errand: Awaitable[None]) -> None:
        try:
            await errand
        except (TimeoutError, RuntimeError, OSError) as error:
            # The socket is going or gone; its own reader notices and the agent connects again.
            logger.info("Ring not taken error=%s", error)

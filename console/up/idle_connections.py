"""Connections that keep nothing of what is over: thousands are open, and each is idle nearly all of the time."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from console.up.long_lines import LongLines


class Calls(LongLines):
    """Lets go of a request, with its headers and its body, once it is answered."""

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # An answer may come before the body's end, and the rest of the body asks the cycle what to do.
        if self.cycle.response_complete and not self.cycle.more_body:
            self.cycle = self.scope = self.headers = None  # type: ignore[assignment]


class Events:
    """What uvicorn asks of an `asyncio.Queue`, for one reader: without the five containers of that one."""

    __slots__ = ("_events", "_reader")

    def __init__(self) -> None:
        self._events: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        self._events.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def empty(self) -> bool:
        return not self._events

    async def get(self) -> Any:
        while not self._events:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._events.pop(0)


class Push(WebSocketsSansIOProtocol):
    """Lets go of its upgrade once it is accepted: the headers of either side are half of its memory."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.queue = Events()  # type: ignore[assignment]

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # Frames below keep all three for as long as the socket is open: emptied, not only let go.
            self.request.headers.clear()
            self.response.headers.clear()
            self.scope.clear()  # type: ignore[attr-defined]

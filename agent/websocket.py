"""A websocket client (RFC 6455) without extensions.

`Decoder` knows frames and nothing of sockets; `WebSocket` owns the connection and belongs to one thread.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from agent import http
from agent.errors import ServerUnreachable

if TYPE_CHECKING:
    import ssl

    from agent.transport import Connector

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# A server that is being restarted may hold the upgrade request for a while.
HANDSHAKE_TIMEOUT_SECONDS = 45.0

MAX_MESSAGE_BYTES = 1024 * 1024


class ProtocolError(ServerUnreachable):
    pass


class UpgradeRefused(ServerUnreachable):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"The server refused the push channel with status {status}: {reason}")
        self.status = status


class Message(NamedTuple):
    opcode: int
    payload: bytes


def encode(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One whole, masked frame, as clients have to send it."""
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + mask + bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))


class Decoder:
    """Bytes from the server in, whole messages out."""

    def __init__(self) -> None:
        self._buffer = b""
        self._opcode = CONTINUATION
        self._fragments: list[bytes] = []

    def feed(self, received: bytes) -> list[Message]:
        self._buffer += received
        messages = []
        while (frame := self._next_frame()) is not None:
            message = self._assemble(*frame)
            if message:
                messages.append(message)
        return messages

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        if len(self._buffer) < 2:
            return None
        first, second = self._buffer[:2]
        if first & 0x70 or second & 0x80:
            raise ProtocolError("The server sent a masked frame or used an extension.")
        start, size = 2, second
        if second >= 126:
            start = 4 if second == 126 else 10
            size = int.from_bytes(self._buffer[2:start], "big")
        if len(self._buffer) >= start and size > MAX_MESSAGE_BYTES:
            raise ProtocolError("The server sent a message that is too large.")
        if len(self._buffer) < start + size:
            return None
        payload, self._buffer = self._buffer[start : start + size], self._buffer[start + size :]
        return bool(first & 0x80), first & 0x0F, payload

    def _assemble(self, is_last: bool, opcode: int, payload: bytes) -> Message | None:  # noqa: FBT001
        if opcode in (CLOSE, PING, PONG):
            if not is_last or len(payload) > 125:
                raise ProtocolError("The server sent a malformed control frame.")
            return Message(opcode, payload)
        if opcode not in (CONTINUATION, TEXT, BINARY) or (opcode == CONTINUATION) != bool(self._opcode):
            raise ProtocolError("The server sent frames in an impossible order.")
        self._opcode = opcode or self._opcode
        self._fragments.append(payload)
        if sum(map(len, self._fragments)) > MAX_MESSAGE_BYTES:
            raise ProtocolError("The server sent a message that is too large.")
        return self._finish() if is_last else None

    def _finish(self) -> Message:
        message = Message(self._opcode, b"".join(self._fragments))
        self._opcode, self._fragments = CONTINUATION, []
        return message


class WebSocket:
    def __init__(self, connection: ssl.SSLSocket, received: bytes) -> None:
        self._connection = connection
        self._decoder = Decoder()
        self._received = received

    def receive(self, deadline: float) -> list[Message]:
        """The messages that arrive together next; none when the deadline passes first."""
        try:
            received, self._received = self._received or self._read(deadline), b""
        except socket.timeout:
            return []
        except OSError as error:
            raise ServerUnreachable(f"The push channel failed: {error}") from error
        return self._decoder.feed(received)

    def _read(self, deadline: float) -> bytes:
        self._connection.settimeout(max(0.001, deadline - time.monotonic()))
        received = self._connection.recv(65536)
        if not received:
            raise ServerUnreachable("The server closed the push channel.")
        return received

    def send(self, opcode: int, payload: bytes) -> None:
        try:
            self._connection.settimeout(10)
            self._connection.sendall(encode(opcode, payload, os.urandom(4)))
        except OSError as error:
            raise ServerUnreachable(f"The push channel failed: {error}") from error

    def close(self) -> None:
        self._connection.close()


def connect(connector: Connector, target: str, headers: dict[str, str]) -> WebSocket:
    """Open `target` as a websocket; raises UpgradeRefused or ServerUnreachable."""
    connection = connector.connect()
    try:
        return _upgrade(connection, str(connector.route.server), target, headers)
    except (OSError, EOFError) as error:
        connection.close()
        raise ServerUnreachable(f"The push channel could not be opened: {error!r}") from error
    except ServerUnreachable:
        connection.close()
        raise


def _upgrade(connection: ssl.SSLSocket, host: str, target: str, headers: dict[str, str]) -> WebSocket:
    key = binascii.b2a_base64(os.urandom(16), newline=False)
    head = {
        "Host": host,
        **headers,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key.decode(),
    }
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode("latin-1", "replace"))
    reader = http.Reader(connection, time.monotonic() + HANDSHAKE_TIMEOUT_SECONDS)
    status, answer = http.read_head(reader)
    if status != 101:
        raise UpgradeRefused(status, _reason(reader, answer))
    if answer.get("sec-websocket-accept") != accept_value(key):
        raise ProtocolError("The server does not speak the websocket protocol.")
    return WebSocket(connection, reader.buffer)


def accept_value(key: bytes) -> str:
    digest = hashlib.sha1(key + ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return binascii.b2a_base64(digest, newline=False).decode()


def _reason(reader: http.Reader, headers: dict[str, str]) -> str:
    size = headers.get("content-length", "")
    body = reader.exactly(min(int(size), 2000)) if size.isdigit() else reader.buffer
    return body.decode("utf-8", "replace").strip()[:300]

"""A simulated agent's two connections, as small as they can be: the generator shares the machine."""

import asyncio
import base64
import os
import struct

TEXT, PING, CLOSE = 0x1, 0x9, 0x8
MASK = b"\x00\x00\x00\x00"


def frame(opcode, payload):
    """A masked frame; the mask of zeros is a valid one and costs nothing."""
    size = len(payload)
    head = (
        bytes([0x80 | opcode, 0x80 | size]) if size < 126 else struct.pack(">BBH", 0x80 | opcode, 0xFE, size)
    )
    return head + MASK + payload


def upgrade(path, host, headers):
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


class Push(asyncio.Protocol):
    """The notify socket. `hear` gets the server's texts."""

    def __init__(self, request, hear):
        self._request = request
        self._hear = hear
        self._received = b""
        self._is_open = False
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self._request)

    def connection_lost(self, error):
        self._is_open = False
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("the push channel was refused"))

    def say(self, text):
        self.transport.write(frame(TEXT, text))

    @property
    def is_open(self):
        return self._is_open

    def data_received(self, received):
        self._received += received
        if not self._is_open and not self._take_answer():
            return
        while self._take_frame():
            pass

    def _take_answer(self):
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self.transport.close()
            return False
        self._received, self._is_open = rest, True
        self.opened.set_result(None)
        return True

    def _take_frame(self):
        received = self._received
        if len(received) < 2:
            return False
        size, start = received[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(received[2:4]), 4
        if len(received) < start + size:
            return False
        self._received = received[start + size :]
        self._act(received[0] & 0x0F, received[start : start + size])
        return True

    def _act(self, opcode, payload):
        if opcode == TEXT:
            self._hear(payload)
        elif opcode == PING:
            self.transport.write(frame(0xA, payload))
        elif opcode == CLOSE:
            self.transport.close()


class Calls(asyncio.Protocol):
    """The HTTP connection: one call at a time, kept alive. `hear` gets status and body."""

    def __init__(self, host, hear):
        self._host = host
        self._hear = hear
        self._received = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _error):
        self.transport = None

    @property
    def is_open(self):
        return self.transport is not None

    def post(self, target, headers, body=b""):
        lines = [f"POST {target} HTTP/1.1", f"Host: {self._host}", *headers, f"Content-Length: {len(body)}"]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)

    def data_received(self, received):
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(body) >= size:
            self._received = body[size:]
            self._hear(int(head[9:12]), body[:size])

"""The part of HTTP/1.1 that the agent needs, over connections that are kept open."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from agent.errors import ConnectionStale, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.transport import Connector

# A task list with a thousand large commands still fits; a runaway server does not.
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
# As many as reports may be on their way at once: a handshake costs the server a signature.
MAX_IDLE_CONNECTIONS = 4

# The heart-beat, once a minute, keeps one connection in use; what idles longer than this is a spare.
MAX_IDLE_SECONDS = 120.0

Headers = dict[str, str]


class Request(NamedTuple):
    method: str
    target: str
    body: bytes = b""
    content_type: str = ""


class Response(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Reader:
    """Reads from a connection until a deadline."""

    def __init__(self, connection: ssl.SSLSocket, deadline: float) -> None:
        self.buffer = b""
        self._connection = connection
        self._deadline = deadline

    def fill(self) -> bool:
        """Receive something more; False when the other side has ended."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout("the answer took too long")
        self._connection.settimeout(remaining)
        piece = self._connection.recv(65536)
        self.buffer += piece
        return bool(piece)

    def until(self, mark: bytes, limit: int) -> bytes:
        while mark not in self.buffer:
            if len(self.buffer) > limit:
                raise ServerUnreachable("The server's answer is malformed: a line or head is too long.")
            if not self.fill():
                raise EOFError
        content, _, self.buffer = self.buffer.partition(mark)
        return content

    def exactly(self, size: int) -> bytes:
        if size > MAX_BODY_BYTES:
            raise ServerUnreachable("The server's answer is too large.")
        pieces, missing = [self.buffer], size - len(self.buffer)
        self.buffer = b""
        while missing > 0:
            if not self.fill():
                raise EOFError
            pieces.append(self.buffer)
            missing -= len(self.buffer)
            self.buffer = b""
        content = b"".join(pieces)
        content, self.buffer = content[:size], content[size:]
        return content


class Client:
    """Sends requests one per connection at a time; idle connections are used again, newest first."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._idle: list[tuple[ssl.SSLSocket, float]] = []
        self._lock = threading.Lock()

    def send(self, request: Request, headers: Callable[[], Headers], timeout: float) -> Response:
        """Send and return the answer; raises ServerUnreachable.

        `headers` is called for each attempt: a signature must not be used twice.
        """
        kept = self._take_idle()
        if kept is not None:
            with contextlib.suppress(ConnectionStale):
                return self._exchange(kept, request, headers(), timeout)
        try:
            return self._exchange(self._connector.connect(), request, headers(), timeout)
        except ConnectionStale as error:
            raise ServerUnreachable(str(error)) from error

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def _exchange(
        self, connection: ssl.SSLSocket, request: Request, headers: Headers, timeout: float
    ) -> Response:
        keep = False
        try:
            response = _converse(connection, self._render(request, headers), time.monotonic() + timeout)
            keep = response.headers.get("connection", "").lower() != "close"
        finally:
            if keep:
                self._keep(connection)
            else:
                connection.close()
        return response

    def _render(self, request: Request, headers: Headers) -> bytes:
        lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {self._connector.route.server}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if request.content_type:
            lines.append(f"Content-Type: {request.content_type}")
        if request.method != "GET":
            lines.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + request.body

    def _take_idle(self) -> ssl.SSLSocket | None:
        with self._lock:
            while self._idle:
                connection, _ = self._idle.pop()
                if not _has_ended(connection):
                    return connection
                connection.close()
        return None

    def _keep(self, connection: ssl.SSLSocket) -> None:
        now = time.monotonic()
        with self._lock:
            self._idle.append((connection, now))
            fresh = [entry for entry in self._idle if now - entry[1] < MAX_IDLE_SECONDS]
            surplus = [entry for entry in self._idle if entry not in fresh[-MAX_IDLE_CONNECTIONS:]]
            self._idle = fresh[-MAX_IDLE_CONNECTIONS:]
        for old, _ in surplus:
            old.close()


def _has_ended(connection: ssl.SSLSocket) -> bool:
    # An idle connection has nothing to say but that it is being closed.
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _converse(connection: ssl.SSLSocket, rendered: bytes, deadline: float) -> Response:
    reader = Reader(connection, deadline)
    try:
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        connection.sendall(rendered)
        return _read_response(reader)
    except socket.timeout as error:
        raise ServerUnreachable("The server did not answer in time.") from error
    except (EOFError, ConnectionError, ssl.SSLError) as error:
        if not reader.buffer:
            raise ConnectionStale("The server closed the connection.") from error
        raise ServerUnreachable("The server closed the connection in the middle of its answer.") from error
    except OSError as error:
        raise ServerUnreachable(f"The connection failed: {error}") from error


def _read_response(reader: Reader) -> Response:
    status, headers = read_head(reader)
    if status in (204, 304):
        return Response(status, headers, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Response(status, headers, _read_chunked(reader))
    if "content-length" in headers:
        return Response(status, headers, reader.exactly(_size(headers["content-length"], 10)))
    while reader.fill():
        _size(str(len(reader.buffer)), 10)
    return Response(status, {**headers, "connection": "close"}, reader.buffer)


def read_head(reader: Reader) -> tuple[int, Headers]:
    """Read up to the empty line: the status and the headers under lower-case names."""
    lines = reader.until(b"\r\n\r\n", MAX_HEAD_BYTES).decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise ServerUnreachable("The server's answer is not HTTP.")
    pairs = (line.partition(":") for line in lines[1:])
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _read_chunked(reader: Reader) -> bytes:
    content = b""
    while True:
        size = _size(reader.until(b"\r\n", MAX_HEAD_BYTES).decode("latin-1").partition(";")[0], 16)
        content += reader.exactly(size)
        if size == 0:
            break
        reader.until(b"\r\n", 2)
        _size(str(len(content)), 10)
    while reader.until(b"\r\n", MAX_HEAD_BYTES):
        pass
    return content


def _size(text: str, base: int) -> int:
    try:
        size = int(text.strip(), base)
    except ValueError:
        raise ServerUnreachable("The server's answer is malformed: a size is not a number.") from None
    if not 0 <= size <= MAX_BODY_BYTES:
        raise ServerUnreachable("The server's answer is too large.")
    return size

"""What a request may bring in front of its body: a real listener, and clients that do not stop."""

import asyncio
import contextlib

import pytest
import uvicorn
from uvicorn.server import ServerState

from console.up.long_lines import HEADERS_MOST, LINE_MOST, LongLines
from tests.waiting import PATIENCE_SECONDS

PIECE = b"x" * 16 * 1024
# Far beyond every bound: whoever takes all of it has none.
PIECES = 1024


async def application(scope, receive, send):
    """Says how long the query was and how much body came."""
    if scope["type"] != "http":
        return
    size = 0
    while (event := await receive())["type"] == "http.request":
        size += len(event.get("body", b""))
        if not event.get("more_body"):
            break
    said = f"{len(scope['query_string'])} {size}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said})


@contextlib.asynccontextmanager
async def listener():
    config = uvicorn.Config(application, http=LongLines, lifespan="off", log_config=None, access_log=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: LongLines(config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said_to(beginning, piece=b"", pieces=0, end=b""):
    """The answer, and how many pieces were taken before it came or the connection ended."""
    async with listener() as port, asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = asyncio.create_task(reader.read())
        sent = 0
        with contextlib.suppress(ConnectionError):
            writer.write(beginning)
            while sent < pieces and not answer.done():
                writer.write(piece)
                await writer.drain()
                sent += 1
            writer.write(end)
            await writer.drain()
        with contextlib.suppress(ConnectionError):
            await answer
        writer.close()
        return (b"" if answer.exception() else answer.result()), sent


GET = b"GET / HTTP/1.1\r\nHost: console.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: console.example\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /?",
        GET + b"X-Long: ",
        GET + b"X-",
        POST + b"0\r\nX-Trailer: ",
    ],
    ids=["line", "value", "name", "trailer"],
)
def test_what_never_ends_is_not_taken(beginning):
    answer, sent = asyncio.run(said_to(beginning, PIECE, PIECES))

    assert answer.startswith(b"HTTP/1.1 400 ") or not answer
    assert sent < PIECES


def test_headers_together_have_a_bound():
    line = b"X-Some: " + b"x" * 1000 + b"\r\n"

    answer, _sent = asyncio.run(said_to(GET, line, HEADERS_MOST // 1000 + 1, b"\r\n"))

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("size", [10, 60_001, 200_000, LINE_MOST - 100])
def test_a_long_line_arrives_whole(size):
    line = b"GET /?" + b"q" * size + b" HTTP/1.1\r\n"

    answer, _sent = asyncio.run(said_to(line + b"Host: console.example\r\nConnection: close\r\n\r\n"))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f"{size} 0".encode() in answer


def test_a_large_body_is_no_header():
    size = len(PIECE) * 64
    head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n".encode()

    answer, _sent = asyncio.run(said_to(head, PIECE, 64))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f"0 {size}".encode() in answer


def test_a_header_just_below_the_bound_is_taken():
    header = b"X-Long: " + b"x" * (HEADERS_MOST - 1000) + b"\r\nConnection: close\r\n\r\n"

    answer, _sent = asyncio.run(said_to(GET + header))

    assert answer.startswith(b"HTTP/1.1 200 ")

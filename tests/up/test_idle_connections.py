"""Connections that are let go of while they are open, and still do all that they did."""

import asyncio
import contextlib
import socket

import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from console.up import web
from tests.waiting import soon

HELD = []


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await echo(scope, receive, send)
    else:
        await answer(scope, receive, send)


async def answer(scope, receive, send):
    """Says the path, and how long the body was; to `/early` without reading it."""
    size = 0
    while scope["path"] != "/early":
        event = await receive()
        size += len(event["body"])
        if not event["more_body"]:
            break
    said = f"{scope['path']} {size}".encode()
    headers = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    HELD.append(scope)
    while (event := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": event["text"]})
        if event["text"] == "bye":
            await send({"type": "websocket.close", "code": 4001})
    HELD.append(event["code"])


@pytest_asyncio.fixture
async def server():
    HELD.clear()
    listener = socket.create_server(("127.0.0.1", 0))
    server = web.Server(web.config(application))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    server.port = listener.getsockname()[1]
    yield server
    server.should_exit = True
    await soon(serving)


@contextlib.asynccontextmanager
async def calls(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

    async def read():
        head = await soon(reader.readuntil(b"\r\n\r\n"))
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return (await soon(reader.readexactly(size))).decode()

    yield writer, read
    writer.close()
    await writer.wait_closed()


def request(path, body=b""):
    return f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def test_an_answered_call_leaves_nothing_behind(server):
    async with calls(server) as (writer, read):
        writer.write(request("/one", b"x" * 1000))
        assert await read() == "/one 1000"

        connection = next(iter(server.server_state.connections))
        assert (connection.cycle, connection.scope, connection.headers) == (None, None, None)

        writer.write(request("/two", b"yy"))
        assert await read() == "/two 2"


async def test_calls_that_come_at_once_are_answered_in_their_order(server):
    async with calls(server) as (writer, read):
        writer.write(request("/one") + request("/two", b"yy") + request("/three"))

        assert [await read() for _ in range(3)] == ["/one 0", "/two 2", "/three 0"]


async def test_an_answer_may_come_before_the_body_has_ended(server):
    async with calls(server) as (writer, read):
        whole = request("/early", b"x" * 1000)
        writer.write(whole[:-500])
        assert await read() == "/early 0"

        writer.write(whole[-500:] + request("/after", b"zzz"))

        assert await read() == "/after 3"


async def test_an_open_socket_keeps_nothing_of_its_upgrade(server):
    async with connect(f"ws://127.0.0.1:{server.port}/push") as client:
        await client.send("one")
        await client.send("two")
        assert [await soon(client.recv()) for _ in range(2)] == ["one", "two"]

        assert HELD == [{}]
        connection = next(iter(server.server_state.connections))
        assert (list(connection.request.headers), list(connection.response.headers)) == ([], [])
        await soon(await client.ping())


async def test_either_side_ends_a_socket_with_its_own_code(server):
    async with connect(f"ws://127.0.0.1:{server.port}/push") as client:
        await client.close(4002)
    async with connect(f"ws://127.0.0.1:{server.port}/push") as client:
        await client.send("bye")
        assert await soon(client.recv()) == "bye"
        with contextlib.suppress(ConnectionClosed):
            await soon(client.recv())

    assert client.close_code == 4001
    assert [code for code in HELD if code] == [4002, 4001]

"""Files that Django answers with: sent as they are taken, and by none of its threads."""

import asyncio
import io

import pytest

from console.downloads import DJANGO_THREADS, PIECE_BYTES, SET_ASIDE, Django, set_aside
from tests.waiting import soon

FILE = b"a" * (3 * PIECE_BYTES)


@pytest.fixture
def package(settings, tmp_path):
    """What everybody may fetch."""
    settings.AGENT_PACKAGE = tmp_path / "agent.pyz"
    settings.AGENT_PACKAGE.write_bytes(FILE)
    return settings.AGENT_PACKAGE


class Visitor:
    """Takes an event whenever `take` is asked for one."""

    def __init__(self, pages, path):
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "http_version": "1.1",
        }
        self.incoming = asyncio.Queue()
        self.incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.offered = asyncio.Queue()
        self.taken = asyncio.Semaphore(0)
        self.has_left = False
        self.task = asyncio.create_task(pages(self.scope, self.incoming.get, self.send))

    async def send(self, event):
        if not self.has_left:
            self.offered.put_nowait(event)
            await self.taken.acquire()

    async def take(self):
        event = await soon(self.offered.get())
        self.taken.release()
        return event

    async def leave(self):
        self.has_left = True
        self.incoming.put_nowait({"type": "http.disconnect"})
        self.taken.release()
        await soon(self.task)

    async def body(self):
        pieces = []
        while (event := await self.take()).get("more_body"):
            pieces.append(event["body"])
        return b"".join([*pieces, event["body"]])


async def test_a_file_is_read_as_it_is_taken(package):
    visitor = Visitor(Django(), "/agent/agent.pyz")
    start = await visitor.take()
    first = await soon(visitor.offered.get())

    with package.open("r+b") as file:
        file.seek(PIECE_BYTES)
        file.write(b"b" * 2 * PIECE_BYTES)
    visitor.taken.release()

    assert (b"content-length", str(len(FILE)).encode()) in start["headers"]
    assert first["body"] == b"a" * PIECE_BYTES
    assert await visitor.body() == b"b" * 2 * PIECE_BYTES
    await soon(visitor.task)
    assert visitor.scope[SET_ASIDE].closed


@pytest.mark.usefixtures("package")
async def test_visitors_who_take_nothing_hold_no_thread():
    pages = Django()
    slow = [Visitor(pages, "/agent/agent.pyz") for _ in range(DJANGO_THREADS + 1)]
    for visitor in slow:
        await visitor.take()
        await soon(visitor.offered.get())

    quick = Visitor(pages, "/agent/agent.pyz")
    assert (await quick.take())["status"] == 200
    assert await quick.body() == FILE

    for visitor in slow:
        await visitor.leave()


@pytest.mark.usefixtures("package")
async def test_of_who_has_gone_nothing_is_left():
    visitor = Visitor(Django(), "/agent/agent.pyz")
    await visitor.take()
    await soon(visitor.offered.get())

    await visitor.leave()

    assert visitor.scope[SET_ASIDE].closed


async def test_a_page_that_is_no_file_is_sent_whole():
    visitor = Visitor(Django(), "/agent/none")

    assert (await visitor.take())["status"] in (302, 404)
    await visitor.body()
    await soon(visitor.task)
    assert SET_ASIDE not in visitor.scope


def test_what_has_no_descriptor_is_sent_by_django():
    scope = {}

    assert b"".join(set_aside(scope, io.BytesIO(FILE), 4096)) == FILE
    assert scope == {}

"""The event stream: who may listen, what is said, when it ends."""

import asyncio
import json

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from access.models import PolicyAttachment, Session
from console import live
from console.live import Live
from tests.conftest import attach, signed_in
from tests.invocations.factories import ran
from tests.waiting import soon


@pytest_asyncio.fixture
async def streams(transactional_db):
    streams = Live()
    yield streams
    await streams.close()
    await sync_to_async(connections.close_all)()


@pytest_asyncio.fixture
async def cookie(operator):
    client = await sync_to_async(signed_in)(operator)
    return client.cookies["sessionid"].value


class Listener:
    """A browser's end of a stream."""

    def __init__(self, streams, query, cookie="", scheme="http"):
        name = "__Host-sessionid" if scheme == "https" else "sessionid"
        headers = [(b"cookie", f"{name}={cookie}".encode())] if cookie else []
        self.scope = {
            "type": "http",
            "path": live.PATH,
            "query_string": query.encode(),
            "headers": headers,
            "scheme": scheme,
        }
        self.streams = streams
        self.sent = asyncio.Queue()
        self.incoming = asyncio.Queue()

    async def __aenter__(self):
        self.task = asyncio.create_task(self.streams(self.scope, self.incoming.get, self.sent.put))
        return self

    async def __aexit__(self, *_error):
        self.incoming.put_nowait({"type": "http.disconnect"})
        await soon(self.task)

    async def event(self):
        """The next event: its name and its topics."""
        while True:
            message = await soon(self.sent.get())
            text = message.get("body", b"").decode()
            lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and line[0] != ":")
            if "event" in lines:
                return lines["event"], json.loads(lines["data"])


async def test_a_stream_tells_what_it_was_asked_for(streams, cookie, olga):
    invocation = await sync_to_async(ran)(olga)
    topic = f"invocation-{invocation.pk}"
    async with Listener(streams, f"topic=invocations&topic={topic}", cookie) as listener:
        assert await listener.event() == ("hello", [])

        streams.tell(["instances", topic])

        assert await listener.event() == ("change", [topic])


async def test_a_stream_ends_to_tell_what_may_no_longer_be_seen(streams, reader):
    """The page is told once more, looks, and is refused; after that it hears nothing."""
    client = await sync_to_async(signed_in)(reader)
    query = "topic=instances&topic=invocations"
    async with Listener(streams, query, client.cookies["sessionid"].value) as listener:
        await listener.event()

        await sync_to_async(PolicyAttachment.objects.all().delete)()
        streams.tell([live.ACCESS])

        assert await listener.event() == ("change", ["instances", "invocations"])
        streams.tell(["instances"])
        await sync_to_async(attach)(reader, "AliyunECSReadOnlyAccess")
        streams.tell([live.ACCESS])
        assert await listener.event() == ("change", ["instances", "invocations"])
        streams.tell(["invocations"])
        assert await listener.event() == ("change", ["invocations"])


async def test_changes_that_come_fast_are_told_together(streams, cookie):
    query = "topic=instances&topic=invocations&topic=commands"
    async with Listener(streams, query, cookie) as listener:
        await listener.event()
        streams.tell(["instances"])
        await listener.event()

        streams.tell(["invocations"])
        streams.tell(["commands"])
        streams.tell(["invocations"])

        assert await listener.event() == ("change", ["commands", "invocations"])


async def test_after_a_gap_every_page_looks_again(streams, cookie):
    async with Listener(streams, "topic=instances", cookie) as listener:
        await listener.event()

        streams.missed()

        assert await listener.event() == ("change", ["instances"])


@pytest.mark.parametrize("key", ["", "unknown", "a b; c=d"])
async def test_who_is_not_signed_in_is_told_so(streams, key):
    async with Listener(streams, "topic=instances", key) as listener:
        assert await listener.event() == ("signed-out", [])


async def test_the_cookie_of_the_other_listener_does_not_count(streams, cookie):
    listener = Listener(streams, "topic=instances", cookie, scheme="https")
    listener.scope["scheme"] = "http"
    async with listener:
        assert (await listener.event())[0] == "signed-out"


async def test_a_session_that_ends_ends_its_stream(streams, cookie, monkeypatch):
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.05)
    async with Listener(streams, "topic=instances", cookie) as listener:
        await listener.event()

        await Session.objects.all().adelete()

        assert await listener.event() == ("signed-out", [])


async def test_a_stream_that_is_always_busy_ends_with_its_session(streams, cookie, monkeypatch):
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(live, "QUIET_SECONDS", 0.05)
    async with Listener(streams, "topic=instances", cookie) as listener:
        await listener.event()
        await Session.objects.all().adelete()

        told = []
        while "signed-out" not in told and len(told) < 20:
            streams.tell(["instances"])
            told.append((await listener.event())[0])

        assert told[-1] == "signed-out"


async def test_the_end_of_the_process_ends_its_streams(cookie, transactional_db):
    streams = Live()
    async with Listener(streams, "topic=instances", cookie) as listener:
        await listener.event()

        await streams.close()

        await soon(listener.task)
        assert listener.task.done()
    await sync_to_async(connections.close_all)()


@pytest.mark.parametrize("query", ["", "topic=", "topic=<script>", "topic=" + "x" * 200, "other=1"])
async def test_topics_that_are_none_are_dropped(streams, cookie, query):
    async with Listener(streams, query, cookie) as listener:
        assert await listener.event() == ("hello", [])

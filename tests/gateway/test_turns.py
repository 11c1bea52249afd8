"""How many calls are held at once: an agent that sends many waits, the others do not."""

import asyncio

import pytest

from assistant.invocations import limits
from gateway import app as gateway_app
from gateway import turns
from gateway.errors import TooManyCalls
from gateway.turns import CALLS_AT_ONCE, LARGE_AT_ONCE, SMALL_BYTES, Turns
from tests.gateway.wire import Answer
from tests.waiting import soon

FINISH = "/luban/api/v1/task/finish"
LARGE = str(SMALL_BYTES + 1)


class Held:
    """A turn that is asked for, and that ends when it is told to."""

    def __init__(self, turns, agent, body_bytes=0):
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.task = asyncio.create_task(self.hold(turns.turn(agent, body_bytes)))

    async def hold(self, turn):
        async with turn:
            self.has_begun.set()
            await self.may_end.wait()

    async def end(self):
        self.may_end.set()
        await soon(self.task)


async def begun(held):
    """Those that have begun, once everybody who can has."""
    for _ in range(10):
        await asyncio.sleep(0)
    return [one.has_begun.is_set() for one in held]


async def test_an_agents_further_calls_wait_and_nobody_elses():
    taken = Turns()
    mine = [Held(taken, "mi-1") for _ in range(CALLS_AT_ONCE + 1)]
    other = Held(taken, "mi-2")

    assert await begun([*mine, other]) == [True] * CALLS_AT_ONCE + [False, True]

    await mine[0].end()
    await soon(mine[-1].has_begun.wait())


async def test_of_large_bodies_an_agent_sends_one_and_all_together_a_few():
    taken = Turns()
    mine = [Held(taken, "mi-1", SMALL_BYTES + 1) for _ in range(2)]
    small = Held(taken, "mi-1", SMALL_BYTES)
    others = [Held(taken, f"mi-other-{number}", SMALL_BYTES + 1) for number in range(LARGE_AT_ONCE)]

    assert await begun([*mine, small]) == [True, False, True]
    assert await begun(others) == [True] * (LARGE_AT_ONCE - 1) + [False]

    await others[0].end()
    await soon(others[-1].has_begun.wait())
    await mine[0].end()
    await others[1].end()
    await soon(mine[1].has_begun.wait())


async def test_what_is_beyond_all_measure_is_refused_until_there_is_room(monkeypatch):
    monkeypatch.setattr(turns, "CALLS_MOST", CALLS_AT_ONCE + 1)
    taken = Turns()
    held = [Held(taken, "mi-1") for _ in range(CALLS_AT_ONCE + 1)]
    await begun(held)

    with pytest.raises(TooManyCalls):
        async with taken.turn("mi-1", 0):
            pass

    await held[0].end()
    await begun(held)
    async with asyncio.TaskGroup() as ends:
        for one in held[1:]:
            ends.create_task(one.end())
    async with taken.turn("mi-1", 0):
        pass


class Call:
    """A call whose body has not come."""

    def __init__(self, wire, **headers):
        said = {**wire.identity(), **headers}
        scope = {**wire.scope("http", FINISH, said, {"taskId": "t-1"}), "method": "POST"}
        self.is_read = asyncio.Event()
        self.comes = asyncio.Event()
        self.sent = []
        self.task = asyncio.create_task(wire.app(scope, self.receive, self.send))

    async def receive(self):
        self.is_read.set()
        await self.comes.wait()
        return {"type": "http.request", "body": b""}

    async def send(self, event):
        self.sent.append(event)

    async def answer(self):
        self.comes.set()
        await soon(self.task)
        return Answer(self.sent[0]["status"], self.sent[1]["body"])


@pytest.mark.parametrize("length", [{"content-length": LARGE}, {"transfer-encoding": "chunked"}])
async def test_of_two_large_reports_the_second_is_not_read_before_the_first_is_answered(wire, length):
    first = Call(wire, **length)
    await soon(first.is_read.wait())
    second = Call(wire, **length)

    assert (await wire.report("finish", "t-1")).status == 400
    assert not second.is_read.is_set()

    assert [(await first.answer()).status, (await second.answer()).status] == [400, 400]


async def test_too_many_calls_are_refused_so_that_they_come_again(wire, monkeypatch):
    monkeypatch.setattr(turns, "CALLS_MOST", 1)
    first = Call(wire)
    await soon(first.is_read.wait())

    refusal = await wire.report("finish", "t-1")

    # Above 400 an agent repeats its call.
    assert (refusal.status, refusal.json["errCode"]) == (429, "Throttling")
    assert (await first.answer()).status == 400


async def test_a_body_that_does_not_come_is_not_waited_for(wire, monkeypatch):
    monkeypatch.setattr(gateway_app, "BODY_SECONDS", 0.01)
    call = Call(wire)

    await soon(call.task)

    assert call.sent[0]["status"] == 408
    assert (b"connection", b"close") in call.sent[0]["headers"]
    assert (await wire.report("finish", "t-1")).status == 400


async def test_of_calls_without_a_report_little_is_kept(wire):
    body = b'{"platformName": "' + b"x" * limits.REPORT_BODY_BYTES + b'"}'

    answer = await wire.post("/luban/api/instance/list_instance_state_configurations", body)

    assert answer.status == 400

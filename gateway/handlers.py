"""From messages to operations."""

import asyncio
import logging
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import redis
import redis.asyncio
from django.conf import settings
from django.db import IntegrityError, connections
from django.utils import timezone

from access.principals import SYSTEM, Door, Principal
from assistant.instances.followups import GOODBYES
from assistant.instances.models import Instance
from assistant.instances.operations.presence import (
    ChannelLost,
    ChannelOpened,
    Presence,
    Seen,
    node_alive,
    node_gone,
    record_presence,
)
from assistant.instances.operations.registrations import Registration, register_instance
from assistant.instances.operations.releases import instance_left
from assistant.invocations import followups, limits
from assistant.invocations.operations.deliveries import Fetch, Work, instances_with_work, list_tasks
from assistant.invocations.operations.reports import record_reports
from assistant.invocations.rules.reports import Outcome, Report
from console.kit.errors import ConsoleError
from gateway import protocol
from gateway.batches import Batches, run_operation
from gateway.errors import GatewayError, Released, Replayed, SignatureWrong
from gateway.identities import Identities, Identity, load_identities
from gateway.protocol import Answer, Call, Sender
from gateway.replays import Replays
from gateway.signing import Claim, check_clock, check_signature, claim_of
from gateway.sockets import Socket, Sockets
from gateway.turns import Turns

logger = logging.getLogger(__name__)

DEREGISTER_PATH = f"{protocol.PREFIX}/api/instance/deregister"
REGISTER_PATH = f"{protocol.PREFIX}/api/instance/register"
# How long after the connect an agent surely takes kicks (section 7.4 of the wire).
SETTLED_SECONDS = 2.0
REPLAY_KEY = "cloud-assistant:call:"
REPORTS_PREFIX = f"{protocol.PREFIX}/api/v1/task/"
# What is kept of the bodies of everything but reports: a registration is the largest that is read.
BODY_BYTES = 64 * 1024

ReadBody = Callable[[int], Awaitable[tuple[bytes, int]]]


def with_body(call: Call, body: bytes, excess: int) -> Call:
    return replace(call, body=body, excess=excess)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An agent that opens its push channel."""

    instance_id: str
    agent_version: str
    peer: str
    is_released: bool


class Gateway:
    """One process's side of all agents: their calls, their sockets, and the batches that they end in."""

    def __init__(self) -> None:
        self.node_id = str(uuid.uuid4())
        self.sockets = Sockets()
        self._ends = False
        # One thread: SQLite has one writer, and batches make up for it elsewhere.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="gateway")
        self._reports = Batches[Report, Outcome](self._executor, partial(record_reports, SYSTEM))
        self._fetches = Batches[Fetch, Work](self._executor, partial(list_tasks, SYSTEM))
        self._presence = Batches[Presence, None](self._executor, note_presence)
        self._settled = Batches[str, None](self._executor, ring_if_waiting)
        self._arrivals = Batches[tuple[Registration, str], Instance](self._executor, register_each, most=1)
        self._departures = Batches[str, None](self._executor, leave_each, most=1)
        self.identities = Identities(Batches[str, Identity | None](self._executor, load_identities))
        self._redis = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=2)
        self._replays = Replays(self._redis, seconds=2 * settings.AGENT_CLOCK_WINDOW)
        self._turns = Turns()

    # --- Calls ---

    async def answer(self, call: Call, read: ReadBody) -> Answer:
        """The answer to a call; never raises for what a client can send."""
        try:
            if call.path == REGISTER_PATH:
                return await self.register(with_body(call, *await read(BODY_BYTES)))
            # The signature does not cover the body: strangers are refused before a byte of it is kept.
            sender = await self.verified(call)
            most = limits.REPORT_BODY_BYTES if call.path.startswith(REPORTS_PREFIX) else BODY_BYTES
            async with self._turns.turn(sender.instance_id, min(call.body_bytes, most)):
                whole = with_body(call, *await read(most))
                return await self.act(sender, protocol.parse(whole, sender))
        except GatewayError as error:
            logger.info("Agent refused code=%s path=%s", error.code, call.path[:100])
            return protocol.answer_error(error.status, error.code, error.message)
        except ConsoleError as error:
            logger.info("Agent refused code=%s path=%s", error.code, call.path[:100])
            return protocol.answer_error(error.status, error.code, error.message)

    async def verified(self, call: Call) -> Sender:
        """Whose call it is. Raises the GatewayErrors of signing, and Released."""
        claim = claim_of(call.headers)
        now = time.time_ns() // 1_000_000
        identity = await self.identity_of(claim, now)
        if identity.is_released and (identity.is_superseded or call.path != DEREGISTER_PATH):
            raise Released("This instance was deregistered in the console. Register the server again.")
        await self.refuse_replay(claim)
        return Sender(claim.instance_id, claim.timestamp, now)

    async def identity_of(self, claim: Claim, now: int) -> Identity:
        identity = await self.identities.get(claim.instance_id)
        if identity is None:
            raise SignatureWrong("There is no such instance here. Register this server again.")
        check_signature(claim, identity.machine_id, identity.key)
        # After the signature: only who has the key learns about clocks.
        check_clock(claim, now=now, window=settings.AGENT_CLOCK_WINDOW * 1000)
        return identity

    async def refuse_replay(self, claim: Claim) -> None:
        """Remember the call for as long as its timestamp is good."""
        key = f"{REPLAY_KEY}{claim.instance_id}:{claim.request_id}"
        try:
            is_new = await self._replays.is_new(key)
        except redis.RedisError as error:
            # What reports do is the same when they come twice; better a replay than a deaf gateway.
            logger.warning("Replays are not noticed error=%s", error)
            return
        if not is_new:
            raise Replayed("This call was made before.")

    async def act(self, sender: Sender, message: protocol.Message) -> Answer:
        match message:
            case protocol.Reported(report):
                return await self.record(report)
            case protocol.FetchTasks(is_startup, cold_start, time_zone):
                fetch = Fetch(sender.instance_id, is_startup, cold_start, time_zone)
                work = await self._fetches.add(fetch)
                return protocol.answer_tasks(sender.instance_id, work, output_limit=settings.OUTPUT_LIMIT)
            case protocol.Heartbeat() | protocol.StateAsked():
                return await self.see(sender, message)
            case protocol.Deregister():
                await self._departures.add(sender.instance_id)
                self.identities.forget(sender.instance_id)
                return protocol.answer_of(200, code=200)
            case protocol.SelfTest():
                return Answer(200, sender.instance_id.encode(), protocol.TEXT)
            case protocol.Courtesy(answer):
                return protocol.answer_of(200, **{"instanceId": sender.instance_id, **answer})

    async def record(self, report: Report) -> Answer:
        """Answered once the report is committed. One that is nobody's gets a 400: it need not come again."""
        outcome = await self._reports.add(report)
        if outcome is Outcome.UNKNOWN:
            return protocol.answer_error(400, "InvalidTask.NotFound", "There is no such task here.")
        return protocol.answer_of(200, code=200)

    async def see(self, sender: Sender, message: protocol.Heartbeat | protocol.StateAsked) -> Answer:
        now = timezone.now()
        if isinstance(message, protocol.StateAsked):
            await self._presence.add(Seen(sender.instance_id, now, os_version=message.os_version))
            return protocol.answer_state(message, now)
        version, started_at = message.agent_version, message.agent_started_at
        await self._presence.add(Seen(sender.instance_id, now, version, started_at, message.peer))
        return protocol.answer_heartbeat()

    async def register(self, call: Call) -> Answer:
        instance = await self._arrivals.add((protocol.parse_registration(call), call.peer))
        return protocol.answer_of(200, code=200, instanceId=instance.pk)

    # --- Sockets ---

    async def connect(self, call: Call) -> Identity:
        """Whether a socket may be opened. A deregistered agent may: it is told so over it."""
        claim = claim_of(call.headers)
        identity = await self.identity_of(claim, time.time_ns() // 1_000_000)
        if identity.is_released and identity.is_superseded:
            raise Released("This server has registered again since; this identity is no longer used.")
        await self.refuse_replay(claim)
        return identity

    async def opened(self, opened: Socket, arrival: Arrival) -> None:
        self.sockets.add(opened)
        event = ChannelOpened(
            opened.instance_id,
            timezone.now(),
            opened.channel,
            self.node_id,
            arrival.agent_version,
            arrival.peer,
        )
        await self._presence.add(event)

    async def settled(self, opened: Socket) -> None:
        """Ring an agent that has just connected, if something waits, once it takes kicks."""
        await asyncio.sleep(SETTLED_SECONDS)
        await self._settled.add(opened.instance_id)

    async def lost(self, lost: Socket) -> None:
        self.sockets.remove(lost)
        if self._ends:
            # The process's end writes off all of its sockets at once.
            return
        await self._presence.add(ChannelLost(lost.instance_id, timezone.now(), lost.channel))

    def kicked(self, texts: dict[str, str]) -> None:
        """The bell: ring who is connected here, and forget who was let go."""
        for instance_id, text in texts.items():
            if text in GOODBYES:
                self.identities.forget(instance_id)
        self.sockets.kick(texts)

    # --- The process itself ---

    async def alive(self) -> None:
        host = f"{socket.gethostname()}:{os.getpid()}"
        await self._run(
            partial(node_alive, SYSTEM, node_id=self.node_id, host=host, channels=self.sockets.channels())
        )

    async def let_go(self) -> None:
        """Close all sockets; their agents dial the process that comes next."""
        self._ends = True
        await self.sockets.close_all()

    async def gone(self) -> None:
        """The process ends: the batches are closed after what is in them."""
        self._ends = True
        await self._run(partial(node_gone, SYSTEM, node_id=self.node_id))
        await self._redis.aclose()
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown(wait=True)

    async def _run(self, operation: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, run_operation, lambda _items: [operation()], [])


def note_presence(events: Sequence[Presence]) -> list[None]:
    """Write who was seen; who has work waiting is rung again (section 7.4 of the wire)."""
    outcomes = record_presence(SYSTEM, events)
    ring_if_waiting([event.instance_id for event in events if isinstance(event, Seen)])
    return outcomes


def ring_if_waiting(instance_ids: Sequence[str]) -> list[None]:
    if instance_ids:
        followups.ring(instances_with_work(instance_ids), "kick_vm")
    return [None] * len(instance_ids)


def register_each(arrivals: Sequence[tuple[Registration, str]]) -> list[Instance]:
    return [register_once(registration, source_ip) for registration, source_ip in arrivals]


def register_once(registration: Registration, source_ip: str) -> Instance:
    try:
        return register_instance(SYSTEM, registration, source_ip=source_ip)
    except IntegrityError:
        # The same machine came through another process at this moment; now its record is there to be closed.
        return register_instance(SYSTEM, registration, source_ip=source_ip)


def leave_each(instance_ids: Sequence[str]) -> list[None]:
    for instance in Instance.objects.filter(pk__in=instance_ids):
        instance_left(Principal(name=instance.pk, door=Door.AGENT), instance)
    return [None] * len(instance_ids)

"""A fleet of simulated agents in one process, for `bench.measure_fleet`.

`python -m bench.fleet_agents FILE` reads a plan (JSON) and then obeys lines, each answered with JSON:
`connect N` (the first N that are not yet), `calls` (open the HTTP connections), `beat` (a heart-beat of each),
`sign N` (N calls of each agent beforehand), `reset`, `state`.
"""

import asyncio
import base64
import json
import ssl
import sys
import time
import uuid
from collections import Counter, deque
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bench.fleet_wire import Calls, Push, upgrade

# Handshakes at the same time: a fleet that comes back after an outage, spread by its agents' jitter.
ARRIVING = 64
ARRIVE_SECONDS = 120
USER_AGENT = "User-Agent: linux_amd64/2.2.3.578"
TASK_MARK = b'"taskID":"'


class Fleet:
    def __init__(self, plan):
        self.plan = plan
        self.host = f"127.0.0.1:{plan['port']}"
        self.trust = ssl.create_default_context(cafile=plan["ca"])
        self.key = load_pem_private_key(plan["key"].encode(), None)
        self.output = b"x" * (plan["output_bytes"] - 1) + b"\n"
        self.counts = Counter()
        kind = SignedAgent if plan["kind"] == "console" else FloorAgent
        self.agents = [kind(self, *names) for names in plan["agents"]]

    async def connect(self, number):
        away = [agent for agent in self.agents if agent.push is None]
        return await self._all("open_push", away[: int(number)])

    async def calls(self):
        return await self._all("open_calls", [agent for agent in self.agents if agent.push])

    async def beat(self):
        return await self._all("beat", [agent for agent in self.agents if agent.push])

    async def sign(self, number):
        for agent in self.agents:
            agent.sign(int(number))
        return {}

    async def reset(self):
        self.counts.clear()
        return {}

    async def state(self):
        return {"open": sum(agent.push.is_open for agent in self.agents if agent.push), **self.counts}

    async def _all(self, step, agents):
        began = time.perf_counter()
        places = asyncio.Semaphore(ARRIVING)

        async def one(agent):
            async with places, asyncio.timeout(ARRIVE_SECONDS):
                await getattr(agent, step)()

        await asyncio.gather(*(one(agent) for agent in agents))
        return {"seconds": time.perf_counter() - began, **await self.state()}

    async def open(self, protocol):
        loop = asyncio.get_running_loop()
        port = self.plan["port"]
        _transport, made = await loop.create_connection(lambda: protocol, "127.0.0.1", port, ssl=self.trust)
        return made


class FloorAgent:
    """Answers a text with its output over the same socket."""

    push = None

    def __init__(self, fleet, *_names):
        self.fleet = fleet

    async def open_push(self):
        self.push = await self.fleet.open(Push(upgrade("/", self.fleet.host, []), self.hear))
        await self.push.opened

    def hear(self, _text):
        self.push.say(self.fleet.output)


class SignedAgent:
    """Answers a kick as agents do: fetches its work, and reports the end of it."""

    push = None

    def __init__(self, fleet, instance_id, machine_id):
        self.fleet = fleet
        self.names = instance_id, machine_id
        self.signed = deque()
        self.finished = set()
        self.waiting = deque()
        self.is_fetching = self.shall_fetch = False

    def sign(self, number):
        self.signed.clear()
        self.signed.extend(self.signature() for _ in range(number))

    def signature(self):
        instance_id, machine_id = self.names
        timestamp, request_id = str(time.time_ns() // 1_000_000), str(uuid.uuid4())
        text = f"{instance_id}{machine_id}{timestamp}{request_id}".encode()
        signature = base64.b64encode(self.fleet.key.sign(text, PKCS1v15(), MD5())).decode()
        return [
            USER_AGENT,
            f"x-acs-instance-id: {instance_id}",
            f"x-acs-timestamp: {timestamp}",
            f"x-acs-request-id: {request_id}",
            f"x-acs-signature: {signature}",
        ]

    def headers(self):
        if not self.signed:
            self.fleet.counts["signed_late"] += 1
            return self.signature()
        return self.signed.popleft()

    async def open_push(self):
        request = upgrade("/luban/notify_server", self.fleet.host, self.headers())
        self.push = await self.fleet.open(Push(request, self.hear_kick))
        await self.push.opened

    async def open_calls(self):
        """The connection for calls, where there is none or the server has closed it."""
        if not hasattr(self, "calls") or not self.calls.is_open:
            self.calls = await self.fleet.open(Calls(self.fleet.host, self.hear_answer))

    beating = None

    async def beat(self):
        self.beating = asyncio.get_running_loop().create_future()
        self.post("/luban/api/heart-beat?env=linux&appVersion=2.2.3.578", b"")
        await self.beating

    # --- A run ---

    def hear_kick(self, text):
        self.push.say(b"accept:" + text)
        self.fleet.counts["kicks"] += 1
        if self.is_fetching:
            self.shall_fetch = True
        else:
            self.fetch()

    def fetch(self):
        self.is_fetching, self.shall_fetch = True, False
        self.post("/luban/api/v1/task/list?reason=kickoff&currentTime=0&offset=0&timeZone=UTC", b"")

    def post(self, target, body):
        self.calls.post(target, self.headers(), body)

    def hear_answer(self, status, body):
        self.fleet.counts["calls"] += 1
        if status != 200:
            self.fleet.counts[f"status_{status}"] += 1
        if self.beating:
            self.beating.set_result(None)
            self.beating = None
        elif self.reporting:
            self.note_end(status)
        else:
            self.take_work(body)
        self.go_on()

    reporting = ""

    def take_work(self, body):
        found = (piece.partition(b'"')[0].decode() for piece in body.split(TASK_MARK)[1:])
        self.waiting.extend(task_id for task_id in found if task_id not in self.finished)

    def note_end(self, status):
        if status == 200:
            self.finished.add(self.reporting)
            self.fleet.counts["finished"] += 1
        self.reporting = ""

    def go_on(self):
        """One call at a time: the next result, another fetch if somebody rang meanwhile, or nothing."""
        if self.waiting:
            self.report(self.waiting.popleft())
        elif self.shall_fetch:
            self.fetch()
        else:
            self.is_fetching = False

    def report(self, task_id):
        self.reporting = task_id
        now = time.time_ns() // 1_000_000
        said = f"taskId={task_id}&invokeVersion=0&start={now}&end={now}&exitCode=0&dropped=0&outputOffset=0"
        self.post(f"/luban/api/v1/task/finish?{said}", self.fleet.output)


async def obey(fleet):
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode():
        word, *rest = line.split()
        print(json.dumps(await getattr(fleet, word)(*rest)), flush=True)


async def main(path):
    await obey(Fleet(json.loads(Path(path).read_text())))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))

"""A thousand simulated agents (`--agents 10000`): connect, run once on all, count what it cost and what was lost.

The agents live in one process, start none, and have signed their calls beforehand. The floor is the same
generator against a bare websocket server.
"""

import argparse
import json
import sys
import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bench.consoles import Driver, become_driver, console, server_pids, workshop
from bench.processes import ROOT, Helper, allow_many_files, cpu_seconds, memory
from bench.report import show
from bench.rounds import interleave

OUTPUT_BYTES = 100
# An agent takes kicks two seconds after it has connected; then its memory has settled as well.
SETTLE_SECONDS = 5
FIRST = 50
ANSWER_SECONDS = 10
# One fetch, one report, and one fetch more for a kick that came twice.
CALLS_PER_RUN = 3


class Bench:
    def __init__(self, house, folder, number):
        self.house, self.number = house, number
        self.driver = Driver()
        self.web = house.pids["web"]
        self.server_cpu, self.run_cpu, self.agents_cpu = [], [], []
        self.lost = 0
        key = rsa.generate_private_key(65537, 2048)
        names = make_instances(self.driver.region, number, key)
        self.tls = house.folder / "tls"
        self.plan = {
            "ca": str(self.tls / "ca.pem"),
            "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "output_bytes": OUTPUT_BYTES,
            "agents": names,
        }
        self.folder = folder

    def generator(self, kind, port):
        path = self.folder / f"{kind}.json"
        path.write_text(json.dumps({**self.plan, "kind": kind, "port": port}))
        return Helper("-m", "bench.fleet_agents", path)

    def connect(self):
        """The console's agents, and what they cost it while nothing happens.

        The first few are not counted: with them the process reads what it reads once.
        """
        self.agents = self.generator("console", self.house.tls_port)
        # One for the upgrade, and one for each heart-beat.
        self.agents.ask("sign", 3)
        self.agents.ask("connect", FIRST)
        self.beat()
        before, cpu_before = memory(self.web)["rss"], cpu_seconds([self.web])
        number = self.number - FIRST
        seconds = self.agents.ask("connect", number)["seconds"]
        cpu = cpu_seconds([self.web]) - cpu_before
        assert self.agents.ask("state")["open"] == self.number
        time.sleep(SETTLE_SECONDS)
        with_push = memory(self.web)["rss"]
        self.beat()
        with_calls = memory(self.web)["rss"]
        show("fleet: connect", "console", [seconds * 1000 / number], "ms per agent")
        show("fleet: connect, CPU of the web process", "console", [cpu * 1000 / number], "ms per agent")
        show("fleet: memory, websocket", "console", [(with_push - before) / number], "KiB per agent")
        both = "fleet: memory, websocket and HTTP connection"
        show(both, "console", [(with_calls - before) / number], "KiB per agent")

    def beat(self):
        """Everyone who is connected opens the connection for calls as well, and has made one."""
        self.agents.ask("calls")
        self.agents.ask("beat")
        time.sleep(SETTLE_SECONDS)

    def connect_floor(self):
        self.floor = Helper("-m", "bench.fleet_floor", self.tls / "server.pem", self.tls / "server-key.pem")
        port = json.loads(self.floor.process.stdout.readline())["port"]
        before = memory(self.floor.pid)["rss"]
        self.floor_agents = self.generator("floor", port)
        answer = self.floor_agents.ask("connect", self.number)
        time.sleep(SETTLE_SECONDS)
        grown = memory(self.floor.pid)["rss"] - before
        show("fleet: connect", "floor", [answer["seconds"] * 1000 / self.number], "ms per agent")
        show("fleet: memory, websocket", "floor", [grown / self.number], "KiB per agent")

    def prepare(self):
        """Not counted: fresh signatures, connections that were idle for too long, the last sign of life."""
        from django.utils import timezone

        from assistant.instances.models import Instance

        self.agents.ask("calls")
        self.agents.ask("sign", CALLS_PER_RUN)
        self.agents.ask("reset")
        Instance.objects.update(last_seen_at=timezone.now())

    def run(self):
        self.prepare()
        parts = server_pids(self.house)
        before, agents_before = cpu_seconds(parts), cpu_seconds([self.agents.pid])
        seconds = self.driver.run(None)
        self.server_cpu.append((cpu_seconds(parts) - before) * 1000 / self.number)
        self.run_cpu.append(self.driver.cpu_seconds * 1000 / self.number)
        self.agents_cpu.append((cpu_seconds([self.agents.pid]) - agents_before) * 1000 / self.number)
        self.lost += self.number - kept_results(self.driver.last)
        self.await_answers()
        return seconds * 1000

    def await_answers(self):
        """The last batch is committed, and seen, a moment before its agents have their answers."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while (state := self.agents.ask("state")).get("finished", 0) < self.number:
            assert time.monotonic() < deadline, state
            time.sleep(0.05)
        print(json.dumps(state), file=sys.stderr)

    def run_floor(self):
        return self.floor.ask("run")["seconds"] * 1000

    def end(self):
        for helper in (self.agents, self.floor_agents, self.floor):
            helper.end()


def make_instances(region, number, key):
    """Registered instances, all with the same key: making one takes a tenth of a second."""
    from datetime import timedelta

    from django.utils import timezone

    from assistant.instances.models import Activation, Instance

    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    expires_at = timezone.now() + timedelta(hours=1)
    activation = Activation.objects.create(
        id="bench", region=region, expires_at=expires_at, created_by="bench"
    )
    shared = {"region": region, "activation": activation, "os_type": "linux", "public_key": pem}
    names = [(f"mi-lo{n:013d}", f"machine-{n}") for n in range(number)]
    rows = [
        Instance(id=pk, machine_id=machine, name=machine, default_username="root", **shared)
        for pk, machine in names
    ]
    Instance.objects.bulk_create(rows, batch_size=1000)
    return names


def kept_results(invocation):
    """Results that are there with their output."""
    from assistant.invocations.models import OutputChunk

    chunks = OutputChunk.objects.filter(target__invocation=invocation, target__status="Success")
    return min(chunks.count(), invocation.n_success)


def measure(bench, rounds):
    samples = interleave({"console": bench.run, "floor": bench.run_floor}, rounds)
    spin = round(sum(samples["spin"]) / len(samples["spin"]), 1)
    floor = samples["floor"]
    facts = {"agents": bench.number, "lost": bench.lost, "spin_ms": spin}
    show("fleet: all results", "console", samples["console"], "ms", against={"floor": floor}, **facts)
    show("fleet: all results", "floor", floor, "ms", agents=bench.number)
    # The warm-up is not counted here either.
    totals = [server + run for server, run in zip(bench.server_cpu, bench.run_cpu, strict=True)][1:]
    show("fleet: server CPU per target", "console", totals, "ms", of_it_run_command=bench.run_cpu[-1])
    show("fleet: generator CPU per target", "agents", bench.agents_cpu[1:], "ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    files = allow_many_files()
    if options.agents <= FIRST:
        parser.error(f"The first {FIRST} agents are not counted: say more.")
    if options.agents * 2 + 100 > files:
        parser.error(f"{files} open files are allowed here: enough for {(files - 100) // 2} agents.")
    with workshop() as folder, console(folder, "--no-local-agent") as house:
        become_driver(house)
        print(f"{ROOT}: processes {house.pids}", file=sys.stderr)
        bench = Bench(house, folder, options.agents)
        bench.connect()
        bench.connect_floor()
        measure(bench, options.rounds)
        bench.end()


if __name__ == "__main__":
    main()

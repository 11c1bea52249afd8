"""Results committed per second: signed calls through the gateway's application, in this process.

Every call has a real RSA-2048 signature (made beforehand) and 1 kB of output; every result is a row, an
output and a counter when it is answered. SQLite by default; PostgreSQL with DATABASE_URL, or with
`--postgres` one of the tests' own (with fsync off).
"""

import argparse
import asyncio
import logging
import os
import time
from contextlib import nullcontext

import psycopg
import uvloop

from bench.prepared import prepare
from bench.report import show, spin

OUTPUT = b"x" * 1023 + b"\n"


class Bench:
    def __init__(self, number):
        from access.operations.identities import principal_named
        from access.operations.quotas import EVERYWHERE, set_quota
        from access.principals import Door
        from access.rules.quotas import MOST, RUNS
        from assistant.invocations.models import Guard
        from gateway.app import GatewayApp
        from gateway.handlers import Gateway
        from tests.gateway.wire import Wire

        self.principal = principal_named("admin", Door.COMMAND)
        set_quota(self.principal, RUNS, EVERYWHERE, MOST)
        Guard.objects.create(percent=100)
        self.gateway = Gateway()
        app = GatewayApp(self.gateway)
        names = make_instances(number)
        self.wires = [Wire(app, pk, machine_id) for pk, machine_id in names]

    def new_run(self):
        from django.utils import timezone

        from assistant.commands.operations.scripts import Script
        from assistant.instances.models import Instance, Region
        from assistant.invocations.operations.runs import run_command

        Instance.objects.update(last_seen_at=timezone.now())
        script = Script(content="echo hi")
        return run_command(self.principal, Region.objects.get(), script, targets=Instance.objects.all())

    async def fetch(self):
        return await self._all("list", b"", reason="kickoff")

    async def finish(self, invocation):
        now = time.time_ns() // 1_000_000
        said = {"taskId": invocation.pk, "invokeVersion": 0, "start": now, "end": now, "exitCode": 0}
        return await self._all("finish", OUTPUT, **said, dropped=0, outputOffset=0)

    async def _all(self, kind, body, **query):
        """Calls per second when all agents call at the same time."""
        signed = [wire.identity() for wire in self.wires]
        path = f"/luban/api/v1/task/{kind}"
        began = time.perf_counter()
        calls = zip(self.wires, signed, strict=True)
        answers = await asyncio.gather(*(wire.post(path, body, headers=one, **query) for wire, one in calls))
        seconds = time.perf_counter() - began
        assert all(answer.status == 200 for answer in answers)
        return len(answers) / seconds


def make_instances(number):
    from assistant.instances.models import Instance, Region
    from tests.gateway.wire import pem
    from tests.instances.factories import ActivationFactory

    shared = {"region": Region.objects.get(), "default_username": "root", "os_type": "linux"}
    shared |= {"activation": ActivationFactory(region=shared["region"]), "public_key": pem().decode()}
    names = [(f"mi-lo{n:013d}", f"machine-{n}") for n in range(number)]
    rows = [Instance(id=pk, machine_id=machine, name=machine, **shared) for pk, machine in names]
    Instance.objects.bulk_create(rows, batch_size=1000)
    return names


async def measure(bench, rounds):
    """The first round reads the keys and is not counted."""
    from asgiref.sync import sync_to_async

    rates = {"fetches": [], "results": []}
    noise = []
    for number in range(rounds + 1):
        noise.append(spin())
        invocation = await sync_to_async(bench.new_run)()
        measured = {"fetches": await bench.fetch(), "results": await bench.finish(invocation)}
        await sync_to_async(invocation.refresh_from_db)()
        assert invocation.n_success == len(bench.wires)
        if number:
            for name, rate in measured.items():
                rates[name].append(rate)
    await bench.gateway.gone()
    return rates, round(sum(noise) / len(noise), 1)


def own_postgres():
    from tests.postgres import server

    return server()


def use(url):
    """Make the database that the address names, and take it."""
    with psycopg.connect(url.replace("/assistant?", "/postgres?"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE assistant")
    os.environ["DATABASE_URL"] = url


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with own_postgres() if options.postgres else nullcontext() as url:
        if url:
            use(url)
        prepare()
        from django.db import connection, connections

        logging.disable(logging.INFO)
        rates, noise = uvloop.run(measure(Bench(options.agents), options.rounds))
        for name, samples in rates.items():
            show(f"{name} committed", connection.vendor, samples, "per second", spin_ms=noise)
        connections.close_all()


if __name__ == "__main__":
    main()

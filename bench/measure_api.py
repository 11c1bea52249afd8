"""Calls of programs per second and how long they take: signed by V3, over HTTP, one web process.

A console as it runs, and clients that keep their connections and each wait for their answer: one, then several
at once, which share the machine with the console. DescribeInvocationResults reads ten results with 1 kB of
output each; RunCommand runs on one server that is connected and never answers.
"""

import argparse
import http.client
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

from bench.consoles import become_driver, console, workshop
from bench.report import percentile, show, spin

SERVERS = 50
ON_ONE = {"Type": "RunShellScript", "CommandContent": "echo hi", "RegionId": "local"}


class Client:
    """A program with a connection of its own."""

    def __init__(self, host, key):
        self.host = host
        self.key = key
        self.connection = http.client.HTTPConnection(host, timeout=60)

    def call(self, action, parameters):
        query = urlencode(parameters)
        self.connection.request("POST", f"/?{query}", headers=self.signed(action, query))
        response = self.connection.getresponse()
        said = json.loads(response.read())
        assert response.status == 200, said
        return said

    def timed(self, action, parameters):
        began = time.perf_counter()
        self.call(action, parameters)
        return (time.perf_counter() - began) * 1000

    def signed(self, action, query):
        from openapi.requests import Request
        from openapi.signing import v3

        headers = {
            "host": self.host,
            "x-acs-action": action,
            "x-acs-version": "2014-05-26",
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": sha256(b"").hexdigest(),
        }
        names = sorted(headers)
        whole = v3.canonical_request(Request("POST", query, headers), names)
        signature = v3.sign(self.key["AccessKeySecret"], v3.string_to_sign(whole))
        said = f"Credential={self.key['AccessKeyId']},SignedHeaders={';'.join(names)},Signature={signature}"
        return {**headers, "Authorization": f"ACS3-HMAC-SHA256 {said}"}


def prepare(house):
    """Servers that count as connected, ten results of one run, and a key; the key and both calls."""
    house.document("create_user", "robot", "--no-console", "--no-password", "--administrator")
    become_driver(house)
    from django.utils import timezone

    from access.operations.identities import principal_named
    from access.operations.quotas import EVERYWHERE, set_quota
    from access.principals import Door
    from access.rules.quotas import MOST, RUNS
    from assistant.instances.models import Instance
    from bench.measure_results import make_instances
    from tests.invocations.factories import ran, report, started

    admin = principal_named("admin", Door.COMMAND)
    set_quota(admin, RUNS, EVERYWHERE, MOST)
    ids = [pk for pk, _machine in make_instances(SERVERS)]
    # For as long as this may take.
    Instance.objects.filter(pk__in=ids).update(last_seen_at=timezone.now() + timedelta(hours=1))
    invocation = ran(admin, *Instance.objects.filter(pk__in=ids[:10]))
    for target in invocation.targets.all():
        report(started(target), body=b"x" * 1023 + b"\n")
    key = house.document("create_access_key", "robot")
    return key, {
        "DescribeInvocationResults": {"RegionId": "local", "InvokeId": invocation.pk},
        "RunCommand": {**ON_ONE, "InstanceId.1": ids[0]},
    }


def measure(host, key, action, parameters, *, clients, seconds):
    """Calls per second of all clients together, and the milliseconds of each call."""
    programs = [Client(host, key) for _ in range(clients)]
    for program in programs:
        program.call(action, parameters)
    end = time.perf_counter() + seconds

    def until_the_end(program):
        taken = []
        while time.perf_counter() < end:
            taken.append(program.timed(action, parameters))
        return taken

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        samples = [one for taken in pool.map(until_the_end, programs) for one in taken]
    return len(samples) / (time.perf_counter() - began), samples


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    with workshop() as folder, console(folder, API_CALLS_PER_SECOND="100000") as house:
        key, calls = prepare(house)
        host = house.url.removeprefix("http://").rstrip("/")
        for action, parameters in calls.items():
            for clients in (1, options.clients):
                noise = spin()
                rate, samples = measure(
                    host, key, action, parameters, clients=clients, seconds=options.seconds
                )
                facts = {"per_second": round(rate, 1), "p99": round(percentile(samples, 0.99), 1)}
                show(action, f"{clients} clients", samples, "ms", **facts, spin_ms=round(noise, 1))


if __name__ == "__main__":
    main()

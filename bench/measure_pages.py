"""What a list page costs the server with a past behind it: time and queries, through Django's test client.

10,000 instances and 100,000 targets; `--full`: 1,000,000. As the administrator, and as an operator whose twenty
policies open the instances tagged env=prod; then the pages of access with 1,000 users and 200 policies.
"""

import argparse
import re
import time

from bench.history_of_plans import PLAN
from bench.prepared import prepare
from bench.report import percentile, show, spin

REPEATS = 30
CREATIONS = 5
NAME = "mi-lo0past00000001"
INSTANCE = f"acs:ecs:local:1000000000000001:instance/{NAME}"
HTMX = {"HX-Request": "true"}
# What nineteen of twenty say (bench.history).
MAJORITY = "5a" * 16


def pages(run_id):
    detail = f"/console/invocations/{run_id}/"
    return {
        "overview": ("/console/", {}),
        "instances": ("/console/instances/", {}),
        "instances, page 300": ("/console/instances/?page=300", {}),
        "instances, connected": ("/console/instances/?connection=Normal", {}),
        "instances, search": ("/console/instances/?q=web-0777", {}),
        "instances, tag": ("/console/instances/?tag=env%3Dprod", {}),
        "one instance": (f"/console/instances/{NAME}/", {}),
        "run form": ("/console/run/", {}),
        "results": ("/console/invocations/", {}),
        "results, page 20": ("/console/invocations/?page=20", {}),
        "results, search": ("/console/invocations/?q=check+7", {}),
        "results, state": ("/console/invocations/?status=PartialFailed", {}),
        "results, of an instance": (f"/console/invocations/?instance={NAME}", {}),
        "results, of an instance by name": ("/console/invocations/?instance=web-00001", {}),
        "results, of a user": ("/console/invocations/?user=admin", {}),
        "results, of a type": ("/console/invocations/?type=RunShellScript", {}),
        "results, of a command": ("/console/invocations/?command=c-lo0past00000007", {}),
        "results, between two times": (
            "/console/invocations/?begin=2020-01-01T00:00&end=2040-01-01T00:00",
            {},
        ),
        "invocation": (detail, {}),
        "invocation, page 300": (f"{detail}?page=300", {}),
        "invocation, search": (f"{detail}?q=web-0777", {}),
        "invocation, failed": (f"{detail}?state=failed", {}),
        "invocation, answered differently": (f"{detail}?unlike={MAJORITY}", {}),
        "invocation, status": (detail, {**HTMX, "HX-Target": "invocation-status"}),
        "invocation, answers": (detail, {**HTMX, "HX-Target": "invocation-answers"}),
        "invocation, targets": (detail, {**HTMX, "HX-Target": "invocation-targets"}),
        "one result": (f"{detail}instances/{NAME}/", {}),
        "compared with the run before": (f"{detail}instances/{NAME}/compare/", {}),
        "form to export": (f"{detail}export/", {}),
    }


def pages_of_plans():
    plan = f"/console/invocations/{PLAN}/"
    return {
        "plan": (plan, {}),
        "plan, an older run": (f"{plan}?moments=2&page=300", {}),
        "plan, instances": (f"{plan}?tab=instances", {}),
        "plan, runs": (plan, {**HTMX, "HX-Target": "invocation-timeline"}),
        "plan, answers": (plan, {**HTMX, "HX-Target": "invocation-answers"}),
        "plan, records": (plan, {**HTMX, "HX-Target": "invocation-records"}),
        "plan, one instance": (f"{plan}instances/{NAME}/", {}),
        "plan, one record": (f"{plan}instances/{NAME}/runs/3/", {}),
        "plan, compared with the run before": (f"{plan}instances/{NAME}/runs/3/compare/", {}),
        "plan, instances to add": (f"{plan}add/", {}),
        "results, plans": ("/console/invocations/?plan=interval", {}),
    }


def pages_of_what_is_kept():
    return {
        "commands": ("/console/commands/", {}),
        "commands, search": ("/console/commands/?q=check+7", {}),
        "common commands": ("/console/commands/common/", {}),
        "search in outputs": ("/console/results/search/?q=active", {}),
        "search in outputs, of an instance": ("/console/results/search/?q=active&instance=web-00001", {}),
        "blackout windows": ("/console/blackout-windows/", {}),
        "saved selections": ("/console/selections/", {}),
        "instances, of a selection": ("/console/instances/?selection=1", {}),
        "exports": ("/console/exports/", {}),
        "webhooks": ("/console/api/webhooks/", {}),
        "activation codes": ("/console/activations/", {}),
        "search for anything": ("/console/search/?q=web-0777", {}),
    }


def pages_of_operator():
    return {
        "overview": ("/console/", {}),
        "instances": ("/console/instances/", {}),
        "instances, search": ("/console/instances/?q=web-0777", {}),
        "one instance": (f"/console/instances/{NAME}/", {}),
        "run form": ("/console/run/", {}),
        "results": ("/console/invocations/", {}),
        "results, search": ("/console/invocations/?q=check+7", {}),
        "results, of an instance": (f"/console/invocations/?instance={NAME}", {}),
        "results, of a command": ("/console/invocations/?command=c-lo0past00000007", {}),
        "exports": ("/console/exports/", {}),
    }


def pages_of_access():
    return {
        "users": ("/console/access/users/", {}),
        "users, page 20": ("/console/access/users/?page=20", {}),
        "users, search": ("/console/access/users/?q=user-0777", {}),
        "one user": ("/console/access/users/user-0777/", {}),
        "groups": ("/console/access/groups/", {}),
        "one group of 1,000": ("/console/access/groups/everybody/", {}),
        "policies": ("/console/access/policies/", {}),
        "one policy": ("/console/access/policies/policy-007/", {}),
        "simulator": (
            f"/console/access/simulator/?user=user-0777&action=ecs:RunCommand&resource={INSTANCE}",
            {},
        ),
        "audit trail": ("/console/access/audit/", {}),
    }


def measure(client, name, address, headers):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address, headers=headers)
    # Now: the next request forgets them.
    seconds = [float(query["time"]) for query in queries.captured_queries]
    assert answer.status_code == 200, (name, answer.status_code)
    times, cpu = [], []
    for _ in range(REPEATS):
        began, used = time.perf_counter(), time.process_time()
        client.get(address, headers=headers)
        times.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    facts = {
        "p95": round(percentile(times, 0.95), 1),
        "cpu_ms": round(min(cpu), 1),
        "queries": len(seconds),
        "bytes": len(answer.content),
    }
    facts["slowest_query_ms"] = round(max(seconds) * 1000)
    show(f"page: {name}", connection.vendor, times, "ms", **facts, spin_ms=round(spin(), 1))


def measure_creation(client, targets):
    """The one request that makes a run on every instance: answered when all of it is written."""
    from django.db import connection

    words = {"language": "shell", "content": "uptime", "timeout": 60, "all": "1"}
    # So many at once are asked about first.
    asked = client.post("/console/run/", words).content.decode()
    words["confirmed"] = re.search(r'name="confirmed" value="(\w+)"', asked)[1]
    times, cpu = [], []
    for _ in range(CREATIONS):
        began, used = time.perf_counter(), time.process_time()
        answer = client.post("/console/run/", words)
        times.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
        assert answer.status_code == 302, answer.status_code
    show(
        "request: a run on all instances",
        connection.vendor,
        times,
        "s",
        targets=targets,
        cpu_s=round(min(cpu), 2),
        spin_ms=round(spin(), 1),
    )


def signed_in_client(username):
    from django.test import Client

    from access.models import User

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username=username), backend="access.backends.ModelBackend")
    return client


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million targets")
    parser.add_argument("--targets", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--only", choices=["pages", "creation"], help="one of the two parts")
    options = parser.parse_args()
    prepare()
    from access.models import User
    from assistant.instances.models import Region
    from bench.history import fill, fill_access
    from bench.history_of_plans import fill_plans

    region, user = Region.objects.get(), User.objects.get(username="admin")
    targets = 1_000_000 if options.full else options.targets
    began = time.perf_counter()
    run_id = fill(region, instances=options.instances, targets=targets, user_id=user.pk)
    show("pages: filling the database", "bulk", [time.perf_counter() - began], "s", targets=targets)
    fill_access()
    fill_plans(region, user.pk, run_id)
    if options.only != "pages":
        measure_creation(signed_in_client("admin"), options.instances)
    viewers = {
        "admin": pages(run_id) | pages_of_plans() | pages_of_what_is_kept() | pages_of_access(),
        "user-0000": pages_of_operator(),
    }
    if options.only == "creation":
        return
    for username, shown in viewers.items():
        client = signed_in_client(username)
        for name, (address, headers) in shown.items():
            measure(client, f"{username}: {name}", address, headers)


if __name__ == "__main__":
    main()

"""The search in outputs and the purge: what they cost, and how long they keep others from writing.

100,000 results of about 1 kB, each its own; `--full`: 1,000,000. SQLite, or DATABASE_URL, or `--postgres`.
"""

import argparse
import random
import string
import threading
import time

from bench.measure_results import own_postgres, use
from bench.report import percentile, show, spin

RESULTS = 100_000
INSTANCES = 1000
LINES = 20
REPEATS = 20
# In every result; in one of a thousand; in one; nowhere; of two characters; in Chinese; a path; a version.
QUESTIONS = [
    "active",
    "seldom",
    "needle-77",
    "nowhere",
    "ok",
    "空间",
    "/var/log/app-7",
    "openssl-3.0.2",
    "active ok nowhere",
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="1,000,000 results")
    parser.add_argument("--results", type=int, default=RESULTS)
    parser.add_argument("--postgres", action="store_true")
    chosen = parser.parse_args()
    number = 1_000_000 if chosen.full else chosen.results
    if chosen.postgres:
        with own_postgres() as url:
            use(url)
            measure(number)
    else:
        measure(number)


def measure(number):
    from bench.prepared import prepare

    prepare()
    fill(number)
    measure_notes()
    measure_index(number)
    measure_questions(number)
    measure_purge(number)


def fill(number):
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction

    from assistant.instances.models import Region
    from assistant.invocations.models import OutputChunk, Target
    from bench import history

    region = Region.objects.first()
    history.fill(region, instances=INSTANCES, targets=number, user_id=get_user_model().objects.first().pk)
    words = ["".join(random.choices(string.ascii_lowercase, k=random.randint(3, 9))) for _ in range(5000)]
    pks = list(Target.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(pks), 5000):
        with transaction.atomic(), connection.cursor() as cursor:
            rows = [(output(words, pk), pk) for pk in pks[start : start + 5000]]
            cursor.executemany("UPDATE invocations_outputchunk SET body = %s WHERE target_id = %s", rows)
            cursor.executemany(
                "UPDATE invocations_target SET stored_bytes = %s, output_bytes = %s WHERE id = %s",
                [(len(body), len(body), pk) for body, pk in rows],
            )
            cursor.executemany(
                "INSERT INTO invocations_unindexedoutput (target_id, number) VALUES (%s, 0)",
                [(pk,) for pk in pks[start : start + 5000]],
            )
    assert OutputChunk.objects.count() == len(pks)


def output(words, pk):
    lines = [" ".join(random.choices(words, k=8)) for _line in range(LINES - 4)]
    lines.append(f"web is active since Monday; 10.{pk >> 16 & 255}.{pk >> 8 & 255}.{pk & 255} ok needle-{pk}")
    lines.append(f"/var/log/app-{pk % 50}/current.log 磁盘空间不足：{pk % 100}%")
    lines.append("openssl-3.0.2-18.el9" if pk % 10 else "openssl-3.0.7-1.el9")
    lines.append("seldom" if pk % 1000 == 0 else "often")
    return "\n".join(lines).encode()


def measure_notes():
    """What the notes add to the transaction that records five hundred ends."""
    from django.db import connection, transaction

    from assistant.invocations.operations.writing import write_notes

    notes = [(10**9 + n, 0) for n in range(500)]
    times = []
    for _round in range(REPEATS):
        with transaction.atomic():
            begun = time.perf_counter()
            write_notes(notes)
            times.append((time.perf_counter() - begun) / len(notes) * 1e6)
            transaction.set_rollback(True)
    show("search: a note of 500 in one batch", connection.vendor, times, "us", spin_ms=round(spin(), 1))


class Writer(threading.Thread):
    """Somebody else who writes all the time, as reports do: how long each has to wait for its turn."""

    def __init__(self):
        super().__init__(daemon=True)
        self.waits = []
        self.is_over = False

    def run(self):
        from django.db import connection, transaction

        from assistant.instances.models import Region

        while not self.is_over:
            begun = time.perf_counter()
            with transaction.atomic():
                Region.objects.filter(pk="nowhere").update(name="x")
            self.waits.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.005)
        connection.close()


class Timed:
    """The transactions of a stretch of work: how long each takes, and how much of this thread's CPU."""

    def __init__(self):
        from django.db import transaction

        self.times, self.cpu = [], []
        self._enter, self._exit = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def __enter__(self):
        from django.db import connection, transaction

        timed, mine = self, threading.get_ident()

        def enter(atomic):
            if threading.get_ident() == mine and not connection.in_atomic_block:
                timed._enter(atomic)
                timed.begun, timed.cpu_begun = time.perf_counter(), time.thread_time()
            else:
                timed._enter(atomic)

        def leave(atomic, *facts):
            timed._exit(atomic, *facts)
            if threading.get_ident() == mine and not connection.in_atomic_block:
                timed.times.append((time.perf_counter() - timed.begun) * 1000)
                timed.cpu.append((time.thread_time() - timed.cpu_begun) * 1000)

        transaction.Atomic.__enter__, transaction.Atomic.__exit__ = enter, leave
        return self

    def __exit__(self, *_facts):
        from django.db import transaction

        transaction.Atomic.__enter__, transaction.Atomic.__exit__ = self._enter, self._exit


def beside_a_writer(question, number, work):
    writer = Writer()
    writer.start()
    begun = time.perf_counter()
    with Timed() as timed:
        done = work()
    taken = time.perf_counter() - begun
    writer.is_over = True
    writer.join()
    rate = {"per_second": round(done / taken), "results": number}
    measured = {
        "its transactions": timed.times,
        "CPU of its transactions": timed.cpu,
        "another writer's wait": writer.waits,
    }
    for contender, times in measured.items():
        show(question, contender, times, "ms", p95=round(percentile(times, 0.95), 1), **rate)


def measure_index(number):
    from access.principals import SYSTEM
    from assistant.invocations import limits
    from assistant.invocations.operations.indexing import index_outputs, index_step
    from assistant.invocations.operations.pacing import Pace

    def some():
        pace = Pace(limits.INDEX_ROWS, most=limits.INDEX_ROWS_MOST)
        return index_outputs(SYSTEM, pace=pace, until=time.monotonic() + 10)

    beside_a_writer("search: the index", number, some)
    while index_step(SYSTEM, 500) == 500:
        pass


def measure_questions(number):
    from django.db import connection

    from access.models import User
    from access.operations.identities import principal_for
    from access.principals import Door
    from assistant.invocations.operations.searching import Question, find_outputs
    from assistant.invocations.rules.searching import terms_of

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    principal = principal_for(User.objects.get(username="admin"), Door.CONSOLE)
    for text in QUESTIONS:
        times = []
        for _round in range(REPEATS):
            begun = time.perf_counter()
            hits = find_outputs(principal, Question(terms_of(text)))
            times.append((time.perf_counter() - begun) * 1000)
        facts = {"p95": round(percentile(times, 0.95), 1), "hits": len(hits.rows), "results": number}
        show(f"search: {text}", connection.vendor, times, "ms", **facts)


def measure_purge(number):
    from django.utils import timezone

    from access.models import Quota
    from access.principals import SYSTEM
    from access.rules.quotas import RESULTS
    from assistant.invocations import limits
    from assistant.invocations.operations.pacing import Pace
    from assistant.invocations.operations.retention import purge_results

    Quota.objects.create(name=RESULTS.name, region_id="", value=number // 2)

    def some():
        pace = Pace(limits.PURGE_ROWS, most=limits.PURGE_ROWS_MOST)
        return purge_results(SYSTEM, now=timezone.now(), pace=pace, until=time.monotonic() + 20).results

    beside_a_writer("retention: the purge", number, some)


if __name__ == "__main__":
    main()

"""What is asked all the time is found by indexes, however much has ended."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import SYSTEM
from assistant.invocations.models import Invocation, Record, Target
from assistant.invocations.operations.reports import record_reports
from assistant.invocations.rules.reports import Report
from assistant.invocations.states import ReportKind
from console.kit.clock import to_milliseconds
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import planned, ran_at, report, target_of

pytestmark = pytest.mark.django_db

NOW = timezone.now()
MOMENTS = [NOW - timedelta(hours=number) for number in (5, 4, 3, 2)]
TARGETS = Target.objects.order_by()


# PostgreSQL chooses by its statistics, and for tables as small as a test's nobody can say which way.
needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="the plans of SQLite")


@needs_sqlite
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (TARGETS.unfinished(), "target_open"),
        (TARGETS.unfinished().filter(instance="mi-1"), "target_open"),
        (TARGETS.waiting_for(["mi-1", "mi-2"]), "target_open"),
        (TARGETS.for_fetches(["mi-1"], [], cold=[], now=NOW), "target_open"),
        (TARGETS.for_fetches(["mi-1", "mi-2"], ["mi-1"], cold=["mi-1"], now=NOW), "target_open"),
        (TARGETS.unheard(NOW), "target_open"),
        (TARGETS.to_hold().following(0), "target_scheduled"),
        (TARGETS.held().following(0), "target_held_back"),
        (TARGETS.overdue(NOW), "target_due"),
    ],
)
def test_what_is_open_is_not_looked_for_in_what_has_ended(rows, index):
    assert f"INDEX {index}" in rows.explain()


@needs_sqlite
def test_a_batch_reads_of_old_records_those_that_it_is_about():
    found = Record.objects.of_batch([1, 2], {5000}, {0, 1}).explain()

    assert "SCAN" not in found
    assert "record_open (target_id=?)" in found
    assert "(target_id=? AND number=?)" in found
    assert "record_run_once (target_id=? AND invoke_version=? AND start=?)" in found


def test_a_late_report_finds_the_record_of_its_version_and_start(olga):
    target = target_of(planned(olga, frequency="rate(1h)"))
    Invocation.objects.update(created_at=MOMENTS[0])
    for moment in MOMENTS[1:]:
        ran_at(target, moment)
    first = Record.objects.get(number=1)

    known = Record.objects.of_batch([target.pk], {first.start}, {first.invoke_version})
    strange = Record.objects.of_batch([target.pk], {first.start}, {first.invoke_version + 7})

    assert [record.number for record in known] == [1, 3]
    assert [record.number for record in strange] == [3]


def test_the_end_of_a_run_reads_its_own_output_alone(olga):
    """Of two servers that are a run apart: not also what the one wrote when the other did."""
    early, late = InstanceFactory(), InstanceFactory()
    plan = planned(olga, early, late, frequency="rate(1h)")
    Invocation.objects.update(created_at=MOMENTS[0])
    said = []
    for target, times in ((target_of(plan, early), MOMENTS[1:]), (target_of(plan, late), MOMENTS[2:])):
        for moment in times:
            facts = {"start": to_milliseconds(moment), "started_at": moment}
            report(target, "running", body=b"one", **facts)
            if moment != MOMENTS[-1]:
                report(target, body=b"two", offset=3, ended_at=moment, **facts)
        end = {"exit_code": 0, "start": to_milliseconds(MOMENTS[-1]), "ended_at": MOMENTS[-1]}
        said.append(Report(target.instance_id, plan.pk, ReportKind.FINISHED, body=b"two", offset=3, **end))

    with CaptureQueriesContext(connection) as asked:
        record_reports(SYSTEM, said)

    [read] = [query["sql"] for query in asked if 'FROM "invocations_outputchunk"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(read)
        assert len(cursor.fetchall()) == 4
    assert len(set(Record.objects.values_list("digest", flat=True))) == 1

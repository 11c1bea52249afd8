from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import SYSTEM
from assistant.invocations import limits
from assistant.invocations.models import OutputChunk
from assistant.invocations.operations.reports import record_reports
from assistant.invocations.operations.sweeps import end_overdue
from assistant.invocations.rules.reports import Outcome, Report
from assistant.invocations.states import ReportKind, Status
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, fresh, ran, report, started, target_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(olga):
    return target_of(ran(olga))


def output_of(target):
    return b"".join(body for _offset, body in OutputChunk.objects.whole(target.pk))


def test_a_run_from_its_start_to_its_end(target):
    fetch(target)
    report(target, "running", started_at=timezone.now())
    assert (target.status, fresh(target.invocation).status) == ("Running", "Running")

    report(target, body=b"hi\n")

    assert (target.status, target.exit_code, target.error_code) == ("Success", 0, "")
    assert fresh(target.invocation).status == "Success"
    assert target.invocation.finished_at is not None
    assert output_of(target) == b"hi\n"


@pytest.mark.parametrize(
    ("kind", "facts", "status", "code"),
    [
        ("finish", {"exit_code": 3}, "Failed", "ExitCodeNonzero"),
        ("timeout", {}, "Timeout", "ExecutionTimeout"),
        ("error", {"error_code": "13"}, "Error", "ExecutionException"),
        ("error", {"error_code": "-9"}, "Error", "ExecutionInterrupted"),
        ("error", {"error_code": "-10"}, "Error", "CommandNotApplicable"),
        ("invalid", {"error_code": "UsernameOrPasswordInvalid"}, "Invalid", "AccountNotExists"),
        ("invalid", {"error_code": "workingDirectory"}, "Invalid", "DirectoryNotExists"),
        ("invalid", {"error_code": "TypeInvalid"}, "Invalid", "CommandNotApplicable"),
        ("stopped", {}, "Cancelled", ""),
    ],
)
def test_other_ends(target, kind, facts, status, code):
    fetch(target)

    report(target, kind, **facts)

    assert (target.status, target.error_code) == (status, code)
    assert fresh(target.invocation).is_final


@pytest.mark.parametrize("kind", ["timeout", "stopped"])
def test_what_did_not_end_by_itself_has_no_exit_code(target, kind):
    started(target)

    report(target, kind, exit_code=1)

    assert target.exit_code is None


def test_chunks_and_the_rest_make_the_whole(target):
    started(target)
    report(target, "running", body=b"one\n")
    report(target, "running", body=b"two\n")

    report(target, body=b"three\n")

    assert output_of(target) == b"one\ntwo\nthree\n"


def test_however_much_an_agent_says_it_dropped_the_run_is_recorded(target):
    report(target, "running", body=b"head")
    for _ in range(3):
        report(target, "running", body=b"more", dropped=2**62)
    report(target, body=b"tail", offset=2**63)

    assert target.state is Status.SUCCESS
    assert (target.output_bytes, target.stored_bytes) == (limits.OUTPUT_BYTES_MOST, 4)
    assert target.dropped == limits.OUTPUT_BYTES_MOST - 4


def test_what_the_agent_dropped_is_a_gap_with_its_place_and_size(target):
    started(target)
    report(target, "running", body=b"head")

    report(target, body=b"tail", dropped=100)

    assert OutputChunk.objects.whole(target.pk) == [(0, b"head"), (104, b"tail")]
    assert (target.output_bytes, target.stored_bytes, target.dropped) == (108, 8, 100)


def test_output_beyond_the_limit_is_counted_and_not_kept(target, settings):
    settings.OUTPUT_LIMIT = 10
    started(target)
    report(target, "running", body=b"123456")

    report(target, body=b"7890abc", excess=1000)

    assert output_of(target) == b"1234567890"
    assert target.dropped == 1003


@pytest.mark.parametrize(
    ("pieces", "whole", "dropped"),
    [
        ([(0, b"abc"), (3, b"def")], b"abcdef", 0),
        # The same chunk twice, a chunk that overlaps, a chunk that never came.
        ([(0, b"abc"), (0, b"abc"), (3, b"def")], b"abcdef", 0),
        ([(0, b"abc"), (1, b"bcde")], b"abcde", 0),
        ([(0, b"abc"), (5, b"fg")], b"abcfg", 2),
    ],
)
def test_an_agent_that_says_where_its_output_belongs(target, pieces, whole, dropped):
    started(target)
    for offset, body in pieces:
        report(target, "running", body=body, offset=offset)

    assert output_of(target) == whole
    assert target.dropped == dropped


def test_bytes_that_are_no_text_are_kept_as_they_are(target):
    started(target)

    report(target, body=b"\xff\xfe\x00\x80")

    assert output_of(target) == b"\xff\xfe\x00\x80"


def test_the_same_end_twice_counts_once(target):
    started(target)
    report(target, body=b"hi")

    outcome = report(target, body=b"hi")

    assert outcome is Outcome.LATE
    assert output_of(target) == b"hi"
    assert fresh(target.invocation).counts["Success"] == 1


def test_output_that_comes_after_the_end_changes_nothing(target):
    started(target)
    report(target, body=b"hi")

    assert report(target, "running", body=b"late") is Outcome.LATE
    assert (target.status, output_of(target)) == ("Success", b"hi")


def test_a_report_on_another_agents_task_is_unknown_and_changes_nothing(target):
    stranger = InstanceFactory()
    theft = Report(stranger.pk, target.invocation_id, ReportKind.FINISHED, exit_code=0)

    assert record_reports(SYSTEM, [theft]) == [Outcome.UNKNOWN]
    assert fresh(target).status == "Pending"


def test_a_bad_report_does_not_undo_its_neighbours(olga):
    targets = [target_of(ran(olga)) for _ in range(3)]
    reports = [
        Report(one.instance_id, one.invocation_id, ReportKind.FINISHED, exit_code=0) for one in targets
    ]
    reports.insert(1, Report("mi-lo0", "t-lo0", ReportKind.FINISHED, exit_code=0))

    outcomes = record_reports(SYSTEM, reports)

    assert outcomes == [Outcome.RECORDED, Outcome.UNKNOWN, Outcome.RECORDED, Outcome.RECORDED]
    assert {fresh(one).status for one in targets} == {"Success"}


def test_several_reports_on_one_run_in_one_batch_are_taken_in_order(target):
    said = [
        Report(target.instance_id, target.invocation_id, ReportKind.RUNNING, body=b"a"),
        Report(target.instance_id, target.invocation_id, ReportKind.RUNNING, body=b"b"),
        Report(target.instance_id, target.invocation_id, ReportKind.FINISHED, body=b"c", exit_code=0),
    ]

    record_reports(SYSTEM, said)

    assert (fresh(target).status, output_of(target)) == ("Success", b"abc")


def test_a_late_word_of_the_agent_replaces_the_servers_guess(target):
    started(target)
    end_overdue(SYSTEM, now=timezone.now() + timedelta(hours=1))
    assert fresh(target).status == "Timeout"
    assert fresh(target.invocation).status == "Failed"

    report(target, body=b"done\n")

    assert (target.status, target.error_code, output_of(target)) == ("Success", "", b"done\n")
    invocation = fresh(target.invocation)
    assert (invocation.status, invocation.counts["Timeout"], invocation.counts["Success"]) == (
        "Success",
        0,
        1,
    )


def test_the_same_answer_has_the_same_digest_however_it_came(olga):
    invocation = ran(olga, InstanceFactory(), InstanceFactory(), InstanceFactory())
    at_once, in_pieces, other = invocation.targets.order_by("pk")
    report(at_once, body=b"hello world")
    report(in_pieces, "running", body=b"hello ")
    report(in_pieces, body=b"world")
    report(other, body=b"hello there")

    assert at_once.digest == in_pieces.digest
    assert at_once.digest != other.digest


def test_an_end_is_never_before_its_start(target):
    started(target)

    report(target, ended_at=timezone.now() - timedelta(days=1))

    assert target.finished_at == target.started_at


def test_a_batch_costs_the_same_however_large_it_is(olga, django_assert_max_num_queries):
    invocation = ran(olga, *InstanceFactory.create_batch(40))
    reports = [
        Report(one.instance_id, invocation.pk, ReportKind.FINISHED, exit_code=0, body=b"x")
        for one in invocation.targets.all()
    ]

    # Savepoint, runs, chunks, runs written, what the search has to read, invocation read and written, its
    # end for programs (with its lock on PostgreSQL), release.
    with django_assert_max_num_queries(10):
        record_reports(SYSTEM, reports)

"""The tables of states: aggregation over three levels, and every step a run can make."""

import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from assistant.invocations.states import (
    COARSE,
    FINAL,
    OPEN,
    STOPPED,
    InvokeStatus,
    Overall,
    ReportKind,
    Said,
    Status,
    coarse_overall,
    instance_state,
    next_state,
    overall,
    overdue_state,
    released_state,
    restart_state,
    stop_state,
)

CASES = json.loads((Path(__file__).parents[1] / "data" / "status_aggregation.json").read_text())


def spelled(case):
    return "+".join(case["instances"])


@pytest.mark.parametrize("case", CASES["one_time"], ids=spelled)
def test_coarse_states_of_a_one_time_run(case):
    assert coarse_overall(InvokeStatus(word) for word in case["instances"]) == case["overall"]


@pytest.mark.parametrize("case", CASES["recurring"], ids=spelled)
def test_coarse_states_of_a_recurring_run(case):
    assert coarse_overall(InvokeStatus(word) for word in case["instances"]) == case["overall"]


@pytest.mark.parametrize("case", CASES["detailed"], ids=spelled)
def test_detailed_states(case):
    states = [Status(word) for word in case["instances"]]

    state = overall(Counter(states))

    assert state == case["InvocationStatus"]
    assert state.label == case["console"]
    assert coarse_overall(status.coarse for status in states) == case["InvokeStatus"]


def test_every_detailed_state_has_its_coarse_one():
    assert {status.value: coarse.value for status, coarse in COARSE.items()} == CASES["detailed_to_coarse"]


@pytest.mark.parametrize(
    ("records", "alive", "stopping", "expected"),
    [
        (["Finished"], True, False, "Running"),
        (["Finished", "Failed"], True, False, "Running"),
        (["Finished"], True, True, "Stopping"),
        (["Finished", "Failed"], False, False, "Failed"),
        (["Failed", "Finished"], False, False, "Finished"),
        ([], False, False, "Stopped"),
    ],
)
def test_an_instance_is_what_its_last_record_was_once_its_schedule_is_over(
    records, alive, stopping, expected
):
    states = [InvokeStatus(word) for word in records]

    assert instance_state(states, schedule_alive=alive, stopping=stopping) == expected


RUNNING = Said(ReportKind.RUNNING, has_started=True)
ENDS = [
    (Said(ReportKind.FINISHED, exit_code=0, has_started=True), Status.SUCCESS),
    (Said(ReportKind.FINISHED, exit_code=3, has_started=True), Status.FAILED),
    (Said(ReportKind.FINISHED, exit_code=-1, has_started=True), Status.FAILED),
    (Said(ReportKind.TIMED_OUT, has_started=True), Status.TIMEOUT),
    (Said(ReportKind.FAILED), Status.ERROR),
    (Said(ReportKind.INVALID), Status.INVALID),
    (Said(ReportKind.STOPPED, has_started=True), Status.TERMINATED),
    (Said(ReportKind.STOPPED), Status.CANCELLED),
]


@pytest.mark.parametrize("current", [Status.PENDING, Status.RUNNING, Status.STOPPING])
@pytest.mark.parametrize(("said", "expected"), ENDS)
def test_the_end_that_an_agent_reports_ends_an_open_run(current, said, expected):
    assert next_state(current, said) is expected


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (Status.PENDING, Status.RUNNING),
        (Status.RUNNING, Status.RUNNING),
        # Output of a run that is being stopped does not take the stop back.
        (Status.STOPPING, Status.STOPPING),
    ],
)
def test_output_says_that_a_run_goes_on(current, expected):
    assert next_state(current, RUNNING) is expected


@pytest.mark.parametrize("current", sorted(FINAL))
@pytest.mark.parametrize("said", [RUNNING, *(said for said, _end in ENDS), Said(ReportKind.VERIFIED)])
def test_what_has_ended_stays_as_it_is(current, said):
    assert next_state(current, said) is current


@pytest.mark.parametrize("current", [Status.ABORTED, Status.TIMEOUT, Status.TERMINATED])
@pytest.mark.parametrize(("said", "expected"), ENDS)
def test_the_agents_word_replaces_an_end_that_was_only_presumed(current, said, expected):
    assert next_state(current, said, presumed=True) is expected


@pytest.mark.parametrize("current", [Status.ABORTED, Status.TIMEOUT])
def test_late_output_does_not_open_a_presumed_end_again(current):
    assert next_state(current, RUNNING, presumed=True) is current


def test_a_stop_report_without_a_start_ends_a_run_that_had_started_as_terminated():
    assert next_state(Status.STOPPING, Said(ReportKind.STOPPED), had_started=True) is Status.TERMINATED


@pytest.mark.parametrize(
    ("current", "delivered", "expected"),
    [
        (Status.PENDING, False, Status.CANCELLED),
        (Status.PENDING, True, Status.STOPPING),
        (Status.RUNNING, True, Status.STOPPING),
        (Status.SCHEDULED, True, Status.STOPPING),
        (Status.STOPPING, True, Status.STOPPING),
        *((status, delivered, status) for status in sorted(FINAL) for delivered in (True, False)),
    ],
)
def test_the_order_to_stop(current, delivered, expected):
    assert stop_state(current, delivered=delivered) is expected


@pytest.mark.parametrize(
    ("current", "started", "expected"),
    [
        (Status.PENDING, False, Status.PENDING),
        (Status.RUNNING, True, Status.ERROR),
        (Status.STOPPING, True, Status.TERMINATED),
        (Status.STOPPING, False, Status.CANCELLED),
        (Status.SUCCESS, True, Status.SUCCESS),
    ],
)
def test_the_start_of_a_new_agent_process(current, started, expected):
    assert restart_state(current, had_started=started) is expected


@pytest.mark.parametrize(
    ("current", "started", "expected"),
    [
        (Status.PENDING, False, Status.ABORTED),
        (Status.RUNNING, True, Status.TIMEOUT),
        (Status.STOPPING, True, Status.TERMINATED),
        (Status.STOPPING, False, Status.CANCELLED),
        (Status.FAILED, True, Status.FAILED),
    ],
)
def test_a_passed_deadline(current, started, expected):
    assert overdue_state(current, had_started=started) is expected


@pytest.mark.parametrize("current", sorted(Status))
def test_the_release_of_the_instance_ends_what_is_open(current):
    assert released_state(current) is (Status.ABORTED if current in OPEN else current)


def test_no_combination_of_final_states_is_open():
    for pair in product(FINAL, repeat=2):
        assert overall(Counter(pair)).is_final


def test_all_stopped_is_stopped():
    assert overall(Counter(STOPPED)) is Overall.STOPPED

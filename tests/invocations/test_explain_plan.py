"""Plans explained on the command line."""

import io
import json

import pytest
from django.core.management import call_command


def explained(*words):
    out, err = io.StringIO(), io.StringIO()
    status = 0
    try:
        call_command("explain_plan", *words, stdout=out, stderr=err)
    except SystemExit as end:
        status = end.code
    return status, out.getvalue(), err.getvalue()


def test_a_sentence_and_the_next_times():
    status, out, _err = explained("0 15 10 ? * MON", "--timezone", "Asia/Shanghai")

    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "Every Monday at 10:15 in Asia/Shanghai"
    assert lines[2] == "Next times, (GMT+8:00) Asia/Shanghai:"
    assert len(lines[3:]) == 5
    assert all(" 10:15:00 +0800" in line and line.endswith("T02:15:00Z") for line in lines[3:])


def test_as_a_document():
    status, out, _err = explained("0 0 0 ? FEB 1#5", "--json", "--count", "100")

    document = json.loads(out)
    assert status == 0
    assert document["RepeatMode"] == "Period"
    assert document["ToAgents"] == {"repeat": "Period", "cron": "0 0 0 ? 2 1#5"}
    assert document["IsExhausted"] is True
    assert {time["Utc"][4:10] for time in document["NextTimes"]} == {"-02-29"}


def test_a_plan_that_ends_says_so():
    assert "and never again" in explained("at(2098-05-17 17:30:50 Asia/Shanghai)")[1]
    assert "and never again" not in explained("rate(5m)")[1]


def test_without_a_zone_it_says_whose_clock_is_meant():
    assert "for a server in (GMT+0:00) UTC" in explained("0 15 10 ? * MON")[1]


def test_times_are_shown_in_a_zone_of_ones_own():
    _status, out, _err = explained("at(2098-01-01 00:00:00 UTC)", "--timezone", "Asia/Tokyo")

    assert "09:00:00 +0900" in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["0 61 10 ? * MON"], "Minute: “61” is not from 0 to 59."),
        (["0 0/5 * * * ?", "--timeout", "600"], "apart"),
        ([""], "Frequency is missing"),
        (["0 0 9 * * ?", "--timezone", "Mars/Base"], "“Mars/Base” is no time zone"),
        (["0 0 9 * * ?", "--count", "0"], "1 to 1000"),
    ],
)
def test_a_refusal_is_a_sentence_and_exit_status_1(words, reason):
    status, out, err = explained(*words)

    assert (status, out) == (1, "")
    assert reason in err
    assert len(err.strip().splitlines()) == 1

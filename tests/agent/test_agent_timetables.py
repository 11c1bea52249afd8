"""Intervals and single moments as the wire spells them."""

import pytest

from agent.errors import InvalidTask
from agent.tasks import parse_task
from agent.timetables import timetable_of

DAY = 86_400_000


def timetable(repeat, text, anchor=0):
    return timetable_of(
        parse_task({"task": {"taskID": "t", "cron": text, "creationTime": anchor}, "repeat": repeat})
    )


@pytest.mark.parametrize(
    ("text", "anchor", "after", "expected"),
    [
        ("rate(5m)", 1000, 1000, 301_000),
        ("rate(5m)", 1000, 300_999, 301_000),
        ("rate(5m)", 1000, 301_000, 601_000),
        # A clock before the anchor: the first run is one interval after it all the same.
        ("rate(5m)", 900_000, 0, 1_200_000),
        ("rate(2s)", 0, 5001, 6000),
        ("RATE(90 S)", 500, 500, 90_500),
        ("rate(7d)", 0, 0, 7 * DAY),
        ("rate(1000d)", 0, 0, 1000 * DAY),
        ("rate(4h)", 123, 10 * DAY, 10 * DAY + 123),
    ],
)
def test_intervals_keep_the_beat_of_their_anchor(text, anchor, after, expected):
    assert timetable("Rate", text, anchor).next_after(after) == expected


@pytest.mark.parametrize("text", ["at(2027-01-02T03:04:05)", "2027-01-02T03:04:05"])
def test_a_moment_is_in_utc_and_comes_once(text):
    moment = 1_798_859_045_000

    assert timetable("At", text).next_after(0) == moment
    assert timetable("At", text).next_after(moment) is None


@pytest.mark.parametrize(
    ("repeat", "text", "value"),
    [
        ("Rate", "rate(5w)", "InvalidRateExpression"),
        ("Rate", "rate(0m)", "InvalidRateExpression"),
        ("Rate", "rate(1.5h)", "InvalidRateExpression"),
        ("Rate", "every 5m", "InvalidRateExpression"),
        ("Rate", "", "InvalidRateExpression"),
        ("Rate", "rate(1001d)", "RateFrequencyTooLarge"),
        ("At", "at(2027-02-30T00:00:00)", "InvalidAtExpression"),
        ("At", "at(2027-01-02 03:04:05)", "InvalidAtExpression"),
        ("At", "at(2027-01-02T24:00:00)", "InvalidAtExpression"),
        ("At", "", "InvalidAtExpression"),
        ("Period", "rate(5m)", "InvalidCronExpression"),
    ],
)
def test_what_is_neither_is_named(repeat, text, value):
    with pytest.raises(InvalidTask) as refusal:
        timetable(repeat, text)

    assert (refusal.value.parameter, refusal.value.value.partition(":")[0]) == ("cron", value)

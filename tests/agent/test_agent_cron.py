"""Cron texts at the agent: it reads what the server sends, and both name the same moments."""

import contextlib
import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import days, zones
from agent.cron import Cron
from agent.errors import InvalidTask
from assistant.invocations.rules.cron import new_cron, stored_cron
from assistant.invocations.rules.fires import next_fires

CASES = json.loads((Path(__file__).parents[1] / "data" / "cron_cases.json").read_text())
FIRES = [pytest.param(case, id=case["id"]) for case in CASES if case["kind"] == "fire"]


def moments(text, after, count):
    """The next times in UTC, fewer where there are no more."""
    cron, moment, found = Cron(text), int(after.timestamp()), []
    while len(found) < count and (moment := cron.next_after(moment)) is not None:
        found.append(datetime.fromtimestamp(moment, UTC))
    return found


@pytest.mark.parametrize("case", FIRES)
def test_the_next_times_of_the_specification(case):
    spelled = new_cron(f"{case['expr']} {case['tz']}", datetime.fromisoformat(case["now"])).spelled

    found = moments(spelled, datetime.fromisoformat(case["start"]), len(case["next"]) + case["exhausted"])

    assert found == [datetime.fromisoformat(moment) for moment in case["next"]]


def listed(least, most):
    number = st.integers(least, most)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.tuples(number, number).map(lambda pair: "-".join(map(str, sorted(pair)))),
        st.tuples(number, st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        st.lists(number, min_size=2, max_size=4).map(lambda numbers: ",".join(map(str, numbers))),
    )


NTH = st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}")
DAYS = st.one_of(
    st.tuples(listed(1, 31), st.just("?")),
    st.tuples(st.sampled_from(["L", "LW", "*"]), st.just("?")),
    st.tuples(st.integers(1, 31).map(lambda day: f"{day}W"), st.just("?")),
    st.tuples(st.just("?"), listed(1, 7)),
    st.tuples(st.just("?"), st.one_of(NTH, st.sampled_from(["L", "1L", "5L", "6L", "7L", "SUN", "MON-SUN"]))),
)
ZONES = st.sampled_from(
    [
        "UTC",
        "GMT-7:30",
        "Asia/Shanghai",
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "America/Asuncion",
        "Pacific/Apia",
        "Antarctica/Troll",
    ]
)
YEARS = st.sampled_from(["", "2027 ", "2026-2030 ", "2024/3 "])
TEXTS = st.builds(
    lambda second, minute, hour, both, month, year, zone: (
        f"{second} {minute} {hour} {both[0]} {month} {both[1]} {year}{zone}"
    ),
    listed(0, 59),
    listed(0, 59),
    listed(0, 23),
    DAYS,
    listed(1, 12),
    YEARS,
    ZONES,
)


@settings(max_examples=150, deadline=None)
@given(
    TEXTS, st.integers(1_514_764_800, 2_145_916_800).map(lambda second: datetime.fromtimestamp(second, UTC))
)
def test_agents_and_server_agree_on_every_text(text, after):
    cron = stored_cron(text)

    assert moments(cron.spelled, after, 20) == next_fires(cron, after, 20)


PIECES = st.sampled_from(
    [*"0123456789*,-/?LW#", "MON", "JAN", "2027", "31", "Asia/Tokyo", "GMT+8:00", "é", "\0"]
)
ALMOST = st.lists(st.lists(PIECES, min_size=1, max_size=4).map("".join), min_size=5, max_size=8).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(ALMOST)
def test_any_text_has_times_or_is_refused(text):
    begin, found = datetime(2027, 1, 1, tzinfo=UTC), []
    with contextlib.suppress(InvalidTask):
        found = moments(text, begin, 2)

    assert [begin, *found] == sorted({begin, *found})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Spring leaves 02:30 out, autumn shows 01:30 twice: its first pass is meant.
        ("0 30 2 * 3 ? 2027 America/New_York", "2027-03-15T06:30"),
        ("0 30 1 * 11 ? 2027 America/New_York", "2027-11-08T06:30"),
    ],
)
def test_hours_that_are_left_out_and_hours_that_come_twice(text, expected):
    change = {3: datetime(2027, 3, 14, 5, tzinfo=UTC), 11: datetime(2027, 11, 7, 5, 30, tzinfo=UTC)}
    moment = datetime.fromisoformat(f"{expected}+00:00")

    assert moments(text, change[moment.month], 1) == [moment]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Both days restricted: either fires. Sunday is 0 as well as 7.
        ("0 0 9 15 * 1 UTC", ["2027-01-04", "2027-01-11", "2027-01-15", "2027-01-18"]),
        ("0 0 9 ? * 0 UTC", ["2027-01-03", "2027-01-10"]),
        ("0 0 9 ? * 7 UTC", ["2027-01-03", "2027-01-10"]),
        ("0 0 9 ? * SUN UTC", ["2027-01-03", "2027-01-10"]),
        ("0 0 9 ? * FRI-SUN UTC", ["2027-01-01", "2027-01-02", "2027-01-03", "2027-01-08"]),
        ("0 0 9 ? * sat,5L UTC", ["2027-01-02", "2027-01-09", "2027-01-16", "2027-01-23", "2027-01-29"]),
        ("0 0 9 1,L * ? UTC", ["2027-01-01", "2027-01-31", "2027-02-01", "2027-02-28"]),
        ("0 0 9 31W * ? UTC", ["2027-01-29", "2027-03-31", "2027-05-31"]),
        ("0 0 9 LW * ? UTC", ["2027-01-29", "2027-02-26"]),
        ("0 0 9 1 JAN ? 2027-2028 UTC", ["2027-01-01", "2028-01-01"]),
        ("0 0 9 1 1 ? */2 UTC", ["2028-01-01", "2030-01-01"]),
        ("0 0 9 29 2 ? UTC", ["2028-02-29", "2032-02-29"]),
        ("0 0 9 30 2 ? UTC", []),
        ("0 0 9 1 1 ? 2026 UTC", []),
    ],
)
def test_days_of_the_wire(text, expected):
    found = moments(text, datetime(2027, 1, 1, tzinfo=UTC), len(expected) or 1)

    assert [moment.date().isoformat() for moment in found] == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0 0 * * *", "InvalidCronExpression"),
        ("0 0 9 * * ? 2027 UTC x", "InvalidCronExpression"),
        ("", "InvalidCronExpression"),
        ("61 0 9 * * ?", "syntax error in second field: '61'"),
        ("0 60 9 * * ?", "syntax error in minute field: '60'"),
        ("0 5- 9 * * ?", "syntax error in minute field: ''"),
        ("0 20-5 9 * * ?", "syntax error in minute field: '20-5'"),
        ("0 */0 9 * * ?", "syntax error in minute field: '*/0'"),
        ("0 1,,2 9 * * ?", "syntax error in minute field: ''"),
        ("0 0 x * * ?", "syntax error in hour field: 'X'"),
        ("0 0 9 W * ?", "syntax error in day-of-month field: ''"),
        ("0 0 9 32W * ?", "syntax error in day-of-month field: '32'"),
        ("0 0 9 * FOO ?", "syntax error in month field: 'FOO'"),
        ("0 0 9 ? * 8", "syntax error in day-of-week field: '8'"),
        ("0 0 9 ? * 5#6", "syntax error in day-of-week field: '5#6'"),
        ("0 0 9 * * ? 2100-2101 UTC", "syntax error in year field: '2100'"),
        ("0 0 9 * * ? 2027 Asia/Nowhere", "TimezoneInformationCorrupt"),
        ("0 0 9 * * ? ../../etc/passwd", "InvalidTimezone"),
        ("0 0 9 * * ? CST", "InvalidTimezone: CST"),
        ("0 0 9 * * ? GMT+8", "InvalidGMTOffsetForTimezone: GMT+8"),
        ("0 0 9 * * ? GMT+08:00", "InvalidGMTOffsetHourForTimezone"),
        ("0 0 9 * * ? GMT+15:00", "InvalidGMTOffsetHourForTimezone"),
        ("0 0 9 * * ? GMT-8:60", "InvalidGMTOffsetMinuteForTimezone"),
    ],
)
def test_what_cannot_be_understood_is_named(text, value):
    with pytest.raises(InvalidTask) as refusal:
        Cron(text)

    assert refusal.value.parameter == "cron"
    assert refusal.value.value.startswith(value)


def test_a_machine_without_zone_data_says_so(monkeypatch):
    monkeypatch.setattr("zoneinfo.ZoneInfo", _missing)

    with pytest.raises(InvalidTask) as refusal:
        Cron("0 0 9 * * ? Asia/Shanghai")

    assert refusal.value.value == (
        "TimezoneInformationCorrupt: this machine has no data of the time zone Asia/Shanghai"
    )
    assert moments("0 0 9 * * ? GMT+8:00", datetime(2027, 1, 1, tzinfo=UTC), 1)


def _missing(name):
    from zoneinfo import ZoneInfoNotFoundError

    raise ZoneInfoNotFoundError(name)


@pytest.fixture
def local_clock(monkeypatch):
    def show(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield show
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "UTC"])
def test_without_a_zone_the_machines_clock_counts(local_clock, zone):
    local_clock(zone)
    after = datetime(2027, 3, 13, tzinfo=UTC)

    assert moments("0 30 */3 * * ?", after, 40) == moments(f"0 30 */3 * * ? {zone}", after, 40)


def test_another_zone_of_the_machine_is_noticed(local_clock):
    local_clock("Asia/Kathmandu")
    before = zones.local_rule()
    os.environ["TZ"] = "Asia/Tokyo"

    assert zones.local_rule() != before


@given(st.dates(date(1970, 1, 1), date(2100, 12, 31)))
def test_days_are_those_of_the_calendar(day):
    number = (day - date(1970, 1, 1)).days
    next_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1)

    assert days.number_of(day.year, day.month, day.day) == number
    assert days.month_of(number) == (day.year, day.month)
    assert days.weekday_of(number) == day.isoweekday() % 7
    assert days.length_of(day.year, day.month) == (next_month - day.replace(day=1)).days


@pytest.mark.parametrize(
    ("text", "next_one"),
    [
        ("0 0 9 29 2 ? 2096 UTC", [datetime(2096, 2, 29, 9, tzinfo=UTC)]),
        ("0 0 9 30 2 ? UTC", []),
        ("* * * * * * Europe/Berlin", [datetime(2027, 10, 30, 0, 0, 1, tzinfo=UTC)]),
    ],
)
def test_the_next_time_is_found_however_far_away_it_is(text, next_one):
    assert moments(text, datetime(2027, 10, 30, tzinfo=UTC), 1) == next_one

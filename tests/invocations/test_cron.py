"""Cron texts: which are any, why the others are none, and when they fire."""

import json
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.invocations.errors import FrequencyRefused
from assistant.invocations.rules.cron import new_cron, stored_cron
from assistant.invocations.rules.fires import days, fires, next_fires
from assistant.invocations.rules.zones import zone_named
from tests.invocations.calendars import fires_between, is_day

CASES = json.loads((Path(__file__).parents[1] / "data" / "cron_cases.json").read_text())
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def of_kind(*kinds):
    return [pytest.param(case, id=case["id"]) for case in CASES if case["kind"] in kinds]


@pytest.mark.parametrize("case", of_kind("fire"))
def test_the_next_times_of_the_specification(case):
    cron = new_cron(f"{case['expr']} {case['tz']}", datetime.fromisoformat(case["now"]))

    times = next_fires(cron, datetime.fromisoformat(case["start"]), len(case["next"]) + case["exhausted"])

    assert [time.astimezone(cron.zone.tz).isoformat() for time in times] == case["next"]


REASONS = {
    "cron-066": ("Hour", "leading zero"),
    "cron-067": (None, "5 fields"),
    "cron-068": (None, "8 fields"),
    "cron-069": (None, "one blank"),
    "cron-070": ("Week", "one of Day and Week"),
    "cron-071": ("Week", "cannot both"),
    "cron-072": ("Day", "Write ?"),
    "cron-073": ("Week", "Write ?"),
    "cron-074": ("Second", "0 to 59"),
    "cron-075": ("Minute", "0 to 59"),
    "cron-076": ("Hour", "0 to 23"),
    "cron-077": ("Day", "1 to 31"),
    "cron-078": ("Day", "1 to 31"),
    "cron-079": ("Month", "1 to 12"),
    "cron-080": ("Week", "1 to 7"),
    "cron-081": ("Week", "1 to 7"),
    "cron-082": ("Year", "2022 to 2099"),
    "cron-083": ("Year", "2022 to 2099"),
    "cron-084": ("Year", "2022 to 2099"),
    "cron-085": ("Day", "L stands alone"),
    "cron-086": ("Day", "L stands alone"),
    "cron-087": ("Week", "1 to 5"),
    "cron-088": ("Day", "# may stand in Week only"),
    "cron-089": ("Week", "W may stand in Day only"),
    "cron-090": ("Hour", "L may stand in Day and Week only"),
    "cron-091": ("Second", "? may stand in Day and Week only"),
    "cron-092": ("Minute", "backwards"),
    "cron-093": ("Week", "begins with MON"),
    "cron-094": ("Week", "begins with MON"),
    "cron-095": ("Minute", "1 to 59"),
    "cron-096": ("Minute", "comma"),
    "cron-097": ("Month", "JAN to DEC"),
    "cron-098": (None, "0 fields"),
}


@pytest.mark.parametrize("case", of_kind("invalid"))
def test_what_is_refused_is_said_with_the_field_and_the_reason(case):
    part, reason = REASONS[case["id"]]

    with pytest.raises(FrequencyRefused) as refusal:
        new_cron(case["expr"], datetime.fromisoformat(case["now"]))

    assert refusal.value.facts.get("part") == part
    assert reason in refusal.value.message
    assert refusal.value.field == "frequency"


@pytest.mark.parametrize(
    ("text", "part", "reason"),
    [
        (" 0 15 10 * * ?", None, "one blank"),
        ("0 15 10 * * ? ", None, "one blank"),
        ("0\t15 10 * * ? *", None, "plain alphabet"),
        ("0 15 10 * * ?\n", None, "plain alphabet"),
        ("0 15 １0 * * ?", None, "plain alphabet"),
        ("0 15 10 ? * ſUN", None, "plain alphabet"),
        ("0 " * 600, None, "1024 characters"),
        ("0 15 10 * * ? ?", "Year", "? may stand"),
        ("0 15 10 * * ? CST", "Time zone", "“CST” is no time zone"),
        ("0 15 10 * * ? GMT+08:00", "Time zone", "GMT+8:00"),
        ("0 15 10 * * ? GMT+15:00", "Time zone", "GMT+8:00"),
        ("0 15 10 * * ? 2027 Asia/Nowhere", "Time zone", "Asia/Nowhere"),
        ("0 15 10 * * ? 2027 America/Argentina", "Time zone", "America/Argentina"),
        ("0 15 10 * * ? ../../etc/passwd", "Time zone", "no time zone"),
        ("0 15 10 * * ? posix/Asia/Tokyo", "Time zone", "no time zone"),
        ("15 10 * * ? Asia/Shanghai", None, "5 fields"),
        ("15 10 * * ? Asia/Shangai", "Time zone", "Asia/Shangai"),
        ("0 0 9 ? * SUN-MON", "Week", "begins with MON"),
        ("0 0 9 ? * MONDAY", "Week", "MON to SUN"),
        ("0 0 9 ? * 1,2L", "Week", "L stands alone"),
        ("0 0 9 ? * 1,2#1", "Week", "# stands alone"),
        ("0 0 9 ? * #1", "Week", "“”"),
        ("0 0 9 ? * 8L", "Week", "1 to 7"),
        ("0 0 9 L-3 * ?", "Day", "L stands alone"),
        ("0 0 9 15W,20 * ?", "Day", "W stands alone"),
        ("0 0 9 32W * ?", "Day", "1 to 31"),
        ("0 0 9 W * ?", "Day", "W stands alone"),
        ("0 0 9 1,? * ?", "Day", "? stands alone"),
        ("0 0 9 */32 * ?", "Day", "1 to 31"),
        ("0 */60 9 * * ?", "Minute", "1 to 59"),
        ("0 1/2/3 9 * * ?", "Minute", "“2/3”"),
        ("0 1-2-3 9 * * ?", "Minute", "“2-3”"),
        ("0 -5 9 * * ?", "Minute", "“”"),
        ("0 5- 9 * * ?", "Minute", "“”"),
        ("0 */ 9 * * ?", "Minute", "“”"),
        ("0 1.5 9 * * ?", "Minute", "“1.5”"),
        ("0 " + "9" * 900 + " 9 * * ?", "Minute", "0 to 59"),
        ("0 0 9 * * ? 2026-2025", "Year", "2026 to 2099"),
    ],
)
def test_other_texts_that_are_none(text, part, reason):
    with pytest.raises(FrequencyRefused) as refusal:
        new_cron(text, NOW)

    assert refusal.value.facts.get("part") == part
    assert reason in refusal.value.message
    assert len(refusal.value.message) < 200


WORDS = st.sampled_from(
    [*"0123456789*,-/?LW#", "MON", "SUN", "JAN", "2027", "31", "Asia/Tokyo", "GMT+8:00", "UTC"]
)
ALMOST = st.lists(st.lists(WORDS, min_size=1, max_size=4).map("".join), min_size=5, max_size=8).map(" ".join)


def judged(text):
    try:
        return new_cron(text, NOW)
    except FrequencyRefused as refusal:
        return refusal


@settings(max_examples=500, deadline=None)
@given(text=st.text(max_size=60) | ALMOST)
def test_any_text_is_a_plan_or_refused_in_a_sentence(text):
    match judged(text):
        case FrequencyRefused() as refusal:
            assert refusal.message
            assert refusal.message.isprintable()
        case cron:
            assert len(next_fires(cron, NOW, 2)) <= 2
            assert stored_cron(cron.text).spelled == cron.spelled


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("0 15 10 ? * MON-FRI Asia/Shanghai", "0 15 10 ? * 1,2,3,4,5 Asia/Shanghai"),
        ("0 */20 9-17 * jan,Feb ? UTC", "0 0,20,40 9-17 * 1,2 ? UTC"),
        ("0 0 9 ? * L", "0 0 9 ? * 0"),
        ("0 0 9 ? * SUNL GMT+8:00", "0 0 9 ? * 0L GMT+8:00"),
        ("0 0 9 ? * 7#2", "0 0 9 ? * 0#2"),
        ("0 0 9 LW * ? 2027/30", "0 0 9 LW * ? 2027,2057,2087"),
        ("0-59 0/1 * 015W * ? *", "* * * 15W * ?"),
    ],
)
def test_agents_are_told_in_plain_numbers(text, spelled):
    assert new_cron(text, NOW).spelled == spelled


def test_every_second_year_is_counted_from_the_year_of_its_making():
    cron = new_cron("0 0 0 1 1 ? */2 UTC", datetime(2027, 6, 1, tzinfo=UTC))

    assert cron.text == "0 0 0 1 1 ? 2027/2 UTC"
    assert [time.year for time in next_fires(stored_cron(cron.text), NOW, 3)] == [2027, 2029, 2031]


def test_the_current_year_is_that_of_the_plans_zone():
    new_year_in_tokyo = datetime(2026, 12, 31, 16, tzinfo=UTC)

    new_cron("0 0 0 * * ? 2026 UTC", new_year_in_tokyo)
    with pytest.raises(FrequencyRefused, match="2027 to 2099"):
        new_cron("0 0 0 * * ? 2026 Asia/Tokyo", new_year_in_tokyo)


# --- Days ---

MONTH_DAYS = [
    "*",
    "L",
    "LW",
    "13",
    "29",
    "31",
    "1/10",
    "5-20/3",
    "29-31",
    *[f"{day}W" for day in range(1, 32)],
]
WEEK_DAYS = ["L", "MON", "2-5", "SUN", "1,7", "6-7", "2/2"]
WEEK_DAYS += [f"{day}L" for day in range(1, 8)]
WEEK_DAYS += [f"{day}#{nth}" for day in range(1, 8) for nth in range(1, 6)]


@pytest.mark.parametrize("fields", [f"{day} ?" for day in MONTH_DAYS] + [f"? {week}" for week in WEEK_DAYS])
def test_days_are_those_of_the_calendar(fields):
    month_day, weekday = fields.split(" ")
    cron = stored_cron(f"0 0 0 {month_day} * {weekday}")
    first, last = date(2027, 1, 1), date(2032, 12, 31)
    calendar = [first + timedelta(days=number) for number in range((last - first).days + 1)]

    found = list(takewhile(lambda day: day <= last, days(cron, first)))

    assert found == [day for day in calendar if is_day(day, month_day, weekday)]


@pytest.mark.parametrize(
    "first", [date(2027, 2, 28), date(2028, 2, 29), date(2027, 1, 1), date(2027, 12, 31)]
)
def test_the_first_day_counts(first):
    assert next(days(stored_cron("0 0 0 * * ?"), first)) == first


# --- Clocks that are changed (CA-125) ---

LOS_ANGELES, BERLIN, LORD_HOWE = "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("text", "zone", "after", "times"),
    [
        # Spring: 02:00 to 03:00 is left out.
        ("0 30 2 * * ?", LOS_ANGELES, "2027-03-13T12:00Z", ["2027-03-15T09:30Z", "2027-03-16T09:30Z"]),
        ("0 0/30 * * * ?", LOS_ANGELES, "2027-03-14T09:15Z", ["2027-03-14T09:30Z", "2027-03-14T10:00Z"]),
        ("0 0 3 * * ?", LOS_ANGELES, "2027-03-14T09:15Z", ["2027-03-14T10:00Z", "2027-03-15T10:00Z"]),
        # Autumn: 01:00 to 02:00 comes twice, and counts once.
        ("0 30 1 * * ?", LOS_ANGELES, "2027-11-07T07:00Z", ["2027-11-07T08:30Z", "2027-11-08T09:30Z"]),
        ("0 30 1 * * ?", LOS_ANGELES, "2027-11-07T08:30Z", ["2027-11-08T09:30Z", "2027-11-09T09:30Z"]),
        ("0 0/30 * * * ?", LOS_ANGELES, "2027-11-07T08:00Z", ["2027-11-07T08:30Z", "2027-11-07T10:00Z"]),
        ("0 0/30 * * * ?", LOS_ANGELES, "2027-11-07T09:10Z", ["2027-11-07T10:00Z", "2027-11-07T10:30Z"]),
        ("* * * * * ?", LOS_ANGELES, "2027-11-07T09:10Z", ["2027-11-07T10:00Z", "2027-11-07T10:00:01Z"]),
        ("0 30 2 * * ?", BERLIN, "2027-10-30T12:00Z", ["2027-10-31T00:30Z", "2027-11-01T01:30Z"]),
        # Half an hour only.
        ("0 15 2 * * ?", LORD_HOWE, "2027-10-01T12:00Z", ["2027-10-01T15:45Z", "2027-10-03T15:15Z"]),
        ("0 45 1 * * ?", LORD_HOWE, "2027-04-03T00:00Z", ["2027-04-03T14:45Z", "2027-04-04T15:15Z"]),
        # Midnight itself is left out.
        ("0 0 0 * * ?", "Africa/Cairo", "2026-04-22T12:00Z", ["2026-04-22T22:00Z", "2026-04-24T21:00Z"]),
        # A whole day is.
        ("0 0 9 30 12 ? 2011,2012", "Pacific/Apia", "2011-06-01T00:00Z", ["2012-12-29T19:00Z"]),
        ("0 30 2 * * ?", "GMT+8:00", "2027-03-13T12:00Z", ["2027-03-13T18:30Z", "2027-03-14T18:30Z"]),
    ],
)
def test_hours_that_are_left_out_and_hours_that_come_twice(text, zone, after, times):
    found = next_fires(stored_cron(f"{text} {zone}"), datetime.fromisoformat(after), 2)

    assert found == [datetime.fromisoformat(time) for time in times]


@pytest.mark.parametrize("zone", [LOS_ANGELES, "Asia/Tokyo"])
def test_without_a_zone_the_servers_clock_counts(zone):
    [found] = next_fires(stored_cron("0 0 9 * * ?"), NOW, 1, clock=zone_named(zone))

    assert found.astimezone(ZoneInfo(zone)).hour == 9


# --- Properties ---


def numbers(least, most):
    one = st.integers(least, most)
    span = st.tuples(one, one).map(lambda two: f"{min(two)}-{max(two)}")
    stepped = st.tuples(one.map(str) | span | st.just("*"), st.integers(1, most)).map(
        lambda two: f"{two[0]}/{two[1]}"
    )
    return st.lists(one.map(str) | span | stepped, min_size=1, max_size=3).map(",".join) | st.just("*")


MOMENTS = st.timedeltas(timedelta(), timedelta(days=3650)).map(lambda length: NOW + length)
# Around the moments when clocks are changed, to the second.
CHANGES = st.builds(
    lambda change, seconds: datetime.fromisoformat(change) + timedelta(seconds=seconds),
    st.sampled_from(["2027-03-14T10:00Z", "2027-11-07T09:00Z", "2027-03-28T01:00Z", "2027-10-31T01:00Z"]),
    st.integers(-5400, 5400),
)
ZONES = st.sampled_from([LOS_ANGELES, BERLIN, LORD_HOWE, "Asia/Shanghai", "Africa/Cairo", "GMT-3:30", "UTC"])
DAY_FIELDS = st.sampled_from(MONTH_DAYS).map(lambda day: (day, "?")) | st.sampled_from(WEEK_DAYS).map(
    lambda week: ("?", week)
)


@settings(max_examples=60, deadline=None)
@given(second=numbers(0, 59), minute=numbers(0, 59), hour=numbers(0, 23), after=MOMENTS | CHANGES, zone=ZONES)
def test_it_fires_at_the_seconds_that_the_clock_shows(second, minute, hour, after, zone):
    after = after.replace(microsecond=0)
    cron = stored_cron(f"{second} {minute} {hour} * * ? {zone}")
    end = after + timedelta(minutes=40)

    found = list(takewhile(lambda moment: moment <= end, fires(cron, after)))

    assert found == fires_between(cron.text, cron.zone.tz, after, end, step=timedelta(seconds=1))


@settings(max_examples=60, deadline=None)
@given(
    minute=numbers(0, 59),
    hour=numbers(0, 23),
    month=numbers(1, 12),
    day=DAY_FIELDS,
    after=CHANGES,
    zone=ZONES,
)
def test_it_fires_at_the_minutes_of_the_days(minute, hour, month, day, after, zone):
    after = after.replace(second=0)
    cron = stored_cron(f"0 {minute} {hour} {day[0]} {month} {day[1]} {zone}")
    end = after + timedelta(days=2)

    found = list(takewhile(lambda moment: moment <= end, fires(cron, after)))

    assert found == fires_between(cron.text, cron.zone.tz, after, end, step=timedelta(minutes=1))


@settings(max_examples=200, deadline=None)
@given(
    second=numbers(0, 59),
    hour=numbers(0, 23),
    month=numbers(1, 12),
    day=DAY_FIELDS,
    after=MOMENTS,
    zone=ZONES,
)
def test_times_are_later_than_now_and_in_order(second, hour, month, day, after, zone):
    cron = stored_cron(f"{second} 7,31 {hour} {day[0]} {month} {day[1]} {zone}")

    found = next_fires(cron, after, 8)

    assert all(earlier < later for earlier, later in pairwise([after, *found]))
    # Whoever asks again from one of them gets those behind it.
    assert len(found) < 8 or next_fires(cron, found[2], 5) == found[3:8]


# --- How long it takes ---

# Rare ones, those that never come, and those with the most times to pass over.
SLOW = [
    ("0 0 0 ? FEB 1#5", 2),
    ("0 0 0 ? FEB 7#5 2050/3", 0),
    ("0 0 0 31 2 ?", 0),
    ("0 0 0 31 2,4,6,9,11 ?", 0),
    ("0 0 0 30W 2 ?", 0),
    ("0 0 0 31W 4,6,9,11 ?", 0),
    ("0 0 0 29 2 ? 2099", 0),
    ("0 30 2 ? MAR 7#2 America/Los_Angeles", 0),
    ("59 59 23 31 12 ? 2099", 1),
    ("0 0 0 LW 2 ? 2098,2099", 2),
    ("0 0 0 29W 2 ?", 5),
    ("0 0 9 ? * 6#5 2090-2099", 5),
    ("* * * * * ? America/Los_Angeles", 5),
]


@pytest.mark.parametrize(("text", "number"), SLOW)
def test_the_next_five_times_are_found_in_a_moment(text, number):
    after, took = datetime(2027, 11, 7, 9, tzinfo=UTC), []
    for _attempt in range(3):
        began = time.process_time()
        found = next_fires(new_cron(text, NOW), after, 5)
        took.append(time.process_time() - began)

    assert len(found) == number
    assert min(took) < 0.05

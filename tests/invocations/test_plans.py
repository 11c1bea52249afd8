"""Plans: what a call or a form asks for, its limits, its next times, and how agents are told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.invocations.errors import FrequencyMissing, FrequencyRefused, RepeatModeUnknown
from assistant.invocations.rules.plans import (
    Chosen,
    Plan,
    PlanKind,
    chosen_plan,
    new_plan,
    next_runs,
    on_wire,
    stored_plan,
)
from assistant.invocations.rules.zones import zone_named, zone_names

CASES = json.loads((Path(__file__).parents[1] / "data" / "cron_cases.json").read_text())
NOW = datetime(2022, 5, 17, 1, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


def of_kind(kind):
    return [pytest.param(case, id=case["id"]) for case in CASES if case["kind"] == kind]


def planned(frequency, *, now=NOW, timeout=MINUTE):
    return new_plan("", frequency, now=now, timeout=timeout)


@pytest.mark.parametrize("case", of_kind("interval"))
def test_times_by_the_clock_keep_their_distance(case):
    now, timeout = datetime.fromisoformat(case["now"]), timedelta(seconds=case["timeout_s"])
    frequency = f"{case['expr']} {case['tz']}"

    if case["valid"]:
        assert planned(frequency, now=now, timeout=timeout).kind is PlanKind.CLOCK
    else:
        with pytest.raises(FrequencyRefused, match="apart"):
            planned(frequency, now=now, timeout=timeout)


def test_however_short_the_timeout_times_are_ten_seconds_apart():
    second = timedelta(seconds=1)

    assert planned("*/10 * * ? * * UTC", timeout=second).kind is PlanKind.CLOCK
    with pytest.raises(FrequencyRefused, match="9 seconds apart; the least is 10 seconds"):
        planned("0,9 * * ? * * UTC", timeout=second)


ODD_HOURS = "0 0/7 1/2 * * ? Europe/Berlin"
THEN = "0 0,59 1,3 * * ? 2024 Europe/Berlin"


@pytest.mark.parametrize(
    ("frequency", "made", "is_refused"),
    [
        # 108 times a day, too near each other on the night of 26 March 2023 alone, when 02:00 is 03:00.
        (ODD_HOURS, datetime(2023, 1, 15, tzinfo=UTC), True),
        (ODD_HOURS, datetime(2022, 12, 10, tzinfo=UTC), False),
        # The same of 31 March 2024.
        (THEN, datetime(2023, 4, 5, tzinfo=UTC), True),
        (THEN, datetime(2023, 3, 25, tzinfo=UTC), False),
    ],
)
def test_distances_are_looked_at_for_10_000_times_or_366_days(frequency, made, is_refused):
    five_minutes = timedelta(minutes=5)

    if is_refused:
        with pytest.raises(FrequencyRefused, match="apart"):
            planned(frequency, now=made, timeout=five_minutes)
    else:
        assert planned(frequency, now=made, timeout=five_minutes).kind is PlanKind.CLOCK


@pytest.mark.parametrize("case", of_kind("rate"))
def test_fixed_intervals(case):
    now, timeout = datetime.fromisoformat(case["created"]), timedelta(seconds=case["timeout_s"])

    if case["valid"]:
        plan = planned(case["expr"], now=now, timeout=timeout)
        times = next_runs(plan, now, 5, created_at=now)
        assert times == [datetime.fromisoformat(time) for time in case["next"]]
    else:
        with pytest.raises(FrequencyRefused, match=r"interval"):
            planned(case["expr"], now=now, timeout=timeout)


@pytest.mark.parametrize("case", of_kind("at"))
def test_once_at_a_moment(case):
    now = datetime.fromisoformat(case["now"])

    if case["valid"]:
        plan = planned(case["expr"], now=now)
        times = next_runs(plan, now, 5, created_at=now)
        assert times == [datetime.fromisoformat(time) for time in case["next"]]
        assert next_runs(plan, times[0], 5, created_at=now) == []
    else:
        with pytest.raises(FrequencyRefused):
            planned(case["expr"], now=now)


@pytest.mark.parametrize(
    ("repeat_mode", "frequency", "kind", "mode"),
    [
        ("", "", PlanKind.NOW, "Once"),
        ("Once", "", PlanKind.NOW, "Once"),
        ("NextRebootOnly", "", PlanKind.NEXT_START, "NextRebootOnly"),
        ("EveryReboot", "", PlanKind.EVERY_START, "EveryReboot"),
        ("Period", "rate(5m)", PlanKind.INTERVAL, "Period"),
        # A frequency weighs more than the mode beside it (CA-117).
        ("Once", "rate(5m)", PlanKind.INTERVAL, "Period"),
        ("nonsense", "at(2027-01-01 00:00:00)", PlanKind.MOMENT, "Period"),
        ("EveryReboot", "0 0 9 * * ?", PlanKind.CLOCK, "Period"),
    ],
)
def test_repeat_modes(repeat_mode, frequency, kind, mode):
    plan = new_plan(repeat_mode, frequency, now=NOW, timeout=MINUTE)

    assert (plan.kind, plan.repeat_mode) == (kind, mode)
    assert stored_plan(plan.repeat_mode, plan.frequency) == plan


@pytest.mark.parametrize(
    ("repeat_mode", "is_timed", "error", "code"),
    [
        ("Period", False, FrequencyMissing, "MissingParam.Frequency"),
        ("", True, FrequencyMissing, "MissingParam.Frequency"),
        ("Once", True, FrequencyMissing, "MissingParam.Frequency"),
        ("period", False, RepeatModeUnknown, "InvalidRepeatMode.NotFound"),
        ("Sometimes", False, RepeatModeUnknown, "InvalidRepeatMode.NotFound"),
    ],
)
def test_modes_that_are_none(repeat_mode, is_timed, error, code):
    with pytest.raises(error) as refusal:
        new_plan(repeat_mode, "", now=NOW, timeout=MINUTE, is_timed=is_timed)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("frequency", "reason"),
    [
        ("rate(5m", "rate(5m)"),
        ("rate(5 m)", "rate(5m)"),
        ("rate(-5m)", "rate(5m)"),
        ("rate(5m) UTC", "rate(5m)"),
        ("rate(٥m)", "rate(5m)"),
        (f"rate({'9' * 5000}s)", "rate(5m)"),
        ("rate(99999999d)", "60 seconds to 7 days"),
        ("at(2027-01-01)", "at(2022-05-17 17:30:50"),
        ("at(2027-01-01T00:00:00)", "at(2022-05-17 17:30:50"),
        ("at(2027-01-01 00:00:00 )", "at(2022-05-17 17:30:50"),
        ("at(2027-01-01 24:00:00)", "No calendar"),
        ("at(2027-13-01 00:00:00)", "No calendar"),
        ("at(0001-01-01 00:00:00 Asia/Shanghai)", "year"),
        ("at(9999-12-31 23:59:59 GMT-7:00)", "year"),
        ("at(2027-03-14 02:30:00 America/Los_Angeles)", "never show 2027-03-14 02:30:00"),
        ("at(2022-05-17 09:00:00 Asia/Shanghai)", "past"),
        ("at(2027-01-01 00:00:00 EST)", "“EST” is no time zone"),
        ("0 0 0 30 2 ?", "never fires"),
        ("0 0 0 1 1 ? 2022", "never fires"),
        ("0 30 2 14 3 ? 2027 America/Los_Angeles", "never fires"),
        # Only across the hour that spring leaves out.
        ("0 59,0 1,3 * * ? America/Los_Angeles", "01:59:00 and 03:00:00 are 60 seconds apart"),
        ("cron(0 0 9 * * ?)", "Second"),
        ("AT(2027-01-01 00:00:00)", "It has 2 fields"),
    ],
)
def test_other_plans_that_are_refused(frequency, reason):
    with pytest.raises(FrequencyRefused) as refusal:
        planned(frequency, timeout=timedelta(seconds=120))

    assert reason in refusal.value.message
    assert refusal.value.code == "InvalidParam.Frequency"


def test_a_stored_plan_is_not_judged_again():
    assert stored_plan("Period", "at(2001-01-01 00:00:00 UTC)").kind is PlanKind.MOMENT
    assert stored_plan("Period", "0 0 0 1 1 ? 2001").kind is PlanKind.CLOCK
    assert stored_plan("Period", "rate(1s)").kind is PlanKind.INTERVAL


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    plan = planned("at(2027-11-07 01:30:00 America/Los_Angeles)")

    assert next_runs(plan, NOW, 1, created_at=NOW) == [datetime(2027, 11, 7, 8, 30, tzinfo=UTC)]


def test_an_interval_keeps_its_beat_however_late_one_asks():
    plan = planned("rate(7m)")
    asked = NOW + timedelta(days=30, seconds=1)

    times = next_runs(plan, asked, 3, created_at=NOW)

    assert all((time - NOW) % timedelta(minutes=7) == timedelta() for time in times)
    assert asked < times[0] <= asked + timedelta(minutes=7)
    assert times[2] - times[0] == timedelta(minutes=14)


def test_a_time_that_has_come_is_not_next():
    plan = planned("rate(5m)")

    assert next_runs(plan, NOW + timedelta(minutes=5), 1, created_at=NOW) == [NOW + timedelta(minutes=10)]


@pytest.mark.parametrize("mode", ["Once", "NextRebootOnly", "EveryReboot"])
def test_nobody_foresees_the_starts_of_systems(mode):
    assert next_runs(stored_plan(mode, ""), NOW, 5, created_at=NOW) == []


@pytest.mark.parametrize(
    ("repeat_mode", "frequency", "wire"),
    [
        ("Once", "", ("Once", "")),
        ("NextRebootOnly", "", ("NextRebootOnly", "")),
        ("EveryReboot", "", ("EveryReboot", "")),
        ("Period", "rate(05m)", ("Rate", "rate(5m)")),
        ("Period", "at(2022-05-17 17:30:50 Asia/Shanghai)", ("At", "at(2022-05-17T09:30:50)")),
        ("Period", "0 15 10 ? * MON Asia/Shanghai", ("Period", "0 15 10 ? * 1 Asia/Shanghai")),
        ("Period", "0 15 10 ? * SUN", ("Period", "0 15 10 ? * 0")),
    ],
)
def test_how_agents_are_told(repeat_mode, frequency, wire):
    assert on_wire(stored_plan(repeat_mode, frequency)) == wire


WALL = datetime.fromisoformat("2027-01-02T03:04:05")


@pytest.mark.parametrize(
    ("chosen", "mode", "frequency"),
    [
        (Chosen(PlanKind.NOW, number=5, cron="nonsense"), "Once", ""),
        (Chosen(PlanKind.NEXT_START), "NextRebootOnly", ""),
        (Chosen(PlanKind.EVERY_START), "EveryReboot", ""),
        (Chosen(PlanKind.INTERVAL, number=90, unit="s"), "Period", "rate(90s)"),
        (
            Chosen(PlanKind.MOMENT, wall=WALL, zone="Asia/Tokyo"),
            "Period",
            "at(2027-01-02 03:04:05 Asia/Tokyo)",
        ),
        (Chosen(PlanKind.MOMENT, wall=WALL), "Period", "at(2027-01-02 03:04:05 UTC)"),
        (Chosen(PlanKind.CLOCK, cron="0 0 9 * * ?", zone="Asia/Tokyo"), "Period", "0 0 9 * * ? Asia/Tokyo"),
        (Chosen(PlanKind.CLOCK, cron="0 0 9 * * ?"), "Period", "0 0 9 * * ?"),
        (Chosen(PlanKind.CLOCK, cron="0 0 9 * * ? UTC", zone="Asia/Tokyo"), "Period", "0 0 9 * * ? UTC"),
    ],
)
def test_what_a_forms_fields_say(chosen, mode, frequency):
    plan = chosen_plan(chosen, now=NOW, timeout=MINUTE)

    assert (plan.kind, plan.repeat_mode, plan.frequency) == (chosen.kind, mode, frequency)


@pytest.mark.parametrize("kind", [PlanKind.INTERVAL, PlanKind.MOMENT, PlanKind.CLOCK])
def test_a_form_whose_field_is_empty_says_what_is_missing(kind):
    with pytest.raises(FrequencyMissing):
        chosen_plan(Chosen(kind), now=NOW, timeout=MINUTE)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("utc", "UTC"),
        ("GMT+8:00", "GMT+8:00"),
        ("gmt-6:30", "GMT-6:30"),
        ("Etc/GMT+8", "Etc/GMT+8"),
    ],
)
def test_zones_are_spelled_as_they_are_known(said, name):
    assert zone_named(said).name == name


@pytest.mark.parametrize(
    "said", ["", "CST", "Japan", "GMT", "GMT+08:00", "GMT+8", "Asia", "Asia/", "Asia/../Asia/Tokyo"]
)
def test_other_words_are_no_zones(said):
    assert zone_named(said) is None


def test_zones_have_the_label_of_the_console():
    summer, winter = datetime(2027, 7, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

    assert zone_named("Asia/Shanghai").label(winter) == "(GMT+8:00) Asia/Shanghai"
    assert zone_named("America/Los_Angeles").label(summer) == "(GMT-7:00) America/Los_Angeles"
    assert zone_named("America/St_Johns").label(winter) == "(GMT-3:30) America/St_Johns"
    assert zone_named("GMT+8:00").label(winter) == "GMT+8:00"


def test_every_zone_that_a_form_offers_is_one():
    names = zone_names()

    assert names[0] == "UTC"
    assert "Asia/Shanghai" in names
    assert all(zone_named(name).name == name for name in names)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(max_size=40)
    | st.builds("rate({})".format, st.text(max_size=9))
    | st.builds("at({})".format, st.text("0123456789-: UTC", max_size=30))
)
def test_any_text_is_a_plan_or_refused(text):
    assert isinstance(judged(text), Plan | FrequencyRefused | FrequencyMissing)


def judged(text):
    try:
        return new_plan("Period", text, now=NOW, timeout=MINUTE)
    except (FrequencyRefused, FrequencyMissing) as refusal:
        return refusal

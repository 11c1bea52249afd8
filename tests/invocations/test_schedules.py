"""The moments of plans: the last one up to a time, how many there were, and the one of a run."""

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter

from assistant.invocations import limits
from assistant.invocations.rules.plans import stored_plan
from assistant.invocations.rules.reports import Report
from assistant.invocations.rules.schedules import Schedule, last_run, moments_between
from assistant.invocations.rules.zones import UTC_ZONE
from assistant.invocations.states import ReportKind
from console.kit.clock import to_milliseconds

MADE = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)
NOW = datetime(2026, 6, 15, 12, 0, 30, tzinfo=UTC)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("frequency", "asked", "last"),
    [
        ("0 0 3 * * ? UTC", "2026-06-15T02:59:57", "2026-06-14T03:00:00"),
        ("0 0 3 * * ? UTC", "2026-06-15T02:59:58", "2026-06-15T03:00:00"),
        ("0 0 3 * * ? UTC", "2026-06-15T12:00:00", "2026-06-15T03:00:00"),
        ("*/10 * * * * ? UTC", "2026-06-15T12:00:17", "2026-06-15T12:00:10"),
        ("0 0 0 1 1 ? * UTC", "2026-06-15T12:00:00", "2026-01-01T00:00:00"),
        ("0 0 0 29 2 ? UTC", "2026-06-15T12:00:00", "2026-06-15T12:00:00"),
        ("0 30 2 * * ? Europe/Berlin", "2026-03-29T12:00:00", "2026-03-28T01:30:00"),
        ("0 30 2 * * ? Europe/Berlin", "2026-10-25T12:00:00", "2026-10-25T00:30:00"),
        ("rate(5m)", "2026-01-01T08:42:00", "2026-01-01T08:40:00"),
        ("rate(5m)", "2026-01-01T08:31:00", "2026-01-01T08:35:00"),
    ],
)
def test_the_last_moment_up_to_a_time(frequency, asked, last):
    assert last_run(stored_plan("Period", frequency), MADE, UTC_ZONE, at(asked)) == at(last)


@pytest.mark.parametrize(
    ("frequency", "after", "until", "number"),
    [
        ("0 0 3 * * ? UTC", "2026-06-01T03:00:00", "2026-06-11T03:00:00", 10),
        ("0 0 3 * * ? UTC", "2026-06-01T03:00:00", "2026-06-02T02:59:59", 0),
        ("0 0 3 * * ? UTC", "2026-06-11T03:00:00", "2026-06-01T03:00:00", 0),
        ("*/10 * * * * ? UTC", "2026-06-01T00:00:00", "2026-06-11T00:00:00", limits.FIRES_PER_LOOK),
        ("0 0 0 1 1 ? 2027 UTC", "2026-06-01T00:00:00", "2090-01-01T00:00:00", 1),
        ("rate(5m)", "2026-01-01T08:30:00", "2026-01-01T09:30:00", 12),
    ],
)
def test_how_many_moments_there_were(frequency, after, until, number):
    plan = stored_plan("Period", frequency)

    assert moments_between(plan, MADE, UTC_ZONE, at(after), at(until)) == number


@pytest.fixture
def days_asked(monkeypatch):
    """The days that are looked for in a calendar."""
    found = []

    class Counting(croniter):
        def all_next(self, *args, **kwargs):
            for moment in super().all_next(*args, **kwargs):
                found.append(moment)
                yield moment

    monkeypatch.setattr("assistant.invocations.rules.fires.croniter", Counting)
    return found


def test_no_day_is_looked_for_behind_the_last_one_asked_for(days_asked):
    plan = stored_plan("Period", "0 0 4 * * ? UTC")

    last_run(plan, MADE, UTC_ZONE, NOW)
    moments_between(plan, MADE, UTC_ZONE, NOW - timedelta(days=3), NOW)

    assert max(days_asked).date() <= NOW.date() + timedelta(days=1)
    assert len(days_asked) < 20


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ({"start": NOW}, "2026-06-15T12:00:00"),
        ({"start": NOW - timedelta(days=30)}, "2026-05-16T12:00:00"),
        ({"fire": NOW - timedelta(seconds=7)}, "2026-06-15T12:00:00"),
        ({"fire": NOW + timedelta(minutes=14)}, "2026-06-15T12:10:00"),
        # Before the plan was made, or after now by more than clocks are wrong: it runs now.
        ({"start": MADE - timedelta(days=1)}, "2026-06-15T12:00:00"),
        ({"fire": NOW + timedelta(days=1)}, "2026-06-15T12:00:00"),
        ({}, "2026-06-15T12:00:00"),
    ],
)
def test_the_moment_of_a_run(said, moment):
    schedule = Schedule(stored_plan("Period", "0 */10 * * * ? UTC"), MADE)
    names = {name: to_milliseconds(value) for name, value in said.items()}

    assert schedule.moment_of(Report("i", "t", ReportKind.RUNNING, **names), NOW) == at(moment)

"""Blackout windows: by the clocks of their zones, made by people, asked about where somebody runs by hand."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.urls import reverse

from access.models import AuditEntry
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.models import Blackout
from assistant.invocations.operations.blackouts import (
    BlackoutTerms,
    create_blackout,
    delete_blackout,
    modify_blackout,
)
from assistant.invocations.operations.guard import check_guard
from assistant.invocations.operations.runs import run_command
from assistant.invocations.rules.blackouts import Single, Weekly, next_stretch, stretch_at
from assistant.invocations.rules.plans import Timing
from assistant.invocations.rules.terms import Terms
from assistant.invocations.rules.zones import zone_named
from console.kit.errors import InvalidParameter, NotAllowed
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import blackout, planned, ran

BERLIN = zone_named("Europe/Berlin")
EVERY_DAY = range(1, 8)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(days, opens, closes, zone=BERLIN):
    return Weekly(days, time.fromisoformat(opens), time.fromisoformat(closes), zone)


# --- When ---

# 2026-11-23 is a Monday. In Berlin the clocks are put forward on 2026-03-29 and back on 2026-10-25.
OPEN = {
    "in the daytime": (window([1], "09:00", "17:00"), "2026-11-23 12:00", "2026-11-23 08:00", "2026-11-23 16:00"),
    "over midnight": (window([1], "22:00", "06:00"), "2026-11-24 03:00", "2026-11-23 21:00", "2026-11-24 05:00"),
    "from Sunday to Monday": (window([7], "22:00", "06:00"), "2026-11-23 03:00", "2026-11-22 21:00", "2026-11-23 05:00"),
    "all day": (window([1], "00:00", "00:00"), "2026-11-23 12:00", "2026-11-22 23:00", "2026-11-23 23:00"),
    "all weekend is one": (window([6, 7], "00:00", "00:00"), "2026-11-21 12:00", "2026-11-20 23:00", "2026-11-22 23:00"),
    "a night that is shorter": (window([6], "22:00", "06:00"), "2026-03-29 00:30", "2026-03-28 21:00", "2026-03-29 04:00"),
    "a night that is longer": (window([6], "22:00", "06:00"), "2026-10-25 00:30", "2026-10-24 20:00", "2026-10-25 05:00"),
    "from an hour that is left out": (window([7], "02:30", "04:00"), "2026-03-29 01:30", "2026-03-29 01:00", "2026-03-29 02:00"),
    "to an hour that is left out": (window([7], "01:00", "02:30"), "2026-03-29 00:30", "2026-03-29 00:00", "2026-03-29 01:00"),
    "to an hour that comes twice": (window([7], "01:00", "02:30"), "2026-10-25 01:15", "2026-10-24 23:00", "2026-10-25 01:30"),
    "from an hour that comes twice": (window([7], "02:30", "04:00"), "2026-10-25 00:45", "2026-10-25 00:30", "2026-10-25 03:00"),
    "once": (Single(utc("2026-11-23 08:00"), utc("2026-11-25 08:00")), "2026-11-24 00:00", "2026-11-23 08:00", "2026-11-25 08:00"),
}  # fmt: skip


@pytest.mark.parametrize(("window", "at", "start", "end"), OPEN.values(), ids=OPEN)
def test_a_window_is_open_by_the_clock_of_its_zone(window, at, start, end):
    stretch = stretch_at(window, utc(at))

    assert (stretch.start, stretch.end) == (utc(start), utc(end))
    assert stretch_at(window, stretch.start) == stretch
    assert stretch_at(window, stretch.end - timedelta(seconds=1)).end == stretch.end
    assert stretch_at(window, stretch.end) is None
    assert stretch_at(window, stretch.start - timedelta(seconds=1)) is None


def test_a_window_that_never_closes_is_open_at_any_time():
    always = window(EVERY_DAY, "00:00", "00:00")

    for hour in range(24 * 8):
        stretch = stretch_at(always, utc("2026-10-22 00:00") + timedelta(hours=hour))
        assert stretch.end - stretch.start > timedelta(days=7)


def test_the_next_opening_is_looked_for_a_week_ahead():
    mondays = window([1], "09:00", "17:00")

    assert next_stretch(mondays, utc("2026-11-23 17:00")).start == utc("2026-11-30 08:00")
    assert (
        next_stretch(Single(utc("2026-11-23 08:00"), utc("2026-11-23 09:00")), utc("2026-11-24 00:00"))
        is None
    )


# --- Made, changed, deleted ---


pytestmark = pytest.mark.django_db


def terms(**said):
    return BlackoutTerms(**{"reason": "Month end", "window": window([1, 5], "22:00", "06:00"), **said})


def test_a_window_is_made_changed_and_deleted_and_each_is_remembered(olga):
    made = create_blackout(olga, terms(tag_key="env", tag_value="prod"))
    assert (made.weekdays, made.tag, made.created_by) == ("15", "env=prod", "olga")
    assert Blackout.objects.get().window == window([1, 5], "22:00", "06:00")

    once = Single(utc("2090-01-01 00:00"), utc("2090-01-02 00:00"))
    modify_blackout(olga, made, terms(reason="Move", window=once))
    assert (Blackout.objects.get().window, made.tag) == (once, "")

    delete_blackout(olga, made)
    assert not Blackout.objects.exists()
    actions = AuditEntry.objects.filter(action__contains="Blackout").order_by("pk")
    assert [entry.action for entry in actions] == [
        "ecs:CreateBlackoutWindow",
        "ecs:ModifyBlackoutWindow",
        "ecs:DeleteBlackoutWindow",
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"tag_value": "prod"}, "tag"),
        ({"window": window([], "22:00", "06:00")}, "days"),
        ({"window": Single(utc("2090-01-02 00:00"), utc("2090-01-01 00:00"))}, "ends"),
        ({"window": Single(utc("2020-01-01 00:00"), utc("2020-01-02 00:00"))}, "ends"),
    ],
)
def test_what_is_no_window_is_refused(olga, said, field):
    with pytest.raises(InvalidParameter) as refusal:
        create_blackout(olga, terms(**said))

    assert refusal.value.field == field
    assert not Blackout.objects.exists()


def test_who_may_only_look_makes_none(rita):
    with pytest.raises(NotAllowed):
        create_blackout(rita, terms())


# --- Pages ---

WEEKLY = {
    "reason": "Nights",
    "tag": "env=prod",
    "kind": "clock",
    "days": ["1", "2"],
    "opens": "22:00",
    "closes": "06:00",
    "zone": "Europe/Berlin",
}
ONCE = {"reason": "Move", "kind": "moment", "starts": "2090-03-01T08:00", "ends": "2090-03-02T08:00"}


@pytest.mark.parametrize(
    ("said", "made"),
    [
        (WEEKLY, window([1, 2], "22:00", "06:00")),
        ({**ONCE, "zone": "Asia/Shanghai"}, Single(utc("2090-03-01 00:00"), utc("2090-03-02 00:00"))),
    ],
)
def test_a_form_makes_a_window_and_the_list_shows_it(as_operator, said, made):
    response = as_operator.post(reverse("invocations:blackout_create"), said)

    assert response.status_code == 302
    blackout = Blackout.objects.get()
    assert blackout.window == made
    page = as_operator.get(reverse("invocations:blackout_list")).content.decode()
    assert said["reason"] in page
    form = as_operator.get(blackout.get_absolute_url()).content.decode()
    assert said["reason"] in form
    changed = as_operator.post(blackout.get_absolute_url(), {**said, "reason": "Other"})
    assert (changed.status_code, Blackout.objects.get().reason) == (302, "Other")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"zone": "Mars/Base"}, "There is no such time zone"),
        ({"opens": ""}, "Say the time."),
        ({"days": []}, "Choose at least one day."),
        ({"kind": "moment"}, "Say the time."),
        ({**ONCE, "ends": "2090-02-01T08:00"}, "It has to end after it has begun."),
        ({"tag": "=prod"}, "A tag has a key"),
    ],
)
def test_a_form_that_makes_no_sense_is_shown_again(as_operator, changed, words):
    response = as_operator.post(reverse("invocations:blackout_create"), {**WEEKLY, **changed})

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Blackout.objects.exists()


# --- Runs that somebody starts by hand ---


def test_a_run_by_hand_is_asked_about_while_a_window_is_open(olga):
    instance = InstanceFactory()
    blackout(timedelta(minutes=-1))

    def run(confirmed=""):
        targets, timing = Instance.objects.all(), Timing(terms=Terms(confirmed=confirmed))
        return run_command(olga, instance.region, Script(content="true"), targets=targets, timing=timing)

    with pytest.raises(ConfirmationNeeded) as question:
        run()

    assert "1 instance is in a blackout window until" in question.value.reasons[0]
    assert "Month end." in question.value.reasons[0]
    assert run(question.value.digest).n_pending == 1


def test_plans_and_runs_elsewhere_are_not_asked_about(olga):
    blackout(timedelta(minutes=-1), tag_key="env")
    assert check_guard(olga, ran(olga).command, {}, [InstanceFactory().pk], confirmed="") == []

    blackout(timedelta(minutes=-1))
    planned(olga, frequency="rate(5m)")

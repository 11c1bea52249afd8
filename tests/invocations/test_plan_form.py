"""The plan in the run panel: its fields, the sentence, the next times, the run that comes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from assistant.invocations.forms import PlanForm
from assistant.invocations.models import Blackout, Invocation
from assistant.invocations.rules.plans import PlanKind
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def chosen(as_operator):
    """The run panel is sent with these fields of its plan, and what is answered."""
    instance = InstanceFactory()

    def send(address="invocations:run", **fields):
        words = {"language": "shell", "content": "true", "timeout": 60, "instance": instance.pk}
        return as_operator.post(reverse(address), {**words, **fields})

    return send


@pytest.mark.parametrize(
    ("fields", "repeat_mode", "frequency"),
    [
        ({}, "Once", ""),
        ({"plan": "now"}, "Once", ""),
        ({"plan": "next-start"}, "NextRebootOnly", ""),
        ({"plan": "every-start"}, "EveryReboot", ""),
        ({"plan": "interval", "interval": "15", "unit": "m"}, "Period", "rate(15m)"),
        (
            {"plan": "moment", "moment": "2090-05-17T17:30:50", "zone": "asia/shanghai"},
            "Period",
            "at(2090-05-17 17:30:50 Asia/Shanghai)",
        ),
        (
            {"plan": "moment", "moment": "2090-05-17T17:30", "zone": ""},
            "Period",
            "at(2090-05-17 17:30:00 UTC)",
        ),
        (
            {"plan": "clock", "cron": "0 15 10 ? * MON", "zone": "Asia/Shanghai"},
            "Period",
            "0 15 10 ? * MON Asia/Shanghai",
        ),
        ({"plan": "clock", "cron": "0 15 10 ? * MON", "zone": ""}, "Period", "0 15 10 ? * MON"),
        # What stands in the fields of the other kinds is not looked at.
        (
            {"plan": "interval", "interval": "2", "unit": "h", "moment": "never", "cron": "x", "zone": "UTC"},
            "Period",
            "rate(2h)",
        ),
        ({"plan": "now", "interval": "x", "zone": "Nowhere/At_All", "expires_at": "x"}, "Once", ""),
    ],
)
def test_what_is_chosen_is_what_runs(fields, repeat_mode, frequency, chosen):
    assert chosen(**fields).status_code == 302

    invocation = Invocation.objects.get()
    assert (invocation.repeat_mode, invocation.frequency) == (repeat_mode, frequency)


@pytest.mark.parametrize(
    ("fields", "name", "sentence"),
    [
        ({"plan": "interval", "interval": "", "unit": "m"}, "interval", "Say how long"),
        ({"plan": "interval", "interval": "30", "unit": "s"}, "interval", "from 60 seconds to 7 days"),
        ({"plan": "interval", "interval": "60", "unit": "s"}, "interval", "longer than the timeout"),
        ({"plan": "interval", "interval": "x", "unit": "m"}, "interval", "whole number"),
        ({"plan": "moment", "moment": ""}, "moment", "Say the day"),
        ({"plan": "moment", "moment": "2001-01-01T00:00"}, "moment", "past"),
        ({"plan": "moment", "moment": "2090-01-01T00:00", "zone": "Japan"}, "zone", "no such time zone"),
        ({"plan": "clock", "cron": ""}, "cron", "Write the times"),
        ({"plan": "clock", "cron": "* * * * * ?"}, "cron", "apart"),
        ({"plan": "clock", "cron": "0 0 3 1 * 1"}, "cron", "?"),
        (
            {"plan": "interval", "interval": "5", "unit": "m", "expires_at": "2001-01-01T00:00"},
            "expires_at",
            "past",
        ),
        ({"plan": "tomorrow"}, "plan", "tomorrow"),
    ],
)
def test_a_refusal_stands_at_its_field(fields, name, sentence, chosen):
    response = chosen(**fields)

    assert response.status_code == 422
    assert sentence in " ".join(response.context["plan"].errors[name])
    assert f'id="id_{name}_error"' in response.content.decode() or name == "plan"
    assert not Invocation.objects.exists()


def test_a_refusal_of_another_field_keeps_the_plan(chosen):
    page = chosen(plan="clock", cron="0 0 4 * * ?", zone="Europe/Berlin", timeout="").content.decode()

    assert 'value="0 0 4 * * ?"' in page
    assert 'value="Europe/Berlin"' in page


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (
            {"plan": "clock", "cron": "0 15 10 ? * MON", "zone": "Asia/Shanghai"},
            ["Every Monday at 10:15 in Asia/Shanghai", "(GMT+8:00) Asia/Shanghai", "Mon ", "10:15:00"],
        ),
        ({"plan": "clock", "cron": "0 15 10 ? * 1", "zone": ""}, ["each server&#x27;s own clock", "Mon "]),
        ({"plan": "every-start"}, ["At every start of the server"]),
        ({"plan": "moment", "moment": "2090-05-17T17:30:50"}, ["17:30:50", "And never again."]),
        ({"plan": "interval", "interval": "5", "unit": "s"}, ["from 60 seconds to 7 days"]),
        ({"plan": "interval", "interval": "1", "unit": "m", "timeout": "60"}, ["longer than the timeout"]),
    ],
)
def test_the_preview_says_when_it_would_run(fields, shown, chosen):
    page = chosen("invocations:run_plan", **fields).content.decode()

    assert "<html" not in page
    for words in shown:
        assert words in page


def test_five_times_are_foretold_and_none_after_the_end(chosen):
    def times(**fields):
        page = chosen(
            "invocations:run_plan", plan="interval", interval="1", unit="h", **fields
        ).content.decode()
        return page.count("<time")

    soon = timezone.now().replace(year=timezone.now().year + 1)

    assert times() == 5
    assert times(expires_at=f"{soon:%Y-%m-%dT%H:%M}") == 5


def test_a_run_that_begins_now_foretells_nothing(chosen):
    page = chosen("invocations:run_plan", plan="now").content.decode()

    assert "<time" not in page
    assert 'id="foreseen"' in page


def test_times_within_a_blackout_window_are_told(chosen):
    begin = timezone.now().replace(minute=30) + timedelta(hours=1)
    times = {"starts_at": begin, "ends_at": begin + timedelta(hours=2)}
    Blackout.objects.create(reason="Month end", created_by="olga", **times)

    page = chosen("invocations:run_preview", plan="clock", cron="0 0 * * * ?", zone="UTC").content.decode()

    assert "Left out on 1 instance (Month end):" in page
    told = page.split("(Month end):")[1].split("</p>")[0]
    assert [f"{begin + timedelta(minutes=30, hours=hour):%H:%M}" in told for hour in range(3)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("where", "zone"),
    [
        ({"tag_key": "role"}, "UTC"),
        # By each server's own clock there is no one moment.
        ({}, ""),
    ],
)
def test_windows_elsewhere_leave_nothing_out(where, zone, chosen):
    now = timezone.now()
    times = {"starts_at": now, "ends_at": now + timedelta(days=9)}
    Blackout.objects.create(reason="Month end", created_by="olga", **times, **where)

    page = chosen("invocations:run_preview", plan="clock", cron="0 0 * * * ?", zone=zone).content.decode()

    assert "Month end" not in page


def test_zones_come_when_they_are_asked_for(chosen, as_operator):
    address = reverse("invocations:run_zones")

    form = chosen("invocations:run", content="").content.decode()
    options = as_operator.get(address, headers={"HX-Request": "true"}).content.decode()
    page = as_operator.get(address).content.decode()

    assert "Asia/Shanghai" not in form
    assert f'href="{address}"' in form
    assert '<option value="Asia/Shanghai">' in options
    assert "<html" not in options
    assert "(GMT+8:00) Asia/Shanghai" in page


def test_it_expires_by_the_clock_of_its_zone():
    form = PlanForm(
        {
            "plan": "interval",
            "interval": "1",
            "unit": "d",
            "zone": "Asia/Shanghai",
            "expires_at": "2090-01-01T08:00",
        },
        timeout=60,
    )

    assert form.is_valid()
    assert form.timing.expires_at == datetime(2090, 1, 1, tzinfo=UTC)
    assert form.timing.plan.kind is PlanKind.INTERVAL


@pytest.mark.parametrize(
    "fields", [{"plan": "interval", "interval": "1", "unit": "h"}, {"plan": "every-start"}]
)
def test_saved_and_common_commands_have_plans_too(fields, chosen, olga):
    chosen(command=saved(olga).pk, **fields)
    chosen(common="CA-ECS-DiskUsage.sh", **fields)

    assert [invocation.plan.kind for invocation in Invocation.objects.all()] == [fields["plan"]] * 2


def test_the_timeout_of_a_saved_command_counts(chosen, olga):
    command = saved(olga, timeout=600)

    response = chosen(command=command.pk, plan="interval", interval="10", unit="m")

    assert "longer than the timeout" in response.content.decode()


def test_what_happens_says_the_plan_and_that_who_is_offline_waits(chosen):
    page = chosen("invocations:run_preview", plan="clock", cron="0 0 3 * * ?", zone="UTC").content.decode()

    assert "Every day at 03:00 in UTC" in page
    assert "fails at once" not in page


def test_a_copy_of_a_plan_begins_as_the_plan(chosen, as_operator):
    chosen(plan="clock", cron="0 15 10 ? * MON", zone="Asia/Shanghai")

    page = as_operator.get(reverse("invocations:run"), {"again": Invocation.objects.get().pk})

    assert page.context["plan"]["cron"].value() == "0 15 10 ? * MON"
    assert page.context["plan"]["zone"].value() == "Asia/Shanghai"
    assert page.context["plan"].kind is PlanKind.CLOCK
    assert "Every Monday at 10:15" in page.content.decode()


@pytest.mark.parametrize(
    ("words", "repeat_mode", "frequency"),
    [
        (["--frequency", "rate(15m)"], "Period", "rate(15m)"),
        (["--repeat-mode", "EveryReboot"], "EveryReboot", ""),
        (["--frequency", "0 15 10 ? * MON Asia/Shanghai"], "Period", "0 15 10 ? * MON Asia/Shanghai"),
    ],
)
def test_the_command_line_makes_plans_too(words, repeat_mode, frequency, olga, capsys):
    place = ["--instance", InstanceFactory().pk, "--as", "olga", "--expires", "2090-01-01T00:00:00+08:00"]

    call_command("run_command", *place, "--content", "true", *words)
    call_command("run_common_command", "CA-ECS-DiskUsage.sh", *place, *words)

    for invocation in Invocation.objects.all():
        assert (invocation.repeat_mode, invocation.frequency) == (repeat_mode, frequency)
        assert invocation.expires_at == datetime(2089, 12, 31, 16, tzinfo=UTC)
    assert Invocation.objects.count() == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--frequency", "rate(5s)"], "60 seconds"),
        (["--repeat-mode", "Sometimes"], "Sometimes"),
        (["--frequency", "rate(5m)", "--expires", "soon"], "not soon"),
    ],
)
def test_the_command_line_refuses_in_a_sentence(words, sentence, olga, capsys):
    with pytest.raises(SystemExit):
        call_command(
            "run_command", "--instance", InstanceFactory().pk, "--content", "true", "--as", "olga", *words
        )

    assert sentence in capsys.readouterr().err

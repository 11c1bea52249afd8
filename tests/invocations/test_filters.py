"""The results list's filters, each of which an address can carry."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from assistant.instances.models import Instance
from assistant.invocations.models import Invocation
from assistant.invocations.operations.runs import invoke_command
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(olga, rita):
    """Yesterday's and today's, on two instances."""
    first, second = InstanceFactory(name="web-1"), InstanceFactory(name="web-2", os_type="windows")
    yesterday, today = ran(olga, first), ran(olga, second, type="RunBatScript", content="ver")
    Invocation.objects.filter(pk=yesterday.pk).update(created_at=timezone.now() - timedelta(days=1))
    report(started(target_of(today)), exit_code=1)
    return {"yesterday": yesterday.pk, "today": today.pk}


def moment(**ago):
    return (timezone.now() - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, {"yesterday", "today"}),
        ({"begin": moment(hours=12)}, {"today"}),
        ({"end": moment(hours=12)}, {"yesterday"}),
        ({"begin": moment(days=2), "end": moment(hours=12)}, {"yesterday"}),
        ({"status": "Failed"}, {"today"}),
        ({"type": "RunBatScript"}, {"today"}),
        ({"instance": "web-1"}, {"yesterday"}),
        ({"user": "olga"}, {"yesterday", "today"}),
        ({"user": "rita"}, set()),
        ({"command": "c-none"}, set()),
        ({"plan": "now"}, {"yesterday", "today"}),
    ],
)
def test_each_filter_finds_what_it_names(query, wanted, runs, as_operator):
    page = as_operator.get(reverse("invocations:invocation_list"), query)

    assert {run.pk for run in page.context["listing"].page} == {runs[name] for name in wanted}


def test_the_runs_of_a_saved_command_and_of_an_instance_by_its_id(olga, runs, as_operator):
    instance, command = InstanceFactory(), saved(olga)
    run = invoke_command(olga, command, targets=Instance.objects.filter(pk=instance.pk))

    for query in ({"command": command.pk}, {"instance": instance.pk}):
        page = as_operator.get(reverse("invocations:invocation_list"), query)

        assert [one.pk for one in page.context["listing"].page] == [run.pk]


def test_a_time_that_is_none_is_said_to_be_none(runs, as_operator):
    page = as_operator.get(reverse("invocations:invocation_list"), {"begin": "yesterday"})

    assert "Enter a valid date/time" in page.content.decode()

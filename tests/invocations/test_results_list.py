"""The list of results: what a row says, and what can be done from it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import Quota
from access.principals import SYSTEM
from access.rules.quotas import RUNS
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.invocations.models import Invocation
from assistant.invocations.operations.plan_limits import hold_plans
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import blackout, planned, ran, report, started, target_of

pytestmark = pytest.mark.django_db


def row_of(client, invocation):
    page = client.get(reverse("invocations:invocation_list")).content.decode()
    [row] = [row for row in page.split("<tr")[1:] if f">{invocation.pk}<" in row]
    return row


def address(name, invocation):
    return reverse(name, args=[invocation.pk])


def opened(**where):
    """A window that is open since a minute, and the clock's step."""
    blackout(timedelta(minutes=-1), **where)
    swept()


def swept():
    hold_plans(SYSTEM, now=timezone.now())


def test_a_row_says_whom_it_runs_as(olga, as_operator):
    assert "deploy" in row_of(as_operator, ran(olga, username="deploy"))
    assert "default" in row_of(as_operator, ran(olga))


def test_a_row_says_how_many_failed(olga, as_operator):
    invocation = ran(olga, InstanceFactory(), InstanceFactory())
    assert "failed" not in row_of(as_operator, invocation)

    report(started(invocation.targets.first()), exit_code=1)

    assert "1 failed" in row_of(as_operator, invocation)


def test_a_run_that_goes_on_is_stopped_exported_and_run_again_from_its_row(olga, as_operator):
    invocation = ran(olga)
    acts = ["invocations:invocation_stop", "invocations:invocation_run_again", "exports:export_create"]

    row = row_of(as_operator, invocation)
    for name in acts:
        assert f'href="{address(name, invocation)}"' in row

    report(target_of(invocation))
    assert address("invocations:invocation_stop", invocation) not in row_of(as_operator, invocation)


def test_who_may_only_look_is_told_what_is_missing(olga, as_reader):
    row = row_of(as_reader, ran(olga))

    assert "You need ecs:RunCommand" in row
    assert "You need ecs:StopInvocation" in row


def test_before_it_runs_again_it_says_on_what(olga, as_operator):
    here, gone = InstanceFactory(), InstanceFactory()
    invocation = ran(olga, here, gone, content="uptime", username="deploy")
    deregister_managed_instance(olga, gone)
    again = address("invocations:invocation_run_again", invocation)

    asked = as_operator.get(again).content.decode()

    assert "uptime" in asked
    assert "<b>deploy</b> on <b>1 instance</b>" in asked
    assert "1 is deregistered by now" in asked
    assert Invocation.objects.count() == 1
    as_operator.post(again)
    assert set(Invocation.objects.first().targets.values_list("instance", flat=True)) == {here.pk}


def test_on_the_failed_ones_alone_it_says_so_too(olga, as_operator):
    failed, well = InstanceFactory(), InstanceFactory()
    invocation = ran(olga, failed, well)
    report(target_of(invocation, failed), exit_code=1)
    report(target_of(invocation, well))
    again = address("invocations:invocation_run_again_failed", invocation)
    assert f'href="{again}"' in as_operator.get(invocation.get_absolute_url()).content.decode()

    asked = as_operator.get(again).content.decode()
    assert "<b>1 instance</b> of this run" in asked
    assert "outcome=failed" in asked
    as_operator.post(again)

    assert set(Invocation.objects.first().targets.values_list("instance", flat=True)) == {failed.pk}


def test_where_nobody_is_left_nothing_is_run_again(olga, as_operator):
    instance = InstanceFactory()
    invocation = ran(olga, instance)
    deregister_managed_instance(olga, instance)

    asked = as_operator.get(address("invocations:invocation_run_again", invocation)).content.decode()

    assert re.search(r'type="submit" disabled>', asked)


def test_a_plan_that_is_held_says_why_and_not_when_it_runs_next(olga, as_operator):
    invocation = planned(olga, frequency="rate(5m)")
    assert ">next " in row_of(as_operator, invocation)

    opened()

    row = row_of(as_operator, invocation)
    assert "held until" in row
    assert "Month end" in row
    assert ">next " not in row


def test_of_a_plan_that_is_held_in_part_both_are_said(olga, as_operator):
    web, db = InstanceFactory(), InstanceFactory()
    db.tags.create(key="role", value="db")
    invocation = planned(olga, web, db, frequency="rate(5m)")

    opened(tag_key="role")

    row = row_of(as_operator, invocation)
    assert "1 of 2 held until" in row
    assert ">next " in row


def test_a_plan_that_waits_for_tomorrows_quota_says_so(olga, as_operator):
    invocation = planned(olga, frequency="rate(5m)")
    Quota.objects.create(name=RUNS.name, region_id="local", value=1)
    swept()

    assert "quota for today are used up" in row_of(as_operator, invocation)

"""Instances are added to a plan that goes on."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import AuditEntry
from access.principals import SYSTEM
from assistant.commands.models import Command
from assistant.instances.models import Instance
from assistant.invocations import errors
from assistant.invocations.models import Invocation
from assistant.invocations.operations.plans import modify_invocation_attribute
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import repair_counters
from assistant.invocations.states import Overall, Status
from console.kit.errors import NotAllowed
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, planned, ran, ran_at, target_of

pytestmark = pytest.mark.django_db


def added(principal, invocation, *instances):
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    return modify_invocation_attribute(principal, invocation, targets=targets)


def test_a_plan_runs_on_what_was_added_from_its_next_moment_on(olga):
    plan, instance = planned(olga, frequency="rate(1h)"), InstanceFactory()

    invocation = added(olga, plan, instance)

    target = target_of(plan, instance)
    assert (invocation.n_total, invocation.n_scheduled, invocation.state) == (2, 2, Overall.SCHEDULED)
    assert target.state is Status.SCHEDULED
    assert [task.invocation_id for task in fetch(target).runs] == [plan.pk]
    assert not repair_counters(SYSTEM, invocation, now=timezone.now())


def test_its_first_run_is_the_moment_of_the_others(olga):
    plan, instance = planned(olga, frequency="rate(1h)"), InstanceFactory()
    moment = plan.created_at + timedelta(hours=1)
    added(olga, plan, instance)

    for target in plan.targets.all():
        ran_at(target, moment)

    assert {record.fired_at for record in plan.records.all()} == {moment}


def test_what_is_in_the_plan_already_stays_as_it_is(olga):
    first, second = InstanceFactory(), InstanceFactory()
    plan = planned(olga, first, frequency="0 0 3 * * ? UTC")

    assert added(olga, plan, first, second).n_total == 2
    with pytest.raises(errors.TargetsMissing):
        added(olga, plan, first)


@pytest.mark.parametrize(
    ("of", "error"),
    [
        (lambda olga: ran(olga), errors.PlanNotOpen),
        (lambda olga: stop_invocation(olga, planned(olga, frequency="rate(1h)")), errors.PlanOver),
    ],
)
def test_nothing_is_added_to_what_is_no_plan_or_is_over(of, error, olga):
    invocation = of(olga)

    with pytest.raises(error):
        added(olga, invocation, InstanceFactory())

    assert invocation.targets.count() == 1


def test_a_plan_for_the_next_start_takes_more(olga):
    plan = planned(olga, repeat_mode="NextRebootOnly")

    assert added(olga, plan, InstanceFactory()).n_scheduled == 2


def test_linux_and_windows_are_not_mixed(olga):
    plan = planned(olga, frequency="rate(1h)")

    with pytest.raises(errors.CommandNotApplicable):
        added(olga, plan, InstanceFactory(os_type="windows"))


def test_an_agent_that_is_too_old_fails_alone(olga):
    plan = planned(olga, frequency="rate(1h)")

    invocation = added(olga, plan, InstanceFactory(agent_name="", agent_version="1.0.0.0"))

    assert (invocation.n_scheduled, invocation.n_aborted) == (1, 1)
    assert invocation.state is Overall.SCHEDULED


def test_it_is_asked_on_each_instance_and_remembered(olga, rita):
    plan, instance = planned(olga, frequency="rate(1h)"), InstanceFactory()

    with pytest.raises(NotAllowed):
        added(rita, plan, instance)
    added(olga, plan, instance)

    entry = AuditEntry.objects.filter(action="ecs:ModifyInvocationAttribute", resource=plan.pk).latest("pk")
    assert instance.pk in str(entry.facts)


def test_the_panel_lists_who_can_take_it_and_adds_who_is_ticked(olga, as_operator):
    plan = planned(olga, InstanceFactory(name="old"), frequency="rate(1h)")
    wanted = InstanceFactory(name="new")
    InstanceFactory(name="pane", os_type="windows")
    address = reverse("invocations:invocation_modify", args=[plan.pk])

    page = as_operator.get(address)
    response = as_operator.post(address, {"instance": wanted.pk})

    assert [instance.name for instance in page.context["rows"]] == ["new"]
    assert response["Location"].endswith("?tab=instances")
    assert Invocation.objects.get().n_total == 2


def test_all_that_match_are_those_that_can_take_it(olga, as_operator):
    plan = planned(olga, frequency="rate(1h)")
    InstanceFactory.create_batch(3)
    InstanceFactory(os_type="windows")

    as_operator.post(reverse("invocations:invocation_modify", args=[plan.pk]), {"all": "1"})

    assert Invocation.objects.get().n_total == 4
    assert Command.objects.count() == 1


def test_the_guard_asks_about_a_plan_for_most_of_the_fleet(olga, as_operator):
    first, *_others = InstanceFactory.create_batch(30)
    plan = planned(olga, first, frequency="rate(1h)")
    address = reverse("invocations:invocation_modify", args=[plan.pk])

    asked = as_operator.post(address, {"all": "1"})
    added = as_operator.post(address, {"all": "1", "confirmed": asked.context["question"].digest})

    assert 'name="confirmed"' in asked.content.decode()
    assert added.status_code == 302
    assert Invocation.objects.get().n_total == 30


def test_filtering_adds_nobody_and_keeps_what_was_ticked(olga, as_operator):
    plan = planned(olga, frequency="rate(1h)")
    first, second = InstanceFactory(name="alpha"), InstanceFactory(name="beta")
    address = reverse("invocations:invocation_modify", args=[plan.pk])

    page = as_operator.post(address, {"instance": first.pk, "q": "beta", "look": "1"})

    assert [instance.pk for instance in page.context["rows"]] == [second.pk]
    assert page.context["hidden_ticks"] == [first.pk]
    assert Invocation.objects.get().n_total == 1


def test_adding_is_offered_while_the_plan_goes_on(olga, as_operator):
    plan = planned(olga, frequency="rate(1h)")
    target = target_of(plan)
    fetch(target)
    address = reverse("invocations:invocation_modify", args=[plan.pk])
    going_on = as_operator.get(plan.get_absolute_url()).content.decode()

    stop_invocation(olga, plan)

    stopping = as_operator.get(plan.get_absolute_url()).content.decode()
    assert target_of(plan).state is Status.STOPPING
    assert (address in going_on, address in stopping) == (True, False)

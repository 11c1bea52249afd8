"""Runs that wait for servers that are offline: until they are back, or until a deadline."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations.errors import OfflineWaitRefused
from assistant.invocations.models import Invocation
from assistant.invocations.operations.deliveries import instances_with_work, ring_unheard
from assistant.invocations.operations.runs import run_command
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue
from assistant.invocations.rules.plans import Plan, PlanKind, Timing
from assistant.invocations.rules.terms import Terms
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, fresh, report, target_of

pytestmark = pytest.mark.django_db


def waiting_run(principal, instance, *, plan=None, **wait):
    until = timezone.now() + timedelta(**wait or {"days": 1})
    timing = Timing(plan or Plan(PlanKind.NOW), terms=Terms(waits_until=until))
    targets = Instance.objects.filter(pk=instance.pk)
    return run_command(principal, instance.region, Script("echo hi"), targets=targets, timing=timing)


def come_back(instance):
    Instance.objects.filter(pk=instance.pk).update(last_seen_at=timezone.now(), channel="here")


def sweep(**later):
    end_overdue(SYSTEM, now=timezone.now() + timedelta(**later))


def test_it_waits_instead_of_failing(olga):
    target = target_of(waiting_run(olga, InstanceFactory(offline=True)))

    sweep(hours=23)

    assert fresh(target).status == "Pending"
    assert fresh(target.invocation).status == "Pending"


def test_it_is_handed_out_when_the_server_is_back(olga):
    instance = InstanceFactory(offline=True)
    target = target_of(waiting_run(olga, instance))
    come_back(instance)

    assert instances_with_work([instance.pk]) == [instance.pk]
    [task] = fetch(target, is_startup=True, cold_start=True).runs
    assert task.invocation_id == target.invocation_id
    report(target)
    assert fresh(target).status == "Success"


def test_a_lost_ring_is_rung_again(olga, bell):
    instance = InstanceFactory(offline=True)
    waiting_run(olga, instance)
    come_back(instance)

    assert ring_unheard(SYSTEM, now=timezone.now() + timedelta(seconds=11)) == 1
    assert instance.pk in bell.kicks


@pytest.mark.parametrize(
    ("trait", "code"), [({"offline": True}, "ClientNotOnline"), ({"never_seen": True}, "ClientNotRunning")]
)
def test_at_the_deadline_it_ends_as_it_would_have_at_once(olga, trait, code):
    target = target_of(waiting_run(olga, InstanceFactory(**trait)))

    sweep(hours=25)

    assert (fresh(target).status, target.error_code) == ("Aborted", code)
    assert fresh(target.invocation).status == "Failed"


def test_a_server_that_leaves_before_it_has_fetched_is_waited_for_too(olga):
    instance = InstanceFactory()
    target = target_of(waiting_run(olga, instance))
    Instance.objects.filter(pk=instance.pk).update(
        last_seen_at=timezone.now() - timedelta(hours=1), channel=""
    )

    sweep(seconds=61)
    sweep(hours=23)

    assert fresh(target).status == "Pending"
    assert target.due_at == target.invocation.waits_until


def test_a_server_that_leaves_after_it_has_fetched_gets_it_again(olga):
    instance = InstanceFactory()
    target = target_of(waiting_run(olga, instance))
    fetch(target)
    Instance.objects.filter(pk=instance.pk).update(
        last_seen_at=timezone.now() - timedelta(hours=1), channel=""
    )
    sweep(seconds=121)
    assert fresh(target).status == "Pending"

    come_back(instance)

    assert fetch(target, is_startup=True).runs


def test_a_server_that_is_there_and_says_nothing_is_not_waited_for(olga):
    instance = InstanceFactory()
    target = target_of(waiting_run(olga, instance))
    fetch(target)
    Instance.objects.filter(pk=instance.pk).update(last_seen_at=timezone.now() + timedelta(minutes=2))

    sweep(seconds=121)

    assert (fresh(target).status, target.error_code) == ("Aborted", "ClientNotResponse")


def test_a_stop_ends_the_wait_at_once(olga):
    invocation = waiting_run(olga, InstanceFactory(offline=True))

    stop_invocation(olga, invocation)

    assert target_of(invocation).status == "Cancelled"


@pytest.mark.parametrize(
    "wrong", [{"days": 31}, {"seconds": -1}, {"days": 1, "plan": Plan(PlanKind.EVERY_START)}]
)
def test_what_cannot_be_waited_for_is_refused(olga, wrong):
    with pytest.raises(OfflineWaitRefused):
        waiting_run(olga, InstanceFactory(offline=True), **wrong)

    assert not Invocation.objects.exists()


def test_the_form_asks_for_it_and_the_page_says_until_when(as_operator):
    instance = InstanceFactory(offline=True)
    words = {"language": "shell", "content": "true", "timeout": 60, "plan": "now", "waits_until": 24}

    as_operator.post("/console/run/", {**words, "instance": instance.pk})

    invocation = Invocation.objects.get()
    assert timedelta(hours=23) < invocation.waits_until - timezone.now() <= timedelta(hours=24)
    page = as_operator.get(invocation.get_absolute_url()).content.decode()
    assert "Servers that are offline may come back until" in page

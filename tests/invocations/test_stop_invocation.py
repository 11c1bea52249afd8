from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction
from django.utils import timezone

from assistant.instances.models import Instance
from assistant.invocations.errors import NothingToStop
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.plans import modify_invocation_attribute
from assistant.invocations.operations.stops import stop_invocation
from console.kit.errors import NotAllowed
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, planned, ran, report, started, target_of
from tests.transactions import apart, until_it_waits

pytestmark = pytest.mark.django_db


def test_what_no_agent_has_fetched_is_over_at_once(olga):
    invocation = stop_invocation(olga, ran(olga))

    assert target_of(invocation).status == "Cancelled"
    assert invocation.status == "Stopped"


def test_what_an_agent_has_is_stopping_until_it_confirms(olga, bell, django_capture_on_commit_callbacks):
    invocation = ran(olga)
    target = started(target_of(invocation))

    with django_capture_on_commit_callbacks(execute=True):
        invocation = stop_invocation(olga, invocation)

    assert (target_of(invocation).status, invocation.status) == ("Stopping", "Stopping")
    assert bell.kicks == {target.instance_id: f"kick_vm task stop {invocation.pk}"}


def test_the_time_of_a_stop_is_that_of_the_order(olga):
    invocation = ran(olga)
    target = started(target_of(invocation))
    before = timezone.now()

    stop_invocation(olga, invocation)
    ordered_at = target_of(invocation).stopped_at
    report(target, "stopped")

    assert before <= ordered_at <= timezone.now()
    assert target.stopped_at == ordered_at


def test_a_second_order_changes_nothing(olga):
    invocation = ran(olga)
    started(target_of(invocation))
    ordered_at = target_of(stop_invocation(olga, invocation)).stopped_at

    again = stop_invocation(olga, invocation)

    assert target_of(again).stopped_at == ordered_at


def test_what_has_ended_cannot_be_stopped(olga):
    invocation = ran(olga)
    report(started(target_of(invocation)))

    with pytest.raises(NothingToStop):
        stop_invocation(olga, invocation)


def test_some_instances_are_stopped_and_the_others_go_on(olga):
    one, other = InstanceFactory(), InstanceFactory()
    invocation = ran(olga, one, other)

    invocation = stop_invocation(olga, invocation, targets=Target.objects.filter(instance=one))

    assert target_of(invocation, one).status == "Cancelled"
    assert target_of(invocation, other).status == "Pending"
    assert invocation.status == "Pending"


def test_another_invocations_targets_are_left_alone(olga):
    mine, other = ran(olga), ran(olga)

    with pytest.raises(NothingToStop):
        stop_invocation(olga, mine, targets=Target.objects.filter(invocation=other))

    assert target_of(other).status == "Pending"


def test_an_end_that_wins_the_race_counts(olga):
    invocation = ran(olga)
    target = started(target_of(invocation))
    stop_invocation(olga, invocation)

    report(target, body=b"done")

    assert target.status == "Success"


@pytest.mark.django_db(transaction=True)
def test_what_is_being_added_to_a_plan_is_stopped_with_the_rest(olga):
    plan, instance = planned(olga, frequency="rate(1h)"), InstanceFactory()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            modify_invocation_attribute(olga, plan, targets=Instance.objects.filter(pk=instance.pk))
            stop = other.submit(apart, stop_invocation, olga, Invocation.objects.get())
            until_it_waits()
        stop.result()

    assert set(Target.objects.values_list("status", flat=True)) == {"Cancelled"}
    assert Invocation.objects.get().n_cancelled == 2


def test_the_stop_is_listed_until_it_is_confirmed(olga):
    invocation = ran(olga)
    target = started(target_of(invocation))
    stop_invocation(olga, invocation)

    assert [task.invocation_id for task in fetch(target).stops] == [invocation.pk]
    report(target, "stopped")
    assert fetch(target).stops == []


def test_a_reader_stops_nothing(olga, rita):
    with pytest.raises(NotAllowed):
        stop_invocation(rita, ran(olga))

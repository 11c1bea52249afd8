import pytest
from django.utils import timezone

from assistant.invocations.errors import NothingToStop
from assistant.invocations.models import Target
from assistant.invocations.operations.stops import stop_invocation
from console.kit.errors import NotAllowed
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, ran, report, started, target_of

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

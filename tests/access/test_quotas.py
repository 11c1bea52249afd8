"""Quotas: what holds where, exact counting, and the rooms that use them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.errors import ActivationTooLarge, CommandsUsedUp, InstancesUsedUp, RunsUsedUp
from access.models import AuditEntry, Quota, QuotaUse
from access.operations.quotas import (
    claim,
    limit,
    quotas_in_use,
    reset_quota,
    set_quota,
    tomorrow_after,
    use,
)
from access.principals import SYSTEM
from access.rules import quotas
from access.rules.quotas import ACTIVATION_SIZE, ACTIVATIONS, COMMANDS, INSTANCES, RUNS
from assistant.instances.models import Activation, Instance
from assistant.instances.operations.activations import create_activation
from assistant.instances.operations.registrations import register_instance
from assistant.invocations.models import Invocation
from console.kit.errors import InvalidParameter, NotAllowed, NotFound, QuotaExceeded
from tests.instances.factories import ActivationFactory, InstanceFactory, RegionFactory
from tests.invocations.factories import ran

pytestmark = pytest.mark.django_db

YESTERDAY = (timezone.now() - timedelta(days=1)).astimezone(UTC).date().isoformat()


@pytest.fixture
def region():
    return RegionFactory()


# --- What holds where ---


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({}, 5000),
        ({"": 7}, 7),
        ({"local": 9}, 9),
        ({"": 7, "local": 9}, 9),
        ({"other": 3}, 5000),
        ({"local": 0}, 0),
    ],
)
def test_the_regions_own_value_comes_before_that_of_every_region_and_the_default(values, holds):
    for region_id, value in values.items():
        Quota.objects.create(name=RUNS.name, region_id=region_id, value=value)

    assert limit(RUNS, "local") == holds


def test_the_table_of_quotas_holds_together():
    assert len(quotas.BY_NAME) == len(quotas.ALL)
    assert all(0 < rule.default <= rule.most for rule in quotas.ALL)
    assert (RUNS.default, COMMANDS.default, ACTIVATION_SIZE.most) == (5000, 100, 1000)


# --- Use ---


def test_a_days_quota_is_taken_step_by_step_to_its_end(region):
    Quota.objects.create(name=RUNS.name, region_id="local", value=10)

    use(SYSTEM, RUNS, "local", n=7)
    use(SYSTEM, RUNS, "local", n=3)
    with pytest.raises(RunsUsedUp, match=r"10 of 10 are used .* needs 1\. Counting starts anew at 00:00 UTC"):
        use(SYSTEM, RUNS, "local")
    use(SYSTEM, RUNS, "elsewhere")


def test_more_than_there_is_room_for_takes_nothing(region):
    with pytest.raises(RunsUsedUp) as refusal:
        use(SYSTEM, RUNS, "local", n=5001)

    assert (refusal.value.code, refusal.value.status) == ("Invocation.ExceedQuota", 403)
    assert refusal.value.facts == {"quota": RUNS.name, "region": "local"}
    use(SYSTEM, RUNS, "local", n=5000)


def test_every_day_starts_anew(region):
    QuotaUse.objects.create(name=RUNS.name, region_id="local", period=YESTERDAY, used=5000)

    use(SYSTEM, RUNS, "local", n=5000)

    assert tomorrow_after(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_use_takes_one_question(region, django_assert_num_queries):
    use(SYSTEM, RUNS, "local")

    with django_assert_num_queries(1):
        use(SYSTEM, RUNS, "local")


def test_a_standing_quota_counts_what_is_there(region):
    Quota.objects.create(name=COMMANDS.name, region_id="local", value=3)

    claim(SYSTEM, COMMANDS, "local", in_use=lambda: 2)
    with pytest.raises(CommandsUsedUp, match="3 of 3 are used"):
        claim(SYSTEM, COMMANDS, "local", in_use=lambda: 3)
    # Something went: there is room again.
    claim(SYSTEM, COMMANDS, "local", in_use=lambda: 1, n=2)


# --- Exact, however many ask at once ---


def at_once(n, ask):
    """How many of `n` that ask at the same time are let in."""
    begin = threading.Barrier(10)

    def one(number):
        if number < 10:
            begin.wait()
        try:
            with transaction.atomic():
                ask(number)
        except QuotaExceeded:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(10) as threads:
        return sum(threads.map(one, range(n)))


@pytest.mark.django_db(transaction=True)
def test_fifty_runs_against_a_quota_of_twenty():
    Quota.objects.create(name=RUNS.name, region_id="local", value=20)

    assert at_once(50, lambda _number: use(SYSTEM, RUNS, "local")) == 20
    assert QuotaUse.objects.get(name=RUNS.name).used == 20


@pytest.mark.django_db(transaction=True)
def test_fifty_commands_against_a_quota_of_twenty():
    Quota.objects.create(name=COMMANDS.name, region_id="local", value=20)

    def save(number):
        claim(SYSTEM, COMMANDS, "local", in_use=Quota.objects.filter(name="command").count)
        Quota.objects.create(name="command", region_id=str(number), value=1)

    assert at_once(50, save) == 20
    assert Quota.objects.filter(name="command").count() == 20


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_not_used():
    with transaction.atomic():
        use(SYSTEM, RUNS, "local", n=5)
        transaction.set_rollback(True)

    assert not QuotaUse.objects.exists()


# --- The rooms ---


def test_runs_count_once_each_and_stop_at_the_quota(olga, region):
    instances = InstanceFactory.create_batch(3)
    set_quota(olga, RUNS, "local", 2)

    ran(olga, *instances)
    ran(olga, instances[0])
    with pytest.raises(RunsUsedUp):
        ran(olga, instances[0])

    assert Invocation.objects.count() == 2
    assert QuotaUse.objects.get(name=RUNS.name).used == 2


def test_an_activation_is_no_larger_than_its_quota(olga, region):
    set_quota(olga, ACTIVATION_SIZE, "local", 20)

    create_activation(olga, region, instance_name="web", instance_count=20)
    with pytest.raises(ActivationTooLarge, match="at most 20") as refusal:
        create_activation(olga, region, instance_name="web", instance_count=21)
    assert refusal.value.field == "instance_count"


def test_activations_count_while_they_are_in_force(olga, region):
    set_quota(olga, ACTIVATIONS, "local", 2)
    ActivationFactory(expired=True)
    ActivationFactory(disabled=True)
    ActivationFactory(used_up=True)

    first = create_activation(olga, region, instance_name="web").activation
    create_activation(olga, region, instance_name="web")
    with pytest.raises(QuotaExceeded) as refusal:
        create_activation(olga, region, instance_name="web")
    Activation.objects.filter(pk=first.pk).update(disabled=True)
    create_activation(olga, region, instance_name="web")

    assert refusal.value.code == "Activation.ExceedQuota"


def test_a_server_too_many_is_not_registered(olga, registration):
    activation = ActivationFactory()
    InstanceFactory(activation=activation)
    set_quota(olga, INSTANCES, "local", 1)

    with pytest.raises(InstancesUsedUp):
        register_instance(SYSTEM, registration(activation), source_ip="10.0.0.5")
    assert Instance.objects.count() == 1


def test_a_server_that_comes_again_takes_its_own_place(olga, registration):
    activation = ActivationFactory()
    InstanceFactory(activation=activation, machine_id="machine")
    set_quota(olga, INSTANCES, "local", 1)

    register_instance(SYSTEM, registration(activation), source_ip="10.0.0.5")

    assert Instance.objects.registered().count() == 1


@pytest.fixture
def registration():
    from assistant.instances.operations.registrations import Registration
    from tests.instances.factories import CODE

    def of(activation):
        return Registration(activation.pk, CODE, machine_id="machine", public_key="-")

    return of


# --- Set ---


def test_setting_is_remembered_with_what_was_before(olga, region):
    set_quota(olga, RUNS, "local", 10)
    set_quota(olga, RUNS, "local", 20)
    set_quota(olga, RUNS, "", 30)
    reset_quota(olga, RUNS, "local")
    reset_quota(olga, RUNS, "local")

    facts = [entry.facts for entry in AuditEntry.objects.order_by("number")]
    assert facts == [
        {"region": "local", "before": None, "value": 10},
        {"region": "local", "before": 10, "value": 20},
        {"region": "*", "before": None, "value": 30},
        {"region": "local", "before": 20, "value": None},
    ]
    assert limit(RUNS, "local") == 30


@pytest.mark.parametrize(("quota", "value"), [(RUNS, -1), (RUNS, 10**10), (ACTIVATION_SIZE, 1001)])
def test_a_value_out_of_range_is_refused(olga, region, quota, value):
    with pytest.raises(InvalidParameter, match="whole number from 0") as refusal:
        set_quota(olga, quota, "local", value)

    assert refusal.value.field == "value"
    assert not Quota.objects.exists()


def test_a_region_that_is_none_is_refused(olga, region):
    with pytest.raises(NotFound):
        set_quota(olga, RUNS, "nowhere", 1)


def test_a_reader_sees_quotas_and_sets_none(rita, region):
    with pytest.raises(NotAllowed):
        set_quota(rita, RUNS, "local", 1)
    assert not Quota.objects.exists()


def test_use_is_seen_with_where_the_limit_comes_from(olga, region):
    InstanceFactory.create_batch(2)
    use(SYSTEM, RUNS, "local", n=4200)
    set_quota(olga, INSTANCES, "local", 2)
    set_quota(olga, COMMANDS, "", 7)

    seen = {one.rule.name: one for one in quotas_in_use(olga, "local")}

    runs, instances, commands = seen[RUNS.name], seen[INSTANCES.name], seen[COMMANDS.name]
    assert (runs.used, runs.value, runs.tone, runs.percent) == (4200, 5000, "warning", 84)
    assert (instances.used, instances.tone, instances.is_own) == (2, "bad", True)
    assert (commands.used, commands.value, commands.is_everywhere) == (0, 7, True)
    assert (seen[ACTIVATION_SIZE.name].used, seen[ACTIVATION_SIZE.name].tone) == (None, "")
    assert runs.anew_at.hour == 0
    assert runs.said_value == "5,000"

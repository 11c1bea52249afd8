from datetime import timedelta

import pytest
from django.utils import timezone

from access.principals import SYSTEM
from assistant.instances.models import Instance, Node
from assistant.instances.operations.presence import (
    ChannelLost,
    ChannelOpened,
    Seen,
    node_alive,
    node_gone,
    record_presence,
    sweep_channels,
)
from tests.instances.factories import InstanceFactory

pytestmark = pytest.mark.django_db

NODE = "11111111-1111-4111-8111-111111111111"


def ago(**how):
    return timezone.now() - timedelta(**how)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"last_seen_at": {"seconds": 1}}, "Normal"),
        ({"last_seen_at": {"seconds": 179}}, "Normal"),
        ({"last_seen_at": {"seconds": 181}}, "Abnormal"),
        ({"never_seen": True}, "Abnormal"),
        ({"released_at": {"seconds": 1}}, "Abnormal"),
        # The reference agent looks for its push channel twice an hour; its heart-beats are what counts.
        ({"channel": "", "channel_changed_at": {"minutes": 5}}, "Normal"),
        ({"own_agent": True, "channel": "", "channel_changed_at": {"seconds": 5}}, "Normal"),
        ({"own_agent": True, "channel": "", "channel_changed_at": {"seconds": 11}}, "Abnormal"),
        ({"own_agent": True, "channel": ""}, "Normal"),
        ({"own_agent": True, "channel": "x", "channel_changed_at": {"hours": 5}}, "Normal"),
    ],
)
def test_connection_status_is_the_same_in_python_and_in_the_database(facts, status, still):
    facts = {name: ago(**value) if isinstance(value, dict) else value for name, value in facts.items()}
    instance = InstanceFactory(**facts)

    assert instance.connection_status == status
    assert Instance.objects.connected().filter(pk=instance.pk).exists() is (status == "Normal")
    assert Instance.objects.disconnected().filter(pk=instance.pk).exists() is (status == "Abnormal")


def test_a_heart_beat_says_what_it_knows_and_keeps_the_rest():
    instance = InstanceFactory(never_seen=True, agent_version="1.0.0")

    record_presence(SYSTEM, [Seen(instance.pk, timezone.now(), internet_ip="192.0.2.9")])

    instance.refresh_from_db()
    assert instance.connection_status == "Normal"
    assert (instance.agent_version, instance.internet_ip) == ("1.0.0", "192.0.2.9")


@pytest.mark.parametrize(
    ("events", "channel"),
    [
        (["open a"], "a"),
        (["open a", "lose a"], ""),
        (["open a", "open b"], "b"),
        (["open a", "open b", "lose a"], "b"),
        # The loss of an earlier socket is noticed after the new one is there, in one batch or two.
        (["lose former", "open a"], "a"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_sockets_come_and_go(events, channel, together):
    node_alive(SYSTEM, node_id=NODE, host="here")
    instance = InstanceFactory(channel="former")
    parsed = [event_of(instance, *event.split()) for event in events]

    for batch in [parsed] if together else [[event] for event in parsed]:
        record_presence(SYSTEM, batch)

    instance.refresh_from_db()
    assert instance.channel == channel


def event_of(instance, verb, channel):
    if verb == "open":
        return ChannelOpened(instance.pk, timezone.now(), channel, NODE)
    return ChannelLost(instance.pk, timezone.now(), channel)


def test_a_released_instance_is_seen_no_more():
    instance = InstanceFactory(released_at=timezone.now(), last_seen_at=None, channel="")

    record_presence(SYSTEM, [Seen(instance.pk, timezone.now())])

    instance.refresh_from_db()
    assert instance.last_seen_at is None


def test_a_process_that_died_without_a_word_has_lost_its_sockets():
    node = Node.objects.create(id=NODE, host="here", seen_at=ago(seconds=20))
    held = InstanceFactory(channel_node=node, channel_changed_at=ago(hours=1))
    alive = Node.objects.create(id="22222222-2222-4222-8222-222222222222", host="there")
    other = InstanceFactory(channel_node=alive)

    assert sweep_channels(SYSTEM, now=timezone.now()) == 1

    held.refresh_from_db()
    other.refresh_from_db()
    assert (held.channel, held.channel_changed_at) == ("", node.seen_at)
    assert other.has_channel


def test_a_process_that_ends_writes_off_its_sockets():
    node_alive(SYSTEM, node_id=NODE, host="here")
    held = InstanceFactory(channel_node_id=NODE)

    node_gone(SYSTEM, node_id=NODE)

    held.refresh_from_db()
    assert not held.has_channel
    assert not Node.objects.exists()


def test_the_reference_agents_next_attempt_is_known():
    instance = InstanceFactory(channel="", agent_started_at=ago(minutes=70))

    minutes = (instance.reconnects_at - timezone.now()).total_seconds() / 60
    assert 19 < minutes < 21


def test_a_batch_of_heart_beats_costs_two_statements(django_assert_num_queries):
    instances = InstanceFactory.create_batch(50)
    beats = [Seen(instance.pk, timezone.now()) for instance in instances]

    # Savepoint, lock, one statement for all, release.
    with django_assert_num_queries(4):
        record_presence(SYSTEM, beats)

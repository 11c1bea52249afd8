"""Who is there: heart-beats and sockets, written in batches."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from access.principals import Principal
from assistant.instances import followups, limits
from assistant.instances.models import Instance, Node

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A heart-beat. Empty facts were not said and change nothing."""

    instance_id: str
    at: datetime
    agent_version: str = ""
    agent_started_at: datetime | None = None
    internet_ip: str = ""
    os_version: str = ""


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    instance_id: str
    at: datetime
    channel: str
    node_id: str
    agent_version: str = ""
    internet_ip: str = ""


@dataclass(frozen=True, slots=True)
class ChannelLost:
    """A socket ended. Says nothing where another one has been opened since."""

    instance_id: str
    at: datetime
    channel: str


Presence = Seen | ChannelOpened | ChannelLost

SEEN = """
    UPDATE instances_instance SET last_seen_at = %s, agent_started_at = COALESCE(%s, agent_started_at),
        agent_version = COALESCE(NULLIF(%s, ''), agent_version),
        internet_ip = COALESCE(NULLIF(%s, ''), internet_ip),
        os_version = COALESCE(NULLIF(%s, ''), os_version)
    WHERE id = %s AND released_at IS NULL
"""
OPENED = """
    UPDATE instances_instance SET last_seen_at = %s, channel = %s, channel_node_id = %s,
        channel_changed_at = %s, agent_version = COALESCE(NULLIF(%s, ''), agent_version),
        internet_ip = COALESCE(NULLIF(%s, ''), internet_ip)
    WHERE id = %s AND released_at IS NULL
"""
LOST = """
    UPDATE instances_instance SET channel = '', channel_node_id = NULL, channel_changed_at = %s
    WHERE id = %s AND channel = %s
"""


@transaction.atomic
def record_presence(_principal: Principal, events: Sequence[Presence]) -> list[None]:
    """Write what was seen of many agents in one transaction; one (empty) outcome per event.

    Rows are locked in primary-key order, as every batch does. No audit: nobody did anything.
    """
    Instance.objects.lock_in_order({event.instance_id for event in events})
    with connection.cursor() as cursor:
        # Opened before lost: a socket that came and went in one batch is gone, and the loss of an
        # earlier socket names its own token and so leaves a newer one alone.
        for kind, statement in ((Seen, SEEN), (ChannelOpened, OPENED), (ChannelLost, LOST)):
            rows = [parameters(event) for event in events if isinstance(event, kind)]
            if rows:
                cursor.executemany(statement, rows)
    followups.instances_changed({event.instance_id for event in events if not isinstance(event, Seen)})
    return [None] * len(events)


def parameters(event: Presence) -> tuple[Any, ...]:
    """The values of the event's statement, as the database takes them."""
    moment = connection.ops.adapt_datetimefield_value
    match event:
        case Seen():
            started_at = moment(event.agent_started_at) if event.agent_started_at else None
            said = (event.agent_version, event.internet_ip, event.os_version)
            return (moment(event.at), started_at, *said, event.instance_id)
        case ChannelOpened():
            at = moment(event.at)
            facts = (event.agent_version, event.internet_ip)
            return (at, event.channel, event.node_id, at, *facts, event.instance_id)
        case ChannelLost():
            return (moment(event.at), event.instance_id, event.channel)


@transaction.atomic
def node_alive(
    _principal: Principal, *, node_id: str, host: str, channels: Mapping[str, str] | None = None
) -> None:
    """A web process says that it lives, and, after a silence in which others may have written its
    sockets off (a machine that slept, a database that stalled), which ones it still holds.
    """
    now = timezone.now()
    fresh = Node.objects.filter(pk=node_id, seen_at__gt=now - limits.NODE_GONE_AFTER + limits.NODE_HEARTBEAT)
    if fresh.update(host=host, seen_at=now):
        return
    Node.objects.update_or_create(id=node_id, defaults={"host": host, "seen_at": now})
    if channels:
        events = [ChannelOpened(pk, now, channel, node_id) for pk, channel in channels.items()]
        record_presence(_principal, events)


def tell_silence(_principal: Principal, *, now: datetime) -> int:
    """Tell the pages of those that have become Abnormal since the last look: silence sends no event."""
    fallen = list(Instance.objects.fallen_silent(now).values_list("pk", flat=True))
    followups.instances_changed(fallen)
    return len(fallen)


@transaction.atomic
def node_gone(_principal: Principal, *, node_id: str) -> None:
    """A web process ends: the sockets it held are closed."""
    held = list(Instance.objects.filter(channel_node=node_id).order_by("pk").values_list("pk", flat=True))
    Instance.objects.lock_in_order(held)
    lost = {"channel": "", "channel_node": None, "channel_changed_at": timezone.now()}
    Instance.objects.filter(pk__in=held, channel_node=node_id).update(**lost)
    Node.objects.filter(pk=node_id).delete()
    followups.instances_changed(held)


@transaction.atomic
def sweep_channels(_principal: Principal, *, now: datetime) -> int:
    """Close what web processes that died without a word had open; says how many sockets.

    The moment of the loss is the dead process's last sign of life.
    """
    stale = Instance.objects.on_dead_nodes(now).order_by("pk")
    last_sign = Coalesce("channel_node__seen_at", Value(now))
    held = list(stale.annotate(last_sign=last_sign).values_list("pk", "last_sign"))
    Instance.objects.lock_in_order(pk for pk, _seen_at in held)
    for moment in {seen_at for _pk, seen_at in held}:
        pks = [pk for pk, seen_at in held if seen_at == moment]
        lost = {"channel": "", "channel_node": None, "channel_changed_at": moment}
        Instance.objects.on_dead_nodes(now).filter(pk__in=pks).update(**lost)
    Node.objects.filter(seen_at__lt=now - limits.NODE_FORGOTTEN_AFTER).delete()
    followups.instances_changed(pk for pk, _seen_at in held)
    return len(held)

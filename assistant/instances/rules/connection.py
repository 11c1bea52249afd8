"""Whether commands can be sent to an instance; `querysets.connected_at` asks the database the same."""

from datetime import datetime

from assistant.instances import limits


def is_connected(
    last_seen_at: datetime | None,
    agent_name: str,
    channel: str,
    channel_changed_at: datetime | None,
    *,
    now: datetime,
) -> bool:
    """Of one that is registered."""
    if last_seen_at is None or last_seen_at <= now - limits.OFFLINE_AFTER:
        return False
    if agent_name != limits.OWN_AGENT or channel or channel_changed_at is None:
        return True
    return channel_changed_at > now - limits.OWN_CHANNEL_GRACE

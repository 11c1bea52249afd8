"""Moments as agents say them: epoch milliseconds, zero for none."""

from datetime import UTC, datetime

# The end of the year 9999, the last one that a datetime can hold.
LATEST_MS = 253_402_300_799_000


def from_milliseconds(value: int) -> datetime | None:
    """The moment, or None for zero and for what no calendar has."""
    if not 0 < value <= LATEST_MS:
        return None
    return datetime.fromtimestamp(value / 1000, tz=UTC)


def to_milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def api_time(moment: datetime | None) -> str:
    """UTC with a trailing Z in whole seconds (CA-10); empty for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""

"""Time zones of schedules: the time zone database's, `GMT+8:00`, `UTC`, and the machine's own clock.

Moments are seconds since 1970 in UTC. A wall is what a zone's clock shows, counted the same way.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from agent.errors import InvalidTask

if TYPE_CHECKING:
    from collections.abc import Callable

OFFSET = re.compile(r"GMT([+-])(.*)")
HOURS = re.compile(r"[0-9]|1[0-4]")
MINUTES = re.compile(r"[0-5][0-9]")
NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)+")

DAY_SECONDS = 86400


class Zone:
    """`offset_at` says how many seconds the zone's clock is ahead of UTC at a moment."""

    def __init__(self, offset_at: Callable[[int], int]) -> None:
        self._offset_at = offset_at

    def wall(self, moment: int) -> int:
        return moment + self._offset_at(moment)

    def moment(self, wall: int) -> int | None:
        """When the clock shows `wall`: the first time, where it does so twice; None where it never does."""
        # No zone changes its clock twice within two days.
        offsets = {self._offset_at(wall - DAY_SECONDS), self._offset_at(wall + DAY_SECONDS)}
        return min((wall - offset for offset in offsets if self.wall(wall - offset) == wall), default=None)


def zone_named(name: str) -> Zone:
    """Raises InvalidTask with the protocol's words (agent-gateway 12.1)."""
    if name.upper() in ("UTC", "GMT"):
        return Zone(lambda _moment: 0)
    offset = OFFSET.fullmatch(name)
    if offset:
        seconds = _seconds(offset[1], offset[2])
        return Zone(lambda _moment: seconds)
    if not NAME.fullmatch(name):
        raise InvalidTask("cron", f"InvalidTimezone: {name} is no time zone")
    return _listed(name)


def local_zone() -> Zone:
    return Zone(lambda moment: time.localtime(moment).tm_gmtoff)


def local_rule() -> tuple[object, ...]:
    """Something that differs once somebody has chosen another zone for the machine."""
    time.tzset()
    return time.tzname, time.timezone, time.altzone, time.localtime().tm_gmtoff


def _seconds(sign: str, text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if not colon:
        raise InvalidTask("cron", f"InvalidGMTOffsetForTimezone: GMT{sign}{text}")
    if not HOURS.fullmatch(hours):
        raise InvalidTask("cron", f"InvalidGMTOffsetHourForTimezone: GMT{sign}{text}")
    if not MINUTES.fullmatch(minutes):
        raise InvalidTask("cron", f"InvalidGMTOffsetMinuteForTimezone: GMT{sign}{text}")
    distance = int(hours) * 3600 + int(minutes) * 60
    return -distance if sign == "-" else distance


def _listed(name: str) -> Zone:
    # Imported only where a schedule names such a zone: an agent without one should not carry it.
    from datetime import datetime  # noqa: PLC0415
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        text = f"TimezoneInformationCorrupt: this machine has no data of the time zone {name}"
        raise InvalidTask("cron", text) from error

    def offset_at(moment: int) -> int:
        offset = datetime.fromtimestamp(moment, zone).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    return Zone(offset_at)

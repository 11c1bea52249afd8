"""When a scheduled task fires: by the clock, at an interval, or once. Moments are milliseconds in UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from agent import cron, days
from agent.errors import InvalidTask

if TYPE_CHECKING:
    from agent.tasks import Task

PERIOD, RATE, AT = "Period", "Rate", "At"
SCHEDULED = frozenset({PERIOD, RATE, AT})

UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
MOST_INTERVAL_MS = 1000 * UNIT_MS["d"]

INTERVAL = re.compile(r"rate\(([0-9]{1,12}) *([smhd])\)", re.IGNORECASE)
MOMENT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z?")


class Timetable(Protocol):
    def next_after(self, moment: int) -> int | None:
        """The next time to fire; None when there is none any more."""


class ByClock:
    def __init__(self, text: str) -> None:
        self._cron = cron.Cron(text)

    def next_after(self, moment: int) -> int | None:
        found = self._cron.next_after(moment // 1000)
        return None if found is None else found * 1000


class AtInterval:
    """The beat is that of the anchor, however often the agent starts; the first is one interval after it."""

    def __init__(self, interval: int, anchor: int) -> None:
        self._interval = interval
        self._anchor = anchor

    def next_after(self, moment: int) -> int:
        number = max(1, (moment - self._anchor) // self._interval + 1)
        return self._anchor + number * self._interval


class AtMoment:
    def __init__(self, moment: int) -> None:
        self._moment = moment

    def next_after(self, moment: int) -> int | None:
        return self._moment if self._moment > moment else None


def timetable_of(task: Task) -> Timetable:
    """Raises InvalidTask with the protocol's words (agent-gateway 12)."""
    if task.repeat == RATE:
        return AtInterval(_interval(task.cron), task.creation_ms)
    if task.repeat == AT:
        return AtMoment(_moment(task.cron))
    return ByClock(task.cron)


def _interval(text: str) -> int:
    said = INTERVAL.fullmatch(text.strip())
    if not said or not int(said[1]):
        raise InvalidTask("cron", "InvalidRateExpression")
    interval = int(said[1]) * UNIT_MS[said[2].lower()]
    if interval > MOST_INTERVAL_MS:
        raise InvalidTask("cron", "RateFrequencyTooLarge")
    return interval


def _moment(text: str) -> int:
    bare = text.strip()
    if bare.startswith("at(") and bare.endswith(")"):
        bare = bare[3:-1]
    said = MOMENT.fullmatch(bare)
    year, month, day, hour, minute, second = map(int, said.groups()) if said else (0, 0, 0, 0, 0, 0)
    is_day = 1 <= month <= 12 and 1 <= day <= days.length_of(year, month)
    if not is_day or hour > 23 or minute > 59 or second > 59:
        raise InvalidTask("cron", f"InvalidAtExpression: no calendar or clock shows '{bare}'")
    return (days.number_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000

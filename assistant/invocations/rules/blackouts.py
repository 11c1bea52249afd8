"""Blackout windows: when no plan runs, by the clock of a zone or once from a moment to another. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from assistant.invocations.rules.zones import UTC_ZONE, Zone

A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
# Windows of one day that end where those of the next begin are one; a whole week of them never ends.
DAYS_AHEAD = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` on and up to `end`, both in UTC."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Weekly:
    """On these days (1 is Monday) from one time of the clock to another, which may be past midnight.

    From a time to the same is a whole day.
    """

    weekdays: Collection[int]
    opens: time
    closes: time
    zone: Zone = UTC_ZONE

    def stretches(self, after: datetime) -> Iterator[Stretch]:
        """Those that end after `after`, for a week and a day ahead; what touches is one."""
        today = after.astimezone(self.zone.tz).date()
        last: Stretch | None = None
        for number in range(-1, DAYS_AHEAD + 1):
            day = today + number * A_DAY
            stretch = self._on(day) if day.isoweekday() in self.weekdays else None
            if stretch is None or stretch.end <= after:
                continue
            if last and stretch.start <= last.end:
                last = Stretch(last.start, max(last.end, stretch.end))
                continue
            if last:
                yield last
            last = stretch
        if last:
            yield last

    def _on(self, day: date) -> Stretch:
        next_day = day + A_DAY if self.closes <= self.opens else day
        start = first_shown(datetime.combine(day, self.opens), self.zone)
        return Stretch(start, last_shown(datetime.combine(next_day, self.closes), self.zone))


@dataclass(frozen=True, slots=True)
class Single:
    start: datetime
    end: datetime

    def stretches(self, after: datetime) -> Iterator[Stretch]:
        if after < self.end:
            yield Stretch(self.start, self.end)


Window = Weekly | Single


def stretch_at(window: Window, moment: datetime) -> Stretch | None:
    """The stretch of the window that `moment` is in."""
    return next((stretch for stretch in window.stretches(moment) if stretch.holds(moment)), None)


def next_stretch(window: Window, after: datetime) -> Stretch | None:
    """The one that `after` is in, else the next one within a week."""
    return next(window.stretches(after), None)


def first_shown(wall: datetime, zone: Zone) -> datetime:
    """When the clocks of a zone first show `wall` or later."""
    moment = wall.replace(tzinfo=zone.tz, fold=0).astimezone(UTC)
    return moment if shows(moment, zone) == wall else jump(wall, zone)


def last_shown(wall: datetime, zone: Zone) -> datetime:
    """When the clocks of a zone show `wall` for the last time, or jump over it."""
    moment = wall.replace(tzinfo=zone.tz, fold=1).astimezone(UTC)
    return moment if shows(moment, zone) == wall else jump(wall, zone)


def shows(moment: datetime, zone: Zone) -> datetime:
    return moment.astimezone(zone.tz).replace(tzinfo=None)


def jump(wall: datetime, zone: Zone) -> datetime:
    """The second at which the clocks are put forward over `wall`."""
    # One reading goes by what the clocks were from Greenwich before, the other by what they are after.
    low, high = sorted(wall.replace(tzinfo=zone.tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    while high - low > A_SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (low, middle) if shows(middle, zone) > wall else (middle, high)
    return high

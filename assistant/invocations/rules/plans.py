"""When a command runs: the plans of CA-116, their texts and their limits.

| kind | RepeatMode | Frequency |
| --- | --- | --- |
| now | Once | |
| at the next start of the system | NextRebootOnly | |
| at every start of the system | EveryReboot | |
| at a fixed interval | Period | `rate(5m)` |
| once at a moment | Period | `at(2022-05-17 17:30:50 Asia/Shanghai)` |
| by the clock | Period | `0 15 10 ? * MON Asia/Shanghai` |
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count, islice
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assistant.invocations import limits
from assistant.invocations.errors import FrequencyMissing, RepeatModeUnknown
from assistant.invocations.rules.cron import (
    FIRST_YEAR,
    LAST_YEAR,
    Cron,
    new_cron,
    no_zone,
    quoted,
    refused,
    stored_cron,
)
from assistant.invocations.rules.fires import fires, neighbours_closer_than
from assistant.invocations.rules.terms import PLAIN, Terms
from assistant.invocations.rules.zones import UTC_ZONE, Zone, zone_named

UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_RATE = re.compile(r"rate\(([0-9]{1,8})([smhd])\)")
_AT = re.compile(r"at\(([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?: ([^ ]+))?\)")


class PlanKind(TextChoices):
    NOW = "now", gettext_lazy("Immediate execution")
    NEXT_START = "next-start", gettext_lazy("After the next startup of the system")
    EVERY_START = "every-start", gettext_lazy("After each system startup")
    INTERVAL = "interval", gettext_lazy("At a fixed interval")
    MOMENT = "moment", gettext_lazy("Once at a specified time")
    CLOCK = "clock", gettext_lazy("On a clock-based schedule")


UNTIMED = {
    "Once": PlanKind.NOW,
    "NextRebootOnly": PlanKind.NEXT_START,
    "EveryReboot": PlanKind.EVERY_START,
}
PERIOD = "Period"


@dataclass(frozen=True, slots=True)
class Interval:
    """Counted from start to start; the first run is one interval after the plan is made (CA-120)."""

    number: int
    unit: str

    @property
    def length(self) -> timedelta:
        return self.number * UNITS[self.unit]

    @property
    def text(self) -> str:
        return f"rate({self.number}{self.unit})"


@dataclass(frozen=True, slots=True)
class Moment:
    """`wall` is what the zone's clock shows `at` that moment, which is in UTC."""

    wall: datetime
    zone: Zone
    at: datetime

    @property
    def text(self) -> str:
        return f"at({self.wall:%Y-%m-%d %H:%M:%S} {self.zone.name})"


Schedule = Interval | Moment | Cron


@dataclass(frozen=True, slots=True)
class Plan:
    kind: PlanKind
    schedule: Schedule | None = None

    @property
    def repeat_mode(self) -> str:
        return repeat_mode_of(self.kind)

    @property
    def frequency(self) -> str:
        """The text to store and to show: read again, it makes the same plan."""
        return self.schedule.text if self.schedule else ""

    @property
    def recurs(self) -> bool:
        """Whether each run is a record of its own; else the target is the record of the one there is."""
        return self.kind in (PlanKind.EVERY_START, PlanKind.INTERVAL, PlanKind.CLOCK)

    @property
    def waits(self) -> bool:
        """Whether its first run is not now."""
        return self.kind is not PlanKind.NOW

    @property
    def is_timed(self) -> bool:
        """Whether agents are told of it when it is made, and fire it themselves."""
        return self.schedule is not None

    @property
    def zone(self) -> Zone | None:
        """The zone that its times are said in; None where there are no times, or each server's own count."""
        return None if self.schedule is None or isinstance(self.schedule, Interval) else self.schedule.zone

    @property
    def has_own_clocks(self) -> bool:
        """Whether it goes by each server's own clock, in whatever zone that is (CA-124)."""
        return self.is_timed and self.zone is None and not isinstance(self.schedule, Interval)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a command shall run, from when on no more, and on which terms."""

    plan: Plan = Plan(PlanKind.NOW)
    expires_at: datetime | None = None
    terms: Terms = PLAIN


NOW = Timing()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The fields of a form. Those that belong to another kind are not looked at."""

    kind: PlanKind
    number: int | None = None
    unit: str = "m"
    # As it was typed, without a zone of its own.
    wall: datetime | None = None
    cron: str = ""
    zone: str = ""

    @property
    def frequency(self) -> str:
        """The text of the API that says the same; empty as well where the field is."""
        match self.kind:
            case PlanKind.INTERVAL if self.number is not None:
                return f"rate({self.number}{self.unit})"
            case PlanKind.MOMENT if self.wall is not None:
                return f"at({self.wall:%Y-%m-%d %H:%M:%S}{f' {self.zone}' if self.zone else ''})"
            case PlanKind.CLOCK if self.cron:
                return clock_text(self.cron, self.zone)
        return ""


class Wire(NamedTuple):
    """`repeat` and `cron` of an agent's task."""

    repeat: str
    cron: str


# --- From what was asked for ---


def new_plan(
    repeat_mode: str, frequency: str, *, now: datetime, timeout: timedelta, is_timed: bool = False
) -> Plan:
    """The plan that a call asks for (CA-117), within the limits.

    Raises FrequencyRefused, FrequencyMissing or RepeatModeUnknown.
    """
    if frequency:
        plan = plan_of(new_schedule(frequency, now))
        check(plan, now=now, timeout=timeout)
        return plan
    if is_timed or repeat_mode == PERIOD:
        raise FrequencyMissing(_("Say when it runs again: Frequency is missing."), field="frequency")
    return untimed_plan(repeat_mode or "Once")


@lru_cache(maxsize=1024)
def stored_plan(repeat_mode: str, frequency: str) -> Plan:
    """A plan that was judged when it was made: time has passed, its limits are not asked for again."""
    return plan_of(stored_schedule(frequency)) if frequency else untimed_plan(repeat_mode)


def chosen_plan(chosen: Chosen, *, now: datetime, timeout: timedelta) -> Plan:
    """The plan that a form asks for, judged as a call's."""
    return new_plan(repeat_mode_of(chosen.kind), chosen.frequency, now=now, timeout=timeout)


def clock_text(fields: str, zone: str) -> str:
    """A cron text and a zone chosen beside it; a zone in the text is the closer word."""
    has_zone = zone_named(fields.rpartition(" ")[2]) is not None
    return fields if has_zone or not zone else f"{fields} {zone}"


def repeat_mode_of(kind: PlanKind) -> str:
    return next((mode for mode, untimed in UNTIMED.items() if untimed is kind), PERIOD)


def plan_of(schedule: Schedule) -> Plan:
    if isinstance(schedule, Interval):
        return Plan(PlanKind.INTERVAL, schedule)
    return Plan(PlanKind.MOMENT if isinstance(schedule, Moment) else PlanKind.CLOCK, schedule)


def untimed_plan(repeat_mode: str) -> Plan:
    if repeat_mode not in UNTIMED:
        message = _("There is no repeat mode %(mode)s: say Once, Period, NextRebootOnly or EveryReboot.")
        raise RepeatModeUnknown(message % {"mode": quoted(repeat_mode)}, field="repeat_mode")
    return Plan(UNTIMED[repeat_mode])


def new_schedule(frequency: str, now: datetime) -> Schedule:
    return interval_or_moment(frequency) or new_cron(frequency, now)


def stored_schedule(frequency: str) -> Schedule:
    return interval_or_moment(frequency) or stored_cron(frequency)


def interval_or_moment(frequency: str) -> Interval | Moment | None:
    if frequency.startswith("rate("):
        return interval_of(frequency)
    return moment_of(frequency) if frequency.startswith("at(") else None


def interval_of(frequency: str) -> Interval:
    rate = _RATE.fullmatch(frequency)
    if rate is None:
        raise refused(
            _("An interval is a whole number of seconds, minutes, hours or days, such as rate(5m).")
        )
    return Interval(int(rate[1]), rate[2])


def moment_of(frequency: str) -> Moment:
    said = _AT.fullmatch(frequency)
    if said is None:
        raise refused(_("A moment is written as at(2022-05-17 17:30:50 Asia/Shanghai)."))
    zone = zone_named(said[2]) if said[2] else UTC_ZONE
    if zone is None:
        raise no_zone(said[2])
    try:
        wall = datetime.fromisoformat(said[1])
    except ValueError as error:
        raise refused(_("No calendar or clock shows %(moment)s.") % {"moment": said[1]}) from error
    words = {"moment": said[1], "zone": zone.name, "first": FIRST_YEAR, "last": LAST_YEAR}
    if not FIRST_YEAR < wall.year <= LAST_YEAR:
        raise refused(_("The year is not from %(first)s to %(last)s.") % words)
    at = zone.moment(wall)
    if at is None:
        raise refused(
            _("The clocks in %(zone)s never show %(moment)s: they are put forward over it.") % words
        )
    return Moment(wall, zone, at)


# --- Limits ---


def check(plan: Plan, *, now: datetime, timeout: timedelta) -> None:
    """Raise FrequencyRefused for a plan that may not be made now (CA-119, CA-121, CA-122, CA-142)."""
    match plan.schedule:
        case Interval() as interval:
            check_interval(interval, timeout)
        case Moment() as moment:
            if moment.at <= now:
                raise refused(_("The moment is past."))
        case Cron() as cron:
            check_cron(cron, now, timeout)


def check_interval(interval: Interval, timeout: timedelta) -> None:
    if not limits.INTERVAL_LEAST <= interval.length <= limits.INTERVAL_MOST:
        words = {"least": in_words(limits.INTERVAL_LEAST), "most": in_words(limits.INTERVAL_MOST)}
        raise refused(_("Choose an interval from %(least)s to %(most)s.") % words)
    if interval.length <= timeout:
        message = _("The interval has to be longer than the timeout, which is %(timeout)s.")
        raise refused(message % {"timeout": in_words(timeout)})


def check_cron(cron: Cron, now: datetime, timeout: timedelta) -> None:
    if next(fires(cron, now), None) is None:
        raise refused(_("It never fires: no such day and time is left until %(last)d.") % {"last": LAST_YEAR})
    least = max(limits.DISTANCE_LEAST, timeout)
    near = neighbours_closer_than(least, cron, now)
    if near is None:
        return
    zone = (cron.zone or UTC_ZONE).tz
    words = {
        "first": f"{near[0].astimezone(zone):%H:%M:%S}",
        "second": f"{near[1].astimezone(zone):%H:%M:%S}",
        "distance": in_words(near[1] - near[0]),
        "least": in_words(least),
    }
    message = _("%(first)s and %(second)s are %(distance)s apart; the least is %(least)s.") % words
    if least > limits.DISTANCE_LEAST:
        message += " " + _("No run may begin before the timeout of the one before has ended.")
    raise refused(message)


def in_words(length: timedelta) -> str:
    """A length in its greatest whole unit, minutes only from 2 on: `60 seconds`, `90 seconds`, `7 days`."""
    seconds = int(length.total_seconds())
    if seconds % 86_400 == 0:
        return ngettext("%d day", "%d days", seconds // 86_400) % (seconds // 86_400)
    if seconds % 3600 == 0:
        return ngettext("%d hour", "%d hours", seconds // 3600) % (seconds // 3600)
    if seconds % 60 == 0 and seconds > 60:
        return ngettext("%d minute", "%d minutes", seconds // 60) % (seconds // 60)
    return ngettext("%d second", "%d seconds", seconds) % seconds


# --- What follows from a plan ---


def next_runs(
    plan: Plan, after: datetime, number: int, *, created_at: datetime, clock: Zone = UTC_ZONE
) -> list[datetime]:
    """The next times, in UTC. Fewer than `number` are all that will ever be; starts of systems nobody foresees.

    `clock` is the zone of the server, which counts where the plan names none.
    """
    match plan.schedule:
        case Interval() as interval:
            return list(islice(beats(interval.length, created_at, after), number))
        case Moment() as moment:
            return [moment.at] if moment.at > after else []
        case Cron() as cron:
            return list(islice(fires(cron, after, clock=clock), number))
        case None:
            return []


def beats(interval: timedelta, created_at: datetime, after: datetime) -> Iterator[datetime]:
    first = max(1, (after - created_at) // interval + 1)
    return (created_at + number * interval for number in count(first))


def on_wire(plan: Plan) -> Wire:
    """How an agent is told, the reference agent as ours. The starts of systems are watched by the server."""
    match plan.schedule:
        case Interval() as interval:
            return Wire("Rate", interval.text)
        case Moment() as moment:
            return Wire("At", f"at({moment.at:%Y-%m-%dT%H:%M:%S})")
        case Cron() as cron:
            return Wire(PERIOD, cron.spelled)
        case None:
            return Wire(plan.repeat_mode, "")

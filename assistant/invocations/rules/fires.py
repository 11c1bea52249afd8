"""When a cron text fires: croniter finds the days, the clock's times and the zone's own jumps are ours.

What croniter has otherwise than the plans, and how it is asked instead:

- `L` alone in Week means nothing to it, and `6L` is written the other way round: asked for Sunday and `L6`.
- `31W` fires in short months, too: those are left out (CA-138).
- `LW` it does not know: asked for the working days at the end of a month, of which the last one is kept.
- The hour that spring leaves out and the hour that autumn has twice: it is asked for days only, and the
  times are laid on them here (CA-125).
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, product

from croniter import croniter

from assistant.invocations import limits
from assistant.invocations.rules.cron import LAST_YEAR, Cron, DayKind, DayRule, spelled_days
from assistant.invocations.rules.zones import UTC_ZONE, Zone

LEAP_YEAR = 2000


def next_fires(cron: Cron, after: datetime, count: int, *, clock: Zone = UTC_ZONE) -> list[datetime]:
    """The next times after `after`, in UTC. Fewer than `count` are all that will ever be.

    `clock` is that of the server, which counts where the text names no zone.
    """
    return list(islice(fires(cron, after, clock=clock), count))


def fires(cron: Cron, after: datetime, *, clock: Zone = UTC_ZONE) -> Iterator[datetime]:
    zone = cron.zone or clock
    shown = after.astimezone(zone.tz)
    # The times of an hour, made once: the distances of a plan are looked for over 10,000 fires.
    steps = [
        timedelta(minutes=minute, seconds=second) for minute, second in product(cron.minutes, cron.seconds)
    ]
    for day in days(cron, shown.date()):
        first_hour = shown.hour if day == shown.date() else 0
        offset = zone.steady_offset(day)
        for hour in cron.hours[bisect_left(cron.hours, first_hour) :]:
            start = datetime.combine(day, time(hour))
            moments = shifted(start, steps, offset) if offset is not None else shown_once(start, steps, zone)
            # In autumn's second pass of an hour the clock shows times that have fired already.
            yield from (moment for moment in moments if moment > after)


def shifted(start: datetime, steps: Sequence[timedelta], offset: timedelta) -> Iterator[datetime]:
    moment = start.replace(tzinfo=UTC) - offset
    return (moment + step for step in steps)


def shown_once(start: datetime, steps: Sequence[timedelta], zone: Zone) -> Iterator[datetime]:
    """The same on a day on which the clocks are changed."""
    return (moment for step in steps if (moment := zone.moment(start + step)) is not None)


def neighbours_closer_than(
    least: timedelta, cron: Cron, now: datetime, *, clock: Zone = UTC_ZONE
) -> tuple[datetime, datetime] | None:
    """Two times that follow one another too soon, looked for as far as CA-123 says."""
    end = now + limits.DISTANCE_HORIZON
    for earlier, later in pairwise(islice(fires(cron, now, clock=clock), limits.DISTANCE_FIRES)):
        if later > end:
            return None
        if later - earlier < least:
            return earlier, later
    return None


# --- Days ---


def days(cron: Cron, first: date) -> Iterator[date]:
    """The days on which it fires, from `first` to the end of the year 2099."""
    months = possible_months(cron)
    if not months:
        return
    before = datetime.combine(first, time(), UTC) - timedelta(seconds=1)
    moments = croniter(
        expression(cron, months),
        before,
        day_or=False,
        # Its own bound of 50 years would hide a plan for 2099. No wait is endless: it ends there.
        max_years_between_matches=max(1, LAST_YEAR + 1 - first.year),
    ).all_next(datetime)
    for moment in moments:
        if moment.year > LAST_YEAR:
            return
        if is_meant(moment.date(), cron.day):
            yield moment.date()


def expression(cron: Cron, months: Sequence[int]) -> str:
    """Its days for croniter: minute, hour, day, month, week, second, year."""
    day, week = spelled_days(cron.day)
    if cron.day.kind is DayKind.LAST_WORKDAY:
        # No month's last working day is earlier: 28 February on a Sunday.
        day, week = "26-31", "1-5"
    if cron.day.kind is DayKind.LAST_WEEKDAY:
        week = f"L{week.removesuffix('L')}"
    years = ",".join(map(str, cron.years)) or "*"
    fields = f"0 0 {day} {','.join(map(str, months))} {week} 0 {years}"
    return fields.replace("?", "*")


def possible_months(cron: Cron) -> list[int]:
    """Its months without those that never have the day whose nearest working day is meant."""
    day = cron.day.numbers[0] if cron.day.kind is DayKind.NEAREST_WORKDAY else 1
    return [month for month in cron.months if day <= monthrange(LEAP_YEAR, month)[1]]


def is_meant(day: date, rule: DayRule) -> bool:
    """Whether a day that croniter has found is one: see the head of this module."""
    if rule.kind is DayKind.NEAREST_WORKDAY:
        return rule.numbers[0] <= month_end(day).day
    if rule.kind is DayKind.LAST_WORKDAY:
        end = month_end(day)
        return day == end - timedelta(days=max(0, end.isoweekday() - 5))
    return True


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])

"""The moments of a plan, counted from when it was made: the next one, those that have passed, the one of a run."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile

from assistant.invocations import limits
from assistant.invocations.rules.cron import Cron
from assistant.invocations.rules.fires import fires
from assistant.invocations.rules.plans import Interval, Plan, PlanKind, next_runs
from assistant.invocations.rules.reports import Report
from assistant.invocations.rules.zones import UTC_ZONE, Zone
from console.kit.clock import from_milliseconds

# How far back the moment is looked for that a run belongs to, in steps.
LOOKS_BACK = (
    timedelta(minutes=1),
    timedelta(minutes=30),
    timedelta(hours=12),
    timedelta(days=8),
    timedelta(days=366),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """An invocation's plan, with what its moments are counted from."""

    plan: Plan
    created_at: datetime
    expires_at: datetime | None = None
    invoke_version: int = 0

    @property
    def runs_out(self) -> bool:
        """Whether its times come to an end within the years that it names."""
        return isinstance(self.plan.schedule, Cron) and bool(self.plan.schedule.years)

    def next_run(self, after: datetime, clock: Zone = UTC_ZONE) -> datetime | None:
        """The next moment, if there is one that can be foreseen."""
        moment = moment_after(self.plan, self.created_at, clock, after)
        return None if moment and self.expires_at and moment >= self.expires_at else moment

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def goes_on(self, after: datetime, clock: Zone = UTC_ZONE) -> bool:
        """Whether there may be a run after `after`."""
        if self.plan.kind is PlanKind.EVERY_START:
            return not self.has_expired(after)
        return self.next_run(after, clock) is not None

    def due_at(self, after: datetime, clock: Zone = UTC_ZONE) -> datetime | None:
        """When the first word of the next run is late; after the last one, when the plan expires."""
        moment = self.next_run(after, clock)
        return moment + limits.FIRE_GRACE if moment else self.expires_at

    def runs_between(self, after: datetime, until: datetime, clock: Zone = UTC_ZONE) -> int:
        """How many runs were due after `after` and not later than `until`; not more than one look counts."""
        last = min(until, self.expires_at) if self.expires_at else until
        return moments_between(self.plan, self.created_at, clock, after, last)

    def moment_of(
        self, report: Report, now: datetime, clock: Zone = UTC_ZONE, *, ended_at: datetime | None = None
    ) -> datetime:
        """Which of the plan's moments a run belongs to: the same on all instances, whatever their clocks say.

        Nothing runs before the plan is made, after it has ended or later than now: what says so runs now.
        """
        said = from_milliseconds(report.fire or report.start) or now
        first, last = self.created_at - limits.CLOCK_TOLERANCE, (ended_at or now) + limits.CLOCK_TOLERANCE
        if not first <= said <= last:
            said = now
        said = said.replace(microsecond=0)
        if self.plan.kind is PlanKind.EVERY_START:
            return said
        return last_run(self.plan, self.created_at, clock, said)


@lru_cache(maxsize=4096)
def moment_after(plan: Plan, created_at: datetime, clock: Zone, after: datetime) -> datetime | None:
    """The plan's next moment. A whole batch asks with the same `after`."""
    return next(iter(next_runs(plan, after, 1, created_at=created_at, clock=clock)), None)


@lru_cache(maxsize=4096)
def moments_between(plan: Plan, created_at: datetime, clock: Zone, after: datetime, until: datetime) -> int:
    """How many moments of the plan are after `after` and not later than `until`. Many targets ask the same."""
    if isinstance(plan.schedule, Interval):
        length = plan.schedule.length
        return max(0, (until - created_at) // length - max(0, (after - created_at) // length))
    return sum(1 for _moment in passed(plan, clock, after, until))


@lru_cache(maxsize=4096)
def last_run(plan: Plan, created_at: datetime, clock: Zone, at: datetime) -> datetime:
    """The plan's last moment up to `at`; `at` itself where there is none near.

    Many agents ask with the same second.
    """
    until = at + limits.FIRE_TOLERANCE
    if isinstance(plan.schedule, Interval):
        beats = max(1, (until - created_at) // plan.schedule.length)
        return created_at + beats * plan.schedule.length
    for back in LOOKS_BACK:
        last = deque(passed(plan, clock, until - back, until), maxlen=1)
        if last:
            return last[0]
    return at


def passed(plan: Plan, clock: Zone, after: datetime, until: datetime) -> Iterator[datetime]:
    """The moments by the clock after `after`, not looked for beyond `until`: at most as many as a look counts."""
    if not isinstance(plan.schedule, Cron):
        return iter(())
    moments = fires(plan.schedule, after, clock=clock)
    return islice(takewhile(lambda moment: moment <= until, moments), limits.FIRES_PER_LOOK)

"""How a plan that recurs goes on: its runs are records, and its target follows them (CA-169, CA-175, CA-176).

Pure, as `progress` is, whose functions move the records.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from assistant.invocations import limits
from assistant.invocations.rules import codes
from assistant.invocations.rules.plans import PlanKind
from assistant.invocations.rules.progress import (
    Chunk,
    Run,
    Surroundings,
    end,
    give_back,
    hold_back,
    interrupt,
    order_stop,
    pass_deadline,
    take,
    unanswered_code,
)
from assistant.invocations.rules.record_runs import RecordRun, new_record
from assistant.invocations.rules.reports import Outcome, Report
from assistant.invocations.rules.schedules import Schedule
from assistant.invocations.rules.zones import UTC_ZONE, Zone
from assistant.invocations.states import (
    FINAL,
    OPEN,
    ReportKind,
    Status,
    closing_state,
    overdue_state,
    state_between,
    stop_state,
)


@dataclass(slots=True)
class Series:
    """A target of a plan that recurs, with those of its records that a batch touches."""

    run: Run
    schedule: Schedule
    clock: Zone = UTC_ZONE
    records: list[RecordRun] = field(default_factory=list)

    def take(self, report: Report, *, now: datetime, limit: int) -> tuple[Outcome, Chunk | None]:
        """Apply a report to the record that it is about, and let the target follow.

        UNKNOWN: a run that its plan cannot have had.
        """
        if report.kind is ReportKind.VERIFIED or self._takes_of_plan(report, now):
            return Outcome.RECORDED, None
        record = self._record_of(report, now)
        chunk = take(record, report, now=now, limit=limit) if record else None
        if record:
            self.follow(record, now=now)
        if report.kind is ReportKind.STOPPED:
            self._confirm_stop(now)
        elif record is None:
            return Outcome.UNKNOWN, None
        elif self._fires_on(record):
            self._take_back(now)
        return Outcome.RECORDED, chunk

    def _takes_of_plan(self, report: Report, now: datetime) -> bool:
        """Apply a report that is about the plan and none of its runs; says whether it is one."""
        if report.is_completed:
            self._run_out(now)
            return True
        if report.kind is ReportKind.INVALID and report.error_code == codes.CRON_PARAMETER:
            self._refuse(report, now)
            return True
        return False

    def late_moment(self, report: Report, now: datetime) -> datetime | None:
        """The moment of a run that is heard of first, where others of that moment may be stored already."""
        moment = self._moment_of(report, now)
        is_late = moment <= (self.run.checked_until or self.schedule.created_at)
        is_known = any(self._is_about(record, report, now) for record in self.records)
        return moment if is_late and not is_known else None

    def begin(self, *, now: datetime) -> None:
        """A start of the system: its run is handed out now."""
        number = self.run.repeats + 1
        record = self._new_record(number, number, 0, now.replace(microsecond=0), now)
        record.due_at = now + limits.ANSWER_TIMEOUT
        self.follow(record, now=now)

    def order_stop(self, *, now: datetime) -> None:
        """No further runs; what an agent has, it has to confirm (CA-201)."""
        run = self.run
        if run.status in FINAL or run.status is Status.STOPPING:
            return
        run.stopped_at = now
        going_on = self._going_on()
        # To be told again is not to be unknown: what has run or been missed may be there still.
        may_be_known = bool(run.delivered_at or run.repeats or run.missed)
        if not going_on and not (self.schedule.plan.is_timed and may_be_known):
            self._close(now, ordered=True)
            return
        run.status = stop_state(run.status, delivered=True)
        run.due_at = now + limits.STOP_TIMEOUT
        for record in going_on:
            order_stop(record, now=now)

    def interrupt(self, *, cold_start: bool, now: datetime) -> None:
        """A new agent process has come up: the run that was going on is over, the plan is not."""
        for record in self._going_on():
            interrupt(record, cold_start=cold_start, now=now)
            self.follow(record, now=now)
        if self.run.status is Status.STOPPING:
            self._confirm_stop(now)

    def pass_deadline(self, around: Surroundings, *, now: datetime) -> None:
        """A run's end or first word is overdue, or the plan has expired."""
        was_stopping = self.run.status is Status.STOPPING
        for record in self._going_on():
            if record.due_at is None or record.due_at <= now:
                pass_deadline(record, around, now=now)
                self.follow(record, now=now)
        if self.run.status is Status.SCHEDULED:
            self._look_back(around, now)
        elif self.run.status is Status.STOPPING:
            # One that has just been ordered has its day before it.
            if was_stopping:
                self._close(
                    now, ordered=self._is_ordered, presumed=True, silence=unanswered_code(self.run, around)
                )
        elif self.run.status in OPEN and not self._going_on():
            self.run.status = state_between(self.run.status, Status.ERROR, goes_on=True)
            self._wait_until(self.schedule.due_at(now, self.clock))
        else:
            self._wait_until(None)

    def hold_back(self, cause: str, *, now: datetime) -> None:
        """No runs for the time being: what was due until now is accounted for, what comes due is left out."""
        self._account_until(now)
        hold_back(self.run, cause)
        self._wait_until(self._next_look(now))

    def give_back(self, *, now: datetime) -> None:
        """Runs may be again; those that came due meanwhile count as left out, not as missed."""
        run = self.run
        if run.status in OPEN:
            self._account_until(now)
        give_back(run, now=now)
        if run.status is Status.SCHEDULED:
            self._wait_until(self._next_look(now))
            if not self.schedule.goes_on(now, self.clock):
                self._end_schedule(now)

    def release(self, *, now: datetime) -> None:
        for record in self._going_on():
            end(record, Status.ABORTED, now, code=codes.INSTANCE_RELEASED)
            self._mirror(record)
        if self.run.status in OPEN:
            end(self.run, Status.ABORTED, now, code=codes.INSTANCE_RELEASED)

    def follow(self, record: RecordRun, *, now: datetime) -> None:
        """The target after something happened to a record."""
        run = self.run
        if run.status in FINAL:
            self._follow_late(record, now)
            return
        if record.number < run.repeats:
            return
        self._mirror(record)
        goes_on = self.schedule.goes_on(now, self.clock)
        after = state_between(run.status, record.status, goes_on=goes_on or self._is_to_be_told)
        if after in FINAL:
            self._end_like(record, after, now)
        elif run.status is not Status.STOPPING:
            self._wait_until(self._next_look(now) if after is Status.SCHEDULED else None)
            run.status = after
            if after is Status.SCHEDULED and not goes_on:
                self.order_stop(now=now)

    def _fires_on(self, record: RecordRun) -> bool:
        """Whether an agent still begins runs of a plan that is over: the stop was given up, or never reached it."""
        run = self.run
        if run.status not in FINAL or not self.schedule.plan.is_timed or run.finished_at is None:
            return False
        return record.status is Status.RUNNING and (record.started_at or run.finished_at) > run.finished_at

    def _take_back(self, now: datetime) -> None:
        """Order the stop once more; nothing that was stopped goes on because nobody listens any more."""
        run = self.run
        run.status, run.presumed, run.finished_at = Status.STOPPING, False, None
        run.stopped_at = run.stopped_at or now
        run.due_at = now + limits.STOP_TIMEOUT

    def _follow_late(self, record: RecordRun, now: datetime) -> None:
        """The plan is over, and its agent still tells of a run: that one has to end, too."""
        run = self.run
        is_better = run.presumed and run.stopped_at is None and record.number == run.repeats
        if is_better and record.is_settled:
            self._mirror(record)
            self._end_like(record, record.status, now)
        self._wait_until(None)

    def _end_like(self, record: RecordRun, status: Status, now: datetime) -> None:
        """The last record's end is the plan's (CA-176), as sure as that one is."""
        at = record.finished_at or now
        code, info = record.error_code, record.error_info
        end(self.run, status, at, code=code, info=info, presumed=record.presumed)

    def digest(self) -> None:
        """The digest of the last record, which is made when it is written."""
        last = max(self.records, key=lambda record: record.number, default=None)
        if last and last.number == self.run.repeats:
            self.run.digest = last.digest

    def _record_of(self, report: Report, now: datetime) -> RecordRun | None:
        """The record that a report is about, a new one where it is the first; None for a stop of no run, or a run too many."""
        for record in self.records:
            if self._is_about(record, report, now):
                # A run that was handed out by us learns what the agent calls it by.
                record.start = record.start or report.start
                return record
        if report.kind is ReportKind.STOPPED and not self._may_be_new(report, now):
            return next(iter(self._going_on()), None)
        number = self.run.repeats + 1
        fired_at = self._moment_of(report, now)
        if not self._is_believed(report, fired_at, now):
            return None
        self._account_for(fired_at)
        return self._new_record(number, report.invoke_version, report.start, fired_at, now)

    def _is_believed(self, report: Report, fired_at: datetime, now: datetime) -> bool:
        """Whether there may be one more run: a server in wrong hands can invent no more than its plan has."""
        if report.kind is ReportKind.RUNNING and len(self._going_on()) >= limits.OPEN_RECORDS:
            return False
        if self.schedule.plan.kind is PlanKind.EVERY_START:
            heard_at = self.records[-1].delivered_at if self.records else None
            is_early = heard_at is not None and now - heard_at < limits.STARTS_APART
            return self.run.repeats < limits.UNKNOWN_STARTS or not is_early
        return sum(record.fired_at == fired_at for record in self.records) < limits.RUNS_PER_MOMENT

    def _moment_of(self, report: Report, now: datetime) -> datetime:
        ended_at = self.run.finished_at if self.run.is_settled else None
        return self.schedule.moment_of(report, now, self.clock, ended_at=ended_at)

    def _may_be_new(self, report: Report, now: datetime) -> bool:
        """Whether a stop may have ended a run that we have not heard of. Some name their last run, long over."""
        longest = timedelta(seconds=self.run.timeout) + limits.END_GRACE
        return report.started_at is not None and now - report.started_at < longest

    def _is_about(self, record: RecordRun, report: Report, now: datetime) -> bool:
        if self.schedule.plan.kind is PlanKind.EVERY_START:
            is_same = (record.invoke_version, record.start) == (report.invoke_version, report.start)
            return record.number == report.invoke_version or (report.start > 0 and is_same)
        if report.start or record.start:
            return (record.invoke_version, record.start) == (report.invoke_version, report.start)
        # A run that never began has no start to tell it by: the same moment of the plan is the same run.
        return record.fired_at == self._moment_of(report, now)

    def _new_record(
        self, number: int, version: int, start: int, fired_at: datetime, now: datetime
    ) -> RecordRun:
        record = new_record(self.run, number, version, start, fired_at, now=now)
        self.run.repeats = max(self.run.repeats, number)
        self.records.append(record)
        return record

    def _going_on(self) -> Sequence[RecordRun]:
        return [record for record in self.records if record.status in OPEN]

    def _mirror(self, record: RecordRun) -> None:
        run = self.run
        if run.status in FINAL and not run.presumed:
            return
        run.started_at = record.started_at
        run.exit_code, run.error_code = record.exit_code, record.error_code
        run.error_info = record.error_info
        run.output_bytes, run.stored_bytes = record.output_bytes, record.stored_bytes
        run.dropped, run.digest = record.dropped, record.digest

    def _refuse(self, report: Report, now: datetime) -> None:
        """The agent cannot make sense of the plan's times: because they are over, or at all."""
        if report.error_info == codes.CRON_USED_UP or not self.schedule.goes_on(now, self.clock):
            self._run_out(now)
            return
        self._end_open_records(now, presumed=True)
        if self.run.status in OPEN:
            end(self.run, Status.INVALID, now, code=codes.BAD_CRON_EXPRESSION, info=report.error_info)

    def _run_out(self, now: datetime) -> None:
        """Its agent says that there is no further moment."""
        if self.run.status in OPEN:
            self._account_until(now)
        self._close(now, ordered=False)

    def _confirm_stop(self, now: datetime) -> None:
        run = self.run
        if run.status is Status.SCHEDULED:
            # Taken from its agent for a while, which is not the end of it.
            run.delivered_at = None
        elif run.status is Status.STOPPING:
            self._close(now, ordered=self._is_ordered)

    @property
    def _is_ordered(self) -> bool:
        """Whether somebody stopped it before it was over by itself."""
        stopped_at = self.run.stopped_at or self.schedule.created_at
        return self.schedule.goes_on(stopped_at, self.clock)

    @property
    def _is_to_be_told(self) -> bool:
        """Whether an agent has to be told that the plan is over: it may not know when a plan expires."""
        is_known = self.schedule.plan.is_timed and self.run.delivered_at is not None
        return is_known and self.schedule.expires_at is not None

    def _close(
        self, now: datetime, *, ordered: bool, presumed: bool = False, silence: str = codes.CLIENT_NOT_RUNNING
    ) -> None:
        """The schedule is over; what it was last decides, unless somebody stopped it.

        `silence` says why no run of it came: by itself that its agent, which has just answered, was down.
        """
        run = self.run
        if run.status in FINAL:
            return
        self._end_open_records(now, presumed=presumed)
        last = max(self.records, key=lambda record: record.number, default=None)
        if last:
            self._mirror(last)
        elif not ordered and (run.missed or run.left_out):
            self._end_without_a_run(silence, now)
            return
        state = closing_state(last.status if last else None, ordered=ordered)
        code, info = ("", "") if ordered else (run.error_code, run.error_info)
        end(run, state, now, code=code, info=info, presumed=presumed)

    def _end_without_a_run(self, silence: str, now: datetime) -> None:
        """Runs were due and none came: it has failed, as what runs once does whose moment passes so."""
        run = self.run
        code = silence if run.missed else codes.HELD_BACK
        state = overdue_state(Status.SCHEDULED, had_started=False)
        end(run, state, now, code=code, presumed=bool(run.missed))

    def _end_open_records(self, now: datetime, *, presumed: bool) -> None:
        """With the plan its runs end. Of those before the last one nobody has told us."""
        last = max((record.number for record in self.records), default=0)
        for record in self._going_on():
            end(record, Status.TERMINATED, now, presumed=presumed or record.number < last)

    def _end_schedule(self, now: datetime, silence: str = codes.CLIENT_NOT_RUNNING) -> None:
        """It is over, by its times or because it expires (CA-142, CA-176)."""
        if self._is_to_be_told:
            self.order_stop(now=now)
        else:
            is_guess = not self.schedule.has_expired(now)
            self._close(now, ordered=False, presumed=is_guess, silence=silence)

    def _next_look(self, now: datetime) -> datetime | None:
        """A held plan is left alone until it is over: by its expiry, or by its times if they come to an end."""
        if self.run.is_held and not self.schedule.runs_out:
            return self.schedule.expires_at
        return self.schedule.due_at(now, self.clock)

    def _wait_until(self, moment: datetime | None) -> None:
        """It is looked at then, or before at the deadline of a run of which no end has been heard."""
        deadlines = [moment, *(record.due_at for record in self._going_on())]
        self.run.due_at = min((one for one in deadlines if one), default=None)

    def _look_back(self, around: Surroundings, now: datetime) -> None:
        """No word of a run that was due: count it as missed, unless its agent may still tell of it."""
        run = self.run
        goes_on = self.schedule.goes_on(now, self.clock)
        if self.schedule.has_expired(now) or (run.is_held and not goes_on):
            self._account_until(now)
            self._end_schedule(now, unanswered_code(run, around))
        elif run.is_held:
            self._wait_until(self._next_look(now))
        elif not around.connected and self.schedule.goes_on(now - limits.STOP_TIMEOUT, self.clock):
            self._wait_until(now + limits.AWAY_LOOK_AGAIN)
        else:
            missed = self._account_until(now - limits.FIRE_GRACE)
            self._wait_until(self._next_look(now))
            if not goes_on:
                self._end_schedule(now, unanswered_code(run, around))
            elif missed:
                # Perhaps its agent does not know of the plan: it is told again.
                run.delivered_at = None

    def _account_for(self, fired_at: datetime) -> None:
        """A run has come: those due between the last one accounted for and it are missed, unless they come later."""
        run = self.run
        since = run.checked_until or self.schedule.created_at
        if fired_at <= since:
            # It was counted as missed, and its agent had made it.
            run.missed = max(0, run.missed - 1)
            return
        number = max(0, self.schedule.runs_between(since, fired_at, self.clock) - 1)
        run.checked_until = fired_at
        self._count_as_gone(number)

    def _account_until(self, moment: datetime) -> int:
        """Nothing has come of what was due until `moment`, or it was left out: says how many those are."""
        run = self.run
        since = run.checked_until or self.schedule.created_at
        number = self.schedule.runs_between(since, moment, self.clock)
        run.checked_until = max(since, moment)
        self._count_as_gone(number)
        return number

    def _count_as_gone(self, number: int) -> None:
        if self.run.is_held:
            self.run.left_out += number
        else:
            self.run.missed += number

"""How one run goes on: a report, a stop, a restart or a deadline applied to a target's row.

Pure: functions of the row as it is, what happened and the moment. An operation loads the rows, asks here
and writes what has changed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assistant.invocations import limits
from assistant.invocations.rules import codes
from assistant.invocations.rules.plans import Plan, PlanKind, next_runs, stored_plan
from assistant.invocations.rules.reports import Report
from assistant.invocations.states import (
    FINAL,
    RepeatMode,
    ReportKind,
    Said,
    Status,
    closing_state,
    end_state,
    first_state,
    next_state,
    overdue_state,
    released_state,
    restart_state,
    startup_state,
    stop_state,
)

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Run:
    """A target's row while a batch works on it."""

    id: int
    invocation_id: str
    instance_id: str
    status: Status
    presumed: bool
    timeout: int
    delivered_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    finished_at: datetime | None
    due_at: datetime | None
    exit_code: int | None
    error_code: str
    error_info: str
    output_bytes: int
    stored_bytes: int
    dropped: int
    digest: str
    repeat_mode: str = RepeatMode.ONCE.value
    frequency: str = ""
    is_held: bool = False
    repeats: int = 0
    missed: int = 0
    checked_until: datetime | None = None
    held_for: str = ""
    left_out: int = 0
    waits_until: datetime | None = None
    is_restart: bool = False

    @property
    def is_settled(self) -> bool:
        """Ended, and not by a guess."""
        return self.status in FINAL and not self.presumed

    @property
    def output(self) -> tuple[int, int]:
        """Whose output it writes: the target's id and the record's number."""
        return self.id, 0


@dataclass(frozen=True, slots=True)
class Chunk:
    target_id: int
    number: int
    offset: int
    body: bytes


def take(run: Run, report: Report, *, now: datetime, limit: int) -> Chunk | None:
    """Apply a report; the piece of output to store, if it brought one. A settled run is left as it is."""
    if run.is_settled or report.kind is ReportKind.VERIFIED:
        return None
    if lets_go(run, report):
        run.delivered_at = None
        return None
    chunk = keep_output(run, report, limit=limit)
    had_started = run.started_at is not None
    after = next_state(run.status, report.said, presumed=run.presumed, had_started=had_started)
    if run.started_at is None:
        run.started_at = report.started_at or (now if after is Status.RUNNING else None)
    if after is Status.RUNNING and run.status is not after:
        run.status = after
        run.due_at = now + time_to_end(run)
    elif run.is_restart and goes_down(after, report):
        # The script has ended; the server goes down in a moment, and has to come back.
        go_down(run, now=now)
    elif after in FINAL and report.kind is not ReportKind.RUNNING:
        end(run, after, report.ended_at or now, code=code_of(report), info=report.error_info)
        run.exit_code = report.exit_code if report.kind is ReportKind.FINISHED else None
    return chunk


def time_to_end(run: Run) -> timedelta:
    """How long a run may go on before its end counts as lost."""
    return limits.RESTART_TIMEOUT if run.is_restart else timedelta(seconds=run.timeout) + limits.END_GRACE


def goes_down(after: Status, report: Report) -> bool:
    """Whether a restart's script has ended, or its server went down under it."""
    return after is Status.SUCCESS or code_of(report) in (
        codes.EXECUTION_INTERRUPTED,
        codes.INSTANCE_RESTARTED,
    )


def go_down(run: Run, *, now: datetime) -> None:
    if run.status is not Status.RUNNING:
        run.status = next_state(run.status, Said(ReportKind.RUNNING))
        run.due_at = now + limits.RESTART_TIMEOUT


def come_back(run: Run, *, cold_start: bool, now: datetime) -> None:
    """The agent of a server that was told to restart is there again: with its system, or alone."""
    told = run.delivered_at is not None or run.status is Status.RUNNING
    if cold_start and told and run.status in (Status.PENDING, Status.RUNNING):
        end(run, end_state(Said(ReportKind.FINISHED, exit_code=0), had_started=True), now)
        run.exit_code = 0


def keep_output(run: Run, report: Report, *, limit: int) -> Chunk | None:
    """Put the body where it belongs in the output: what is there already is skipped, what is missing is a gap."""
    offset = run.output_bytes + report.dropped if report.offset is None else report.offset
    skipped = max(0, run.output_bytes - offset)
    body = report.body[skipped:]
    # What an agent says adds up, report by report: nothing is kept behind what a column holds.
    offset = min(offset + min(skipped, len(report.body)), limits.OUTPUT_BYTES_MOST)
    kept = body[: max(0, min(limit - run.stored_bytes, limits.OUTPUT_BYTES_MOST - offset))]
    end_of_body = offset + len(body) + report.excess
    run.output_bytes = min(max(run.output_bytes, end_of_body), limits.OUTPUT_BYTES_MOST)
    run.stored_bytes += len(kept)
    run.dropped = run.output_bytes - run.stored_bytes
    return Chunk(*run.output, offset, kept) if kept else None


def code_of(report: Report) -> str:
    match report.kind:
        case ReportKind.FINISHED:
            return "" if report.exit_code == 0 else codes.EXIT_CODE_NONZERO
        case ReportKind.TIMED_OUT:
            return codes.EXECUTION_TIMEOUT
        case ReportKind.FAILED:
            return codes.of_error(report.error_code)
        case ReportKind.INVALID:
            return codes.of_invalid(report.error_code)
        case _:
            return ""


def end(
    run: Run, status: Status, at: datetime, *, code: str = "", info: str = "", presumed: bool = False
) -> None:
    run.status = status
    # Clocks of two machines: an end before its own start would be nonsense to print.
    run.finished_at = max(at, run.started_at) if run.started_at else at
    run.due_at = None
    run.presumed = presumed
    run.error_code = code
    run.error_info = codes.info_of(code, info)


def order_stop(run: Run, *, now: datetime) -> None:
    after = stop_state(run.status, delivered=run.delivered_at is not None)
    if after is run.status:
        return
    run.stopped_at = now
    if after in FINAL:
        end(run, after, now)
    else:
        run.status = after
        run.due_at = now + limits.STOP_TIMEOUT


def take_turn(run: Run, around: "Surroundings", *, now: datetime) -> None:
    """The turn of a run that was held has come: it goes to its agent, or has failed because there is none."""
    run.is_held = False
    after = first_state(connected=around.connected)
    if after in FINAL:
        end(run, after, now, code=unreachable_code(ever_seen=around.ever_seen))
    else:
        run.due_at = now + limits.DELIVERY_TIMEOUT


def call_off(run: Run, code: str, *, now: datetime) -> None:
    """The turn of a run that was held will not come."""
    end(run, stop_state(run.status, delivered=False), now, code=code)


def hold_back(run: Run, cause: str) -> None:
    """A plan is not to run for the time being. What its agent knows of it is taken back (`lets_go`)."""
    run.is_held = True
    run.held_for = cause


def lets_go(run: Run, report: Report) -> bool:
    """Whether an agent says that it has given a plan back that was held, which is not the end of it.

    It may say so when the plan is held no longer: it is told of it again.
    """
    return run.status is Status.SCHEDULED and report.kind is ReportKind.STOPPED


def give_back(run: Run, *, now: datetime) -> None:
    """A plan may run again. One whose only moment has passed meanwhile has not run."""
    was_let_go = run.delivered_at is None
    run.is_held = False
    run.held_for = ""
    if run.status is not Status.SCHEDULED:
        return
    plan = stored_plan(run.repeat_mode, run.frequency)
    # An agent that has not let go still has it: what it knows is not forgotten here.
    if plan.kind is PlanKind.MOMENT and now >= moment_of(plan) and was_let_go:
        end(run, overdue_state(run.status, had_started=False), now, code=codes.HELD_BACK)


def hand_out_at_start(run: Run, *, now: datetime) -> None:
    """The system has started: what waited for that goes to its agent."""
    run.status = startup_state(run.status)
    run.delivered_at = now
    run.due_at = now + limits.ANSWER_TIMEOUT


def interrupt(run: Run, *, cold_start: bool, now: datetime) -> None:
    """A new agent process has come up: what the old one ran is over."""
    if run.is_restart and run.status is Status.RUNNING:
        come_back(run, cold_start=cold_start, now=now)
        return
    after = restart_state(run.status, had_started=run.started_at is not None)
    if after is run.status:
        return
    code = codes.INSTANCE_RESTARTED if cold_start else codes.EXECUTION_INTERRUPTED
    # The server's conclusion: a result that the agent has kept and delivers later is better knowledge.
    end(run, after, now, code=code if after is Status.ERROR else "", presumed=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a run's instance when its deadline has passed."""

    ever_seen: bool
    connected: bool
    runs: int


def pass_deadline(run: Run, around: Surroundings, *, now: datetime) -> None:
    """The deadline has passed: wait on for a busy agent, or presume the end."""
    if run.status is Status.SCHEDULED and run.repeat_mode != RepeatMode.PERIOD:
        # It has expired before the start of the system that it waited for.
        end(run, closing_state(None, ordered=False), now)
        return
    taken = run.delivered_at is not None
    if run.status is Status.PENDING and not around.connected and run.waits_until and now < run.waits_until:
        run.due_at = run.waits_until
        return
    if run.status is Status.PENDING and taken and around.connected and around.runs:
        run.due_at = now + limits.ANSWER_TIMEOUT
        return
    if run.status is Status.SCHEDULED and taken and not around.connected and not given_up(run, now):
        run.due_at = now + limits.FIRE_GRACE
        return
    after = overdue_state(run.status, had_started=run.started_at is not None)
    end(run, after, now, code=overdue_code(run, around), presumed=True)


def given_up(run: Run, now: datetime) -> bool:
    """An agent that is away may have run what it has, and tell of it when it comes back; not for ever."""
    return now >= moment_of(stored_plan(run.repeat_mode, run.frequency)) + limits.STOP_TIMEOUT


def moment_of(plan: Plan) -> datetime:
    """When a plan runs that runs once."""
    [moment] = next_runs(plan, LONG_AGO, 1, created_at=LONG_AGO) or [LONG_AGO]
    return moment


def overdue_code(run: Run, around: Surroundings) -> str:
    """Which of the client's codes it is (CA-196)."""
    if run.status is Status.RUNNING:
        return codes.RESTART_NOT_SEEN if run.is_restart else codes.EXECUTION_TIMEOUT
    if run.status not in (Status.PENDING, Status.SCHEDULED):
        return ""
    if run.held_for:
        return codes.HELD_BACK
    if run.status is Status.SCHEDULED and was_told_too_late(run):
        return codes.CLIENT_NOT_RUNNING
    return unanswered_code(run, around)


def was_told_too_late(run: Run) -> bool:
    """Whether the agent that knows of a plan for one moment came up after it: agents leave those alone."""
    moment = moment_of(stored_plan(run.repeat_mode, run.frequency))
    return run.delivered_at is not None and run.delivered_at > moment


def unanswered_code(run: Run, around: Surroundings) -> str:
    """Why nothing was heard of a run. That a network is blocked nobody can know who connects to no server."""
    if not around.connected:
        return unreachable_code(ever_seen=around.ever_seen)
    return codes.CLIENT_NOT_RESPONSE if run.delivered_at else codes.DELIVERY_TIMEOUT


def unreachable_code(*, ever_seen: bool) -> str:
    return codes.CLIENT_NOT_ONLINE if ever_seen else codes.CLIENT_NOT_RUNNING


def release(run: Run, *, now: datetime) -> None:
    """The instance itself is gone."""
    after = released_state(run.status)
    if after is not run.status:
        end(run, after, now, code=codes.INSTANCE_RELEASED)

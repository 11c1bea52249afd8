"""What a run can be: detailed states (CA-177), the coarse ones derived from them (CA-170), and the
tables by which reports, stops and deadlines move them.

Nothing else decides a status. Pure: no database, no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from assistant.instances.states import BAD, BUSY, GOOD, IDLE, WARNING


class Status(TextChoices):
    """InvocationStatus of one instance: what is stored."""

    PENDING = "Pending", _("Pending")
    RUNNING = "Running", _("Task Running")
    SCHEDULED = "Scheduled", _("Waiting for execution")
    STOPPING = "Stopping", _("Task Stopping")
    SUCCESS = "Success", _("Successful")
    FAILED = "Failed", _("Task Failed")
    TIMEOUT = "Timeout", _("Timed out")
    ERROR = "Error", _("Task Failed")
    INVALID = "Invalid", _("Task Failed")
    ABORTED = "Aborted", _("Task Failed")
    CANCELLED = "Cancelled", _("Manually Stopped")
    TERMINATED = "Terminated", _("Manually Stopped")

    @property
    def tone(self) -> str:
        return TONES[self]

    @property
    def coarse(self) -> "InvokeStatus":
        return COARSE[self]

    @property
    def is_final(self) -> bool:
        return self in FINAL

    @property
    def counter(self) -> str:
        """The invocation's column that counts this state."""
        return f"n_{self.value.lower()}"


class Overall(TextChoices):
    """InvocationStatus of a whole invocation (CA-178)."""

    RUNNING = "Running", _("Task Running")
    PENDING = "Pending", _("Task Running")
    SCHEDULED = "Scheduled", _("Waiting for execution")
    STOPPING = "Stopping", _("Task Stopping")
    STOPPED = "Stopped", _("Manually Stopped")
    FAILED = "Failed", _("Task Failed")
    SUCCESS = "Success", _("Successful")
    PARTIAL_FAILED = "PartialFailed", _("Partially Failed")

    @property
    def tone(self) -> str:
        return OVERALL_TONES[self]

    @property
    def is_final(self) -> bool:
        return self in FINAL_OVERALL


class InvokeStatus(TextChoices):
    """The coarse state, on all three levels; PartialFailed only overall (CA-170)."""

    RUNNING = "Running", _("Task Running")
    STOPPING = "Stopping", _("Task Stopping")
    STOPPED = "Stopped", _("Manually Stopped")
    FINISHED = "Finished", _("Task Completed")
    FAILED = "Failed", _("Task Failed")
    PARTIAL_FAILED = "PartialFailed", _("Partially Failed")


# What people read where the API knows Stopped alone: a plan's time was up before a run of it was due.
EXPIRED = _("Expired")


class RepeatMode(TextChoices):
    """When a command runs."""

    ONCE = "Once", _("Immediate execution")
    PERIOD = "Period", _("Run on schedule")
    NEXT_REBOOT_ONLY = "NextRebootOnly", _("After the next startup of the system")
    EVERY_REBOOT = "EveryReboot", _("After each system startup")


class HoldCause(TextChoices):
    """Why a plan does not run for the time being."""

    BLACKOUT = "Blackout", _("Blackout window")
    QUOTA = "Quota", _("Quota of runs used up")


OPEN = frozenset({Status.PENDING, Status.RUNNING, Status.SCHEDULED, Status.STOPPING})
STOPPED = frozenset({Status.CANCELLED, Status.TERMINATED})
NOT_RUN = frozenset({Status.TIMEOUT, Status.ERROR, Status.INVALID, Status.ABORTED})
FAILURES = NOT_RUN | {Status.FAILED}
FINAL = frozenset(Status) - OPEN
FINAL_OVERALL = frozenset({Overall.STOPPED, Overall.FAILED, Overall.SUCCESS, Overall.PARTIAL_FAILED})

COARSE: Mapping[Status, InvokeStatus] = {
    Status.PENDING: InvokeStatus.RUNNING,
    Status.RUNNING: InvokeStatus.RUNNING,
    Status.SCHEDULED: InvokeStatus.RUNNING,
    Status.STOPPING: InvokeStatus.STOPPING,
    Status.SUCCESS: InvokeStatus.FINISHED,
    Status.FAILED: InvokeStatus.FINISHED,
    **dict.fromkeys(NOT_RUN, InvokeStatus.FAILED),
    **dict.fromkeys(STOPPED, InvokeStatus.STOPPED),
}
TONES: Mapping[Status, str] = {
    Status.PENDING: IDLE,
    Status.RUNNING: BUSY,
    Status.SCHEDULED: IDLE,
    Status.STOPPING: WARNING,
    Status.SUCCESS: GOOD,
    **dict.fromkeys(FAILURES, BAD),
    **dict.fromkeys(STOPPED, IDLE),
}
OVERALL_TONES: Mapping[Overall, str] = {
    Overall.RUNNING: BUSY,
    Overall.PENDING: IDLE,
    Overall.SCHEDULED: IDLE,
    Overall.STOPPING: WARNING,
    Overall.STOPPED: IDLE,
    Overall.FAILED: BAD,
    Overall.SUCCESS: GOOD,
    Overall.PARTIAL_FAILED: WARNING,
}


# --- Three levels: record, instance, overall ---


def overall(counts: Mapping[Status, int]) -> Overall:
    """The detailed overall state from the number of instances in each state (CA-178)."""
    present = {status for status, number in counts.items() if number}
    for status, answer in OPEN_ANSWERS:
        if status in present:
            return answer
    succeeded, failed = Status.SUCCESS in present, bool(present & FAILURES)
    if succeeded and failed:
        return Overall.PARTIAL_FAILED
    if failed:
        return Overall.FAILED
    return Overall.SUCCESS if succeeded else Overall.STOPPED


OPEN_ANSWERS = (
    (Status.RUNNING, Overall.RUNNING),
    (Status.PENDING, Overall.PENDING),
    (Status.SCHEDULED, Overall.SCHEDULED),
    (Status.STOPPING, Overall.STOPPING),
)


def coarse_overall(states: Iterable[InvokeStatus]) -> InvokeStatus:
    """The coarse overall state from the instances' coarse states; the first row that fits wins (CA-172)."""
    present = frozenset(states)
    for status in (InvokeStatus.RUNNING, InvokeStatus.STOPPING):
        if status in present:
            return status
    if present <= {InvokeStatus.STOPPED}:
        return InvokeStatus.STOPPED
    if present <= {InvokeStatus.FAILED, InvokeStatus.STOPPED}:
        return InvokeStatus.FAILED
    if present <= {InvokeStatus.FINISHED, InvokeStatus.STOPPED}:
        return InvokeStatus.FINISHED
    return InvokeStatus.PARTIAL_FAILED


def instance_state(records: Iterable[InvokeStatus], *, schedule_alive: bool, stopping: bool) -> InvokeStatus:
    """The coarse state of one instance from its records, oldest first (CA-169, CA-175, CA-176)."""
    if schedule_alive:
        return InvokeStatus.STOPPING if stopping else InvokeStatus.RUNNING
    last = InvokeStatus.STOPPED
    for record in records:
        last = record
    return last


# --- What moves a run ---


def first_state(*, connected: bool, waits: bool = False, able: bool = True) -> Status:
    """How a run begins: a plan waits for its time; what nobody is there to take has failed before it began."""
    if waits and able:
        return Status.SCHEDULED
    return Status.PENDING if connected and able else Status.ABORTED


class ReportKind(StrEnum):
    """What an agent says of a run."""

    RUNNING = "running"
    FINISHED = "finish"
    TIMED_OUT = "timeout"
    FAILED = "error"
    STOPPED = "stopped"
    INVALID = "invalid"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Said:
    """The part of a report that decides."""

    kind: ReportKind
    exit_code: int | None = None
    has_started: bool = False


def next_state(current: Status, said: Said, *, presumed: bool = False, had_started: bool = False) -> Status:
    """Where a report moves a run. The same state means that nothing moves.

    A final state stays: a late, repeated or contradicting report changes nothing. The exception is an end
    that the server only presumed (a deadline passed): what the agent says of the run's end is better
    knowledge than the guess, and replaces it.
    """
    if said.kind is ReportKind.VERIFIED or (current in FINAL and not presumed):
        return current
    if said.kind is ReportKind.RUNNING:
        return Status.RUNNING if current in (Status.PENDING, Status.SCHEDULED) else current
    return end_state(said, had_started=had_started)


def end_state(said: Said, *, had_started: bool) -> Status:
    match said.kind:
        case ReportKind.FINISHED:
            return Status.SUCCESS if said.exit_code == 0 else Status.FAILED
        case ReportKind.STOPPED:
            return Status.TERMINATED if had_started or said.has_started else Status.CANCELLED
        case ReportKind.TIMED_OUT:
            return Status.TIMEOUT
        case ReportKind.INVALID:
            return Status.INVALID
        case _:
            return Status.ERROR


def stop_state(current: Status, *, delivered: bool) -> Status:
    """Where the order to stop moves a run: what no agent has taken is over at once."""
    if current in (Status.PENDING, Status.SCHEDULED) and not delivered:
        return Status.CANCELLED
    return Status.STOPPING if current in (Status.PENDING, Status.RUNNING, Status.SCHEDULED) else current


def state_between(current: Status, record: Status, *, goes_on: bool) -> Status:
    """Where a record moves its target: Scheduled again after each run, until the schedule is over (CA-176)."""
    if current not in (Status.PENDING, Status.RUNNING, Status.SCHEDULED):
        return current
    if record in (Status.PENDING, Status.RUNNING):
        return record
    return Status.SCHEDULED if goes_on else record


def closing_state(last: Status | None, *, ordered: bool) -> Status:
    """What a target is when its schedule is over: by an order to stop, or because its time is up (CA-176)."""
    if last is None:
        return Status.CANCELLED
    return Status.TERMINATED if ordered else last


def startup_state(current: Status) -> Status:
    """Where a start of the system moves a run that waits for it."""
    return Status.PENDING if current is Status.SCHEDULED else current


def restart_state(current: Status, *, had_started: bool) -> Status:
    """Where the start of a new agent process moves a run: what the old one ran is over."""
    if current is Status.RUNNING:
        return Status.ERROR
    if current is Status.STOPPING:
        return Status.TERMINATED if had_started else Status.CANCELLED
    return current


def overdue_state(current: Status, *, had_started: bool) -> Status:
    """Where a passed deadline moves a run."""
    if current in (Status.PENDING, Status.SCHEDULED):
        return Status.ABORTED
    if current is Status.RUNNING:
        return Status.TIMEOUT
    if current is Status.STOPPING:
        return Status.TERMINATED if had_started else Status.CANCELLED
    return current


def released_state(current: Status) -> Status:
    """Where the end of the instance itself moves a run."""
    return Status.ABORTED if current in OPEN else current

"""What an agent reports of a run, freed of the wire's spelling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from assistant.invocations.states import ReportKind, Said


@dataclass(frozen=True, slots=True)
class Report:
    """One report. Moments are in the server's clock; `instance_id` is the one whose signature was verified."""

    instance_id: str
    invocation_id: str
    kind: ReportKind
    # Which run of a plan it is: the version of the plan, the agent's clock at the start, and, from our agent,
    # the moment of the plan by that clock. Milliseconds, 0 where nothing was said.
    invoke_version: int = 0
    start: int = 0
    fire: int = 0
    # The agent says that the plan has no further run.
    is_completed: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    # Bytes that the agent left out before the body.
    dropped: int = 0
    # Where the body begins in the whole output. Our agent says so; the reference agent does not.
    offset: int | None = None
    body: bytes = b""
    # Bytes of the body beyond what one report may bring; they were not read.
    excess: int = 0
    error_code: str = ""
    error_info: str = ""

    @property
    def said(self) -> Said:
        return Said(self.kind, exit_code=self.exit_code, has_started=self.started_at is not None)


class Outcome(StrEnum):
    """What became of a report. All but UNKNOWN are a success for the agent: it need not come again."""

    RECORDED = "recorded"
    LATE = "late"
    UNKNOWN = "unknown"

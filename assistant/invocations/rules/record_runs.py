"""One run of a plan that recurs, as a row while a batch works on it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assistant.invocations.rules.progress import LONG_AGO, Run
from assistant.invocations.states import Status


@dataclass(slots=True)
class RecordRun(Run):
    """A record's row while a batch works on it. `id` is the target's."""

    number: int = 0
    invoke_version: int = 0
    start: int = 0
    fired_at: datetime = LONG_AGO
    # What of it is stored; None of one that is new.
    stored: tuple[Any, ...] | None = None

    @property
    def output(self) -> tuple[int, int]:
        return self.id, self.number


def new_record(
    run: Run, number: int, version: int, start: int, fired_at: datetime, *, now: datetime
) -> RecordRun:
    """A run of this target's plan that is heard of, or handed out, now."""
    return RecordRun(
        id=run.id,
        invocation_id=run.invocation_id,
        instance_id=run.instance_id,
        status=Status.PENDING,
        presumed=False,
        timeout=run.timeout,
        delivered_at=now,
        started_at=None,
        stopped_at=None,
        finished_at=None,
        due_at=None,
        exit_code=None,
        error_code="",
        error_info="",
        output_bytes=0,
        stored_bytes=0,
        dropped=0,
        digest="",
        number=number,
        invoke_version=version,
        start=start,
        fired_at=fired_at,
    )

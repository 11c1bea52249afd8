"""Records of plans that recur: loaded beside their targets, written with them.

Whoever holds a target holds its records: nobody writes one without the other.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import connection

from assistant.instances.models import Instance
from assistant.invocations.models import Invocation, Record
from assistant.invocations.rules.cron import Cron
from assistant.invocations.rules.plans import stored_plan
from assistant.invocations.rules.progress import Run
from assistant.invocations.rules.record_runs import RecordRun
from assistant.invocations.rules.recurring import Series
from assistant.invocations.rules.reports import Report
from assistant.invocations.rules.schedules import Schedule
from assistant.invocations.rules.zones import UTC_ZONE, Zone, zone_named
from assistant.invocations.states import RepeatMode, Status

# What may change of a record: columns and, by the same names, fields of a RecordRun.
STATE = (
    "status",
    "presumed",
    "delivered_at",
    "started_at",
    "stopped_at",
    "finished_at",
    "due_at",
    "exit_code",
    "error_code",
    "error_info",
    "output_bytes",
    "stored_bytes",
    "dropped",
    "digest",
    "start",
)
IDENTITY = ("number", "invoke_version", "fired_at")
WRITE_RECORD = f"""
    UPDATE invocations_record SET {", ".join(f"{name} = %s" for name in STATE)}
    WHERE target_id = %s AND number = %s
"""  # noqa: S608 - column names of our own


def series_of(runs: Sequence[Run], starts: Collection[int], versions: Collection[int]) -> dict[int, Series]:
    """The series of those of these runs whose plan recurs. No query where there is none, else three at most."""
    recurring = [run for run in runs if recurs(run)]
    if not recurring:
        return {}
    schedules = schedules_of({run.invocation_id for run in recurring})
    clocks = clocks_of(run.instance_id for run in recurring if has_own_clock(schedules[run.invocation_id]))
    series = {
        run.id: Series(run, schedules[run.invocation_id], clocks.get(run.instance_id, UTC_ZONE))
        for run in recurring
    }
    for record in Record.objects.of_batch(series, starts, versions):
        one = series[record.target_id]
        one.records.append(loaded(record, one.run))
    return series


def learn_moments(told: Iterable[tuple[Series, Report]], *, now: datetime) -> None:
    """Load what there is of moments at which runs are told of late. Mostly none is: no query then."""
    late = {(one.run.id, at): one for one, report in told if (at := one.late_moment(report, now))}
    if not late:
        return
    plans = {one.run.invocation_id for one in late.values()}
    whose, when = {target_id for target_id, _at in late}, {at for _target_id, at in late}
    for record in Record.objects.filter(invocation__in=plans, fired_at__in=when, target__in=whose):
        one = late.get((record.target_id, record.fired_at))
        if one and all(known.number != record.number for known in one.records):
            one.records.append(loaded(record, one.run))
    for one in late.values():
        one.records.sort(key=attrgetter("number"))


def recurs(run: Run) -> bool:
    return run.repeat_mode != RepeatMode.ONCE and stored_plan(run.repeat_mode, run.frequency).recurs


def loaded(record: Record, run: Run) -> RecordRun:
    values: dict[str, Any] = {name: getattr(record, name) for name in (*STATE, *IDENTITY)}
    values["status"] = Status(record.status)
    whose: dict[str, Any] = {
        "id": run.id,
        "invocation_id": run.invocation_id,
        "instance_id": run.instance_id,
    }
    made = RecordRun(**whose, **values, timeout=run.timeout)
    made.stored = state_of(made)
    return made


def state_of(record: RecordRun) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in STATE)


def schedules_of(invocation_ids: Collection[str]) -> dict[str, Schedule]:
    columns = ("pk", "repeat_mode", "frequency", "created_at", "expires_at", "invoke_version")
    rows = Invocation.objects.filter(pk__in=invocation_ids).values_list(*columns)
    return {
        pk: Schedule(stored_plan(repeat_mode, frequency), created_at, expires_at, version)
        for pk, repeat_mode, frequency, created_at, expires_at, version in rows
    }


def has_own_clock(schedule: Schedule) -> bool:
    """Whether each server's clock counts, because the plan names no zone (CA-124)."""
    return isinstance(schedule.plan.schedule, Cron) and schedule.plan.zone is None


def clocks_of(instance_ids: Iterable[str]) -> dict[str, Zone]:
    names = Instance.objects.filter(pk__in=set(instance_ids)).values_list("pk", "time_zone")
    return {pk: zone_named(name) or UTC_ZONE for pk, name in names}


# --- Written ---


def changed_records(series: Iterable[Series]) -> list[RecordRun]:
    return [record for one in series for record in one.records if record.stored != state_of(record)]


def write_records(records: Sequence[RecordRun], *, now: datetime) -> None:
    new = [record for record in records if record.stored is None]
    Record.objects.bulk_create([row_of(record, now=now) for record in new], batch_size=500)
    known = [record for record in records if record.stored is not None]
    if known:
        with connection.cursor() as cursor:
            cursor.executemany(WRITE_RECORD, [values_of(record) for record in known])


def row_of(record: RecordRun, *, now: datetime) -> Record:
    values = {name: getattr(record, name) for name in (*STATE, *IDENTITY)}
    return Record(target_id=record.id, invocation_id=record.invocation_id, created_at=now, **values)


def values_of(record: RecordRun) -> tuple[Any, ...]:
    state = (adapted(value) for value in state_of(record))
    return (*state, record.id, record.number)


def adapted(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.value if isinstance(value, Status) else value

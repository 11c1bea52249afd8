"""What agents fetch: their runs and their stops, for many agents at once."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from access.errors import SecretNotOpened
from access.principals import Principal
from assistant.commands.rules.content import erasable, for_delivery
from assistant.commands.states import CommandType
from assistant.instances.limits import OWN_AGENT
from assistant.instances.models import Instance
from assistant.invocations import followups, limits
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.parameters import Filling
from assistant.invocations.operations.writing import hold, write
from assistant.invocations.querysets import GOING_ON, STARTS
from assistant.invocations.rules.plans import on_wire
from assistant.invocations.rules.progress import Run, come_back, hand_out_at_start, interrupt
from assistant.invocations.rules.recurring import Series
from assistant.invocations.states import FINAL, RepeatMode, Status

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetch:
    """An agent asks for its work. `is_startup`: for the first time since its process began."""

    instance_id: str
    is_startup: bool = False
    cold_start: bool = False
    # The zone of the server's clock.
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A run as an agent gets it. `content` is Base64; no username means the agent's own account."""

    invocation_id: str
    command_id: str
    command_name: str
    type: str
    content: str
    timeout: int
    working_dir: str
    username: str
    # The plan as the wire spells it: the kind of repeat, and its times.
    repeat: str
    cron: str
    invoke_version: int
    created_at: datetime
    expires_at: datetime | None
    # The agent is told to look for parameters, so that it deletes the script's file (`content.erasable`).
    is_erased: bool = False


@dataclass(slots=True)
class Work:
    """The answer to one fetch."""

    runs: list[Task] = field(default_factory=list)
    stops: list[Task] = field(default_factory=list)


@transaction.atomic
def list_tasks(_principal: Principal, fetches: Sequence[Fetch]) -> list[Work]:
    """Hand out what is waiting, and note that it was handed out; one answer per fetch.

    A run is handed out again until the agent has said a first word about it: agents ignore what they know
    already. A fetch of a process that has just begun first ends what the one before it left behind, and is
    told of all plans: the reference agent keeps none, and ours drops what is not named.
    """
    now = timezone.now()
    starting = {fetch.instance_id: fetch.cold_start for fetch in fetches if fetch.is_startup}
    cold = [instance_id for instance_id, is_cold in starting.items() if is_cold]
    note_clocks(fetches)
    instance_ids = [fetch.instance_id for fetch in fetches]
    # Held at once: whoever holds targets twice in a transaction has invocations in between.
    batch = hold(Target.objects.for_fetches(instance_ids, starting, cold=cold, now=now))
    for run in batch.runs:
        if run.instance_id in starting:
            begin_anew(run, batch.series.get(run.id), cold_start=starting[run.instance_id], now=now)
    chosen = within_places([run for run in batch.runs if run.status not in FINAL and is_due(run)])
    note_deliveries(chosen, now=now)
    write(batch, now=now)
    work = work_of(chosen)
    return [work[fetch.instance_id] for fetch in fetches]


def note_clocks(fetches: Sequence[Fetch]) -> None:
    """The zones of servers' clocks, which plans without one go by (CA-124)."""
    said = {fetch.instance_id: fetch.time_zone for fetch in fetches if fetch.is_startup and fetch.time_zone}
    if not said:
        return
    known = Instance.objects.filter(pk__in=said).values_list("pk", "time_zone")
    for instance_id in Instance.objects.lock_in_order(pk for pk, zone in known if zone != said[pk]):
        Instance.objects.filter(pk=instance_id).update(time_zone=said[instance_id])


def begin_anew(run: Run, series: Series | None, *, cold_start: bool, now: datetime) -> None:
    """What the start of an agent, perhaps with its system, means for a run."""
    if series:
        series.interrupt(cold_start=cold_start, now=now)
    elif run.status in GOING_ON:
        interrupt(run, cold_start=cold_start, now=now)
    elif run.is_restart:
        come_back(run, cold_start=cold_start, now=now)
    # A new process knows of nothing that the one before it was told.
    if run.status is Status.SCHEDULED:
        run.delivered_at = None
        if cold_start and run.repeat_mode in STARTS and not run.is_held:
            if series:
                series.begin(now=now)
            else:
                hand_out_at_start(run, now=now)


def is_due(run: Run) -> bool:
    """Whether its agent is to be told: not of plans that wait for the system's start, nor of held ones."""
    if run.status is Status.SCHEDULED:
        return run.repeat_mode == RepeatMode.PERIOD and (not run.is_held or run.delivered_at is not None)
    return run.status in (Status.PENDING, Status.STOPPING)


def within_places(runs: Sequence[Run]) -> list[Run]:
    """The oldest runs of each instance, as many as an answer takes, and every plan and stop."""
    taken: defaultdict[str, int] = defaultdict(int)
    chosen = []
    for run in runs:
        if run.status is Status.PENDING:
            taken[run.instance_id] += 1
            if taken[run.instance_id] > limits.TASKS_PER_FETCH:
                continue
        chosen.append(run)
    return chosen


def note_deliveries(runs: Sequence[Run], *, now: datetime) -> None:
    """Note what is handed out. Of runs one statement: no counter moves, and no page shows it."""
    new = [run.id for run in runs if run.status is Status.PENDING and run.delivered_at is None]
    if new:
        Target.objects.filter(pk__in=new).update(delivered_at=now, due_at=now + limits.ANSWER_TIMEOUT)
    for run in runs:
        if run.status is Status.SCHEDULED and run.delivered_at is None:
            run.delivered_at = now


def work_of(runs: Sequence[Run]) -> defaultdict[str, Work]:
    """Two queries. What is the same for all targets of an invocation is read and encoded once."""
    chosen = {run.id: run for run in runs}
    rows = list(
        Target.objects.filter(pk__in=chosen)
        .order_by("pk")
        .values_list(
            "pk",
            "invocation_id",
            "instance_id",
            "username",
            "instance__default_username",
            "instance__name",
            "instance__agent_name",
        )
    )
    invocations = Invocation.objects.select_related("command").in_bulk({row[1] for row in rows})
    tasks = {pk: task_of(invocation) for pk, invocation in invocations.items()}
    runs_there = {run.invocation_id for run in runs if not is_taken_back(run)}
    fillings = fillings_of(invocation for pk, invocation in invocations.items() if pk in runs_there)
    work: defaultdict[str, Work] = defaultdict(Work)
    for pk, invocation_id, instance_id, username, own_username, name, agent_name in rows:
        run, task = chosen[pk], tasks[invocation_id]
        if username != own_username:
            task = replace(task, username=username)
        if run.repeat_mode == RepeatMode.EVERY_REBOOT:
            # Each start is another run.
            task = replace(task, invoke_version=run.repeats)
        answer = work[instance_id]
        if is_taken_back(run):
            # Which run is meant is enough: no values travel with a stop.
            answer.stops.append(task)
        elif invocation_id not in fillings:
            answer.runs.append(task)
        elif filling := fillings[invocation_id]:
            keeps_files = agent_name != OWN_AGENT
            answer.runs.append(
                filled_in(task, filling, filling.on(instance_id, name), keeps_files=keeps_files)
            )
    return work


def is_taken_back(run: Run) -> bool:
    return run.status is Status.STOPPING or run.is_held


def filled_in(task: Task, filling: Filling, script: str, *, keeps_files: bool) -> Task:
    kind = CommandType(task.type)
    erased = erasable(script, kind) if filling.has_secrets and keeps_files else None
    return replace(task, content=for_delivery(erased or script, kind), is_erased=erased is not None)


def fillings_of(invocations: Iterable[Invocation]) -> dict[str, Filling | None]:
    """Of those that use parameters; None where a secret does not open, so that no other run waits for it."""
    fillings: dict[str, Filling | None] = {}
    for invocation in invocations:
        if invocation.command.enable_parameter:
            try:
                fillings[invocation.pk] = Filling(invocation)
            except SecretNotOpened as error:
                logger.error("Run not delivered invocation=%s: %s", invocation.pk, error.message)  # noqa: TRY400 - no trace
                fillings[invocation.pk] = None
    return fillings


def task_of(invocation: Invocation) -> Task:
    """For an agent's own account, which has no name."""
    command, wire = invocation.command, on_wire(invocation.plan)
    return Task(
        invocation_id=invocation.pk,
        command_id=command.pk,
        command_name=command.name,
        type=command.type,
        content=for_delivery(command.content, CommandType(command.type)),
        timeout=invocation.timeout,
        working_dir=invocation.working_dir,
        username="",
        repeat=wire.repeat,
        cron=wire.cron,
        invoke_version=invocation.invoke_version,
        created_at=invocation.created_at,
        expires_at=invocation.expires_at,
    )


def instances_with_work(instance_ids: Sequence[str]) -> list[str]:
    """Those of these instances for which something waits: who has just been heard of is rung again."""
    waiting = Target.objects.waiting_for(instance_ids)
    return list(waiting.order_by().values_list("instance_id", flat=True).distinct())


def ring_unheard(_principal: Principal, *, now: datetime) -> int:
    """Ring again for what connected agents should have fetched and have not; says how many were rung."""
    unheard = Target.objects.unheard(now).order_by().values_list("instance_id", flat=True).distinct()
    instance_ids = list(unheard)
    followups.ring(instance_ids, "kick_vm")
    return len(instance_ids)


def ring_targets(_principal: Principal, invocation_id: str) -> None:
    """Ring everyone whose run of this invocation has not been fetched yet."""
    waiting = Target.objects.filter(
        invocation=invocation_id,
        status__in=[Status.PENDING, Status.SCHEDULED],
        delivered_at__isnull=True,
        is_held=False,
    )
    followups.ring(
        waiting.values_list("instance_id", flat=True).iterator(), f"kick_vm task run {invocation_id}"
    )

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
from assistant.invocations import followups, limits
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.parameters import Filling
from assistant.invocations.operations.writing import hold, write
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.progress import Run, interrupt
from assistant.invocations.states import FINAL, RepeatMode, Status

logger = logging.getLogger(__name__)

GOING_ON = (Status.RUNNING, Status.STOPPING)


@dataclass(frozen=True, slots=True)
class Fetch:
    """An agent asks for its work. `is_startup`: for the first time since its process began."""

    instance_id: str
    is_startup: bool = False
    cold_start: bool = False


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
    repeat_mode: str
    created_at: datetime
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
    already. A fetch of a process that has just begun first ends what the one before it left behind.
    """
    now = timezone.now()
    cold = {fetch.instance_id: fetch.cold_start for fetch in fetches if fetch.is_startup}
    waiting = Target.objects.waiting_for(fetch.instance_id for fetch in fetches)
    left_behind = Target.objects.filter(instance__in=list(cold), status__in=GOING_ON)
    # Held at once: whoever holds targets twice in a transaction has invocations in between.
    batch = hold(waiting | left_behind)
    for run in batch.runs:
        if run.instance_id in cold and run.status in GOING_ON:
            interrupt(run, cold_start=cold[run.instance_id], now=now)
    chosen = within_places([run for run in batch.runs if run.status not in FINAL])
    write_deliveries(chosen, now=now)
    write(batch, now=now)
    work = work_by_instance(Target.objects.filter(pk__in=[run.id for run in chosen]))
    return [work[fetch.instance_id] for fetch in fetches]


def within_places(runs: Sequence[Run]) -> list[Run]:
    """The oldest runs of each instance, as many as an answer takes, and every stop."""
    taken: defaultdict[str, int] = defaultdict(int)
    chosen = []
    for run in runs:
        if run.status is Status.PENDING:
            taken[run.instance_id] += 1
            if taken[run.instance_id] > limits.TASKS_PER_FETCH:
                continue
        chosen.append(run)
    return chosen


def write_deliveries(runs: Sequence[Run], *, now: datetime) -> None:
    """One statement: all get the same two moments. No counter moves, and no page shows it."""
    new = [run.id for run in runs if run.status is Status.PENDING and run.delivered_at is None]
    if new:
        Target.objects.filter(pk__in=new).update(delivered_at=now, due_at=now + limits.ANSWER_TIMEOUT)


def work_by_instance(targets: TargetQuerySet) -> defaultdict[str, Work]:
    """Two queries. What is the same for all targets of an invocation is read and encoded once."""
    rows = list(
        targets.order_by("pk").values_list(
            "invocation_id",
            "instance_id",
            "status",
            "username",
            "instance__default_username",
            "instance__name",
            "instance__agent_name",
        )
    )
    invocations = Invocation.objects.select_related("command").in_bulk({row[0] for row in rows})
    tasks = {pk: task_of(invocation) for pk, invocation in invocations.items()}
    pending = {row[0] for row in rows if row[2] == Status.PENDING}
    fillings = fillings_of(invocation for pk, invocation in invocations.items() if pk in pending)
    work: defaultdict[str, Work] = defaultdict(Work)
    for invocation_id, instance_id, status, username, own_username, name, agent_name in rows:
        task = tasks[invocation_id]
        if username != own_username:
            task = replace(task, username=username)
        answer = work[instance_id]
        if status != Status.PENDING:
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
    command = invocation.command
    return Task(
        invocation_id=invocation.pk,
        command_id=command.pk,
        command_name=command.name,
        type=command.type,
        content=for_delivery(command.content, CommandType(command.type)),
        timeout=invocation.timeout,
        working_dir=invocation.working_dir,
        username="",
        repeat_mode=RepeatMode(invocation.repeat_mode),
        created_at=invocation.created_at,
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
        invocation=invocation_id, status=Status.PENDING, delivered_at__isnull=True
    )
    followups.ring(
        waiting.values_list("instance_id", flat=True).iterator(), f"kick_vm task run {invocation_id}"
    )

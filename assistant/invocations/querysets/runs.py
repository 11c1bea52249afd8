"""Questions about invocations and their targets."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import connection, models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q

from access.principals import Principal
from access.rules.scoping import Scoped
from access.scopes import extent, scope
from assistant.instances.querysets import tags_of
from assistant.invocations import limits
from assistant.invocations.rules.coarse import in_state
from assistant.invocations.rules.plans import PlanKind, repeat_mode_of
from assistant.invocations.states import FAILURES, OPEN, InvokeStatus, Overall, RepeatMode, Status

if TYPE_CHECKING:
    from assistant.invocations.models import (  # noqa: F401 - for annotations only
        Blackout,
        IndexedOutput,
        Invocation,
        OutputChunk,
        Record,
        Rollout,
        Target,
    )

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")
Run = TypeVar("Run", bound="models.Model")


# Where a run and a result keep the names of their command and of their instance.
COMMAND_OF_INVOCATION = Scoped("ecs", "command", id="command_id", region="region_id")
COMMAND_OF_TARGET = Scoped("ecs", "command", id="invocation__command_id", region="invocation__region_id")
INSTANCE_OF_TARGET = Scoped(
    "ecs", "instance", id="instance_id", region="instance__region_id", tags=tags_of("instance_id")
)

# Of rows that belong to a target.
COMMAND_OF_OUTPUT = Scoped("ecs", "command", id="invocation__command_id", region="invocation__region_id")
INSTANCE_OF_OUTPUT = Scoped(
    "ecs",
    "instance",
    id="target__instance_id",
    region="target__instance__region_id",
    tags=tags_of("target__instance_id"),
)

# Tells the locks of `take_turn` from other advisory ones.
TURN = 1_904
GOING_ON = (Status.RUNNING, Status.STOPPING)
STARTS = (RepeatMode.NEXT_REBOOT_ONLY, RepeatMode.EVERY_REBOOT)
# Plans with times: agents keep them and fire them by themselves.
PLANNED = Q(status__in=[Status.SCHEDULED, Status.RUNNING], invocation__repeat_mode=RepeatMode.PERIOD)
# What an agent does not know of yet: a run, a plan, a stop, or that a plan is taken back for a while.
TO_FETCH = (
    Q(status=Status.PENDING, is_held=False)
    | Q(status=Status.STOPPING)
    | (PLANNED & Q(status=Status.SCHEDULED, is_held=False, delivered_at__isnull=True))
    | (PLANNED & Q(status=Status.SCHEDULED, is_held=True, delivered_at__isnull=False))
)


class InvocationQuerySet(models.QuerySet["Invocation"]):
    def visible_to(self, principal: Principal) -> Self:
        """Those whose command and whose every instance may be seen.

        The numbers of a run count all of its instances: who may see some of them alone sees their
        results (`TargetQuerySet.visible_to`), on their own pages and on the instances'.
        """
        from assistant.invocations.models import Target

        action = "ecs:DescribeInvocations"
        seen = scope(principal, self, action, on=[COMMAND_OF_INVOCATION])
        instances = extent(principal, action, on=[INSTANCE_OF_TARGET])
        if isinstance(instances, bool):
            return seen if instances else seen.none()
        return seen.exclude(Exists(Target.objects.filter(invocation=OuterRef("pk")).exclude(instances)))

    def reachable_to(self, principal: Principal) -> Self:
        """Those that may be seen, and those of which a single result may be."""
        from assistant.invocations.models import Target

        if principal.is_administrator:
            return self
        results = Target.objects.filter(invocation=OuterRef("pk")).visible_to(principal)
        return self.filter(Q(pk__in=self.visible_to(principal).values("pk")) | Q(Exists(results)))

    def running(self) -> Self:
        return self.filter(finished_at__isnull=True)

    def ended(self) -> Self:
        return self.filter(finished_at__isnull=False)

    def recurring(self) -> Self:
        """Plans of which each run counts for itself."""
        timed = Q(repeat_mode=RepeatMode.PERIOD) & ~Q(frequency__startswith="at(")
        return self.filter(timed | Q(repeat_mode=RepeatMode.EVERY_REBOOT))

    def going_on(self) -> Self:
        """Without plans that wait for their next time."""
        return self.running().exclude(status=Overall.SCHEDULED)

    def holding(self, command_ids: Iterable[str]) -> dict[str, list[str]]:
        """The runs and plans of each of these commands that have not ended, the first ones first."""
        held: dict[str, list[str]] = {}
        rows = self.running().filter(command__in=list(command_ids)).order_by("created_at", "pk")
        for command_id, pk in rows.values_list("command_id", "pk"):
            held.setdefault(command_id, []).append(pk)
        return held

    def in_coarse_state(self, status: InvokeStatus) -> Self:
        return self.filter(in_state(status))

    def ended_badly(self) -> Self:
        return self.filter(status__in=[Overall.FAILED, Overall.PARTIAL_FAILED])

    def planned_as(self, kind: PlanKind) -> Self:
        starts = {PlanKind.INTERVAL: "rate(", PlanKind.MOMENT: "at("}
        same = self.filter(repeat_mode=repeat_mode_of(kind))
        if kind is PlanKind.CLOCK:
            return same.exclude(frequency__startswith="rate(").exclude(frequency__startswith="at(")
        return same.filter(frequency__startswith=starts[kind]) if kind in starts else same

    def search(self, text: str) -> Self:
        """Those with this id or this command's id, or whose command's name contains `text`."""
        return self.filter(Q(pk=text) | Q(command=text) | Q(command__name__icontains=text))

    def for_table(self) -> Self:
        """What a row of the results table prints, in one query; not the content."""
        return self.select_related("command", "created_by").defer("command__content")

    def locked(self, ids: Iterable[str]) -> Self:
        """These invocations in primary-key order, their rows held until the transaction ends."""
        return lock(self.filter(pk__in=list(ids)).order_by("pk"))

    def take_turn(self, invocation_id: str) -> None:
        """Keep others who add targets to it or stop them waiting until the transaction ends.

        Who locks the targets that there are sees none that another transaction is about to commit. The first
        of all locks.
        """
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [TURN, invocation_id])


class RunStateQuerySet(models.QuerySet[Run]):
    """What is asked of targets and of records alike."""

    def ended(self) -> Self:
        return self.filter(finished_at__isnull=False)

    def in_coarse_state(self, status: InvokeStatus) -> Self:
        return self.filter(status__in=[state for state in Status if state.coarse is status])

    def answers(self) -> "models.QuerySet[Any, Any]":
        """The different answers, the most frequent first, each with one run to show.

        Runs that have ended, grouped by state, error code and digest of output and exit code.
        """
        return (
            self.exclude(status__in=OPEN)
            .order_by()
            .values("status", "error_code", "exit_code", "digest")
            .annotate(number=Count("pk"), sample=Min("pk"))
            .order_by("-number", "sample")
        )

    def unlike(self, answer: str) -> Self:
        """Those that have ended and answered otherwise; an answer is its digest, without one its error code."""
        ended = self.exclude(status__in=OPEN)
        return ended.exclude(Q(digest=answer) | Q(digest="", error_code=answer))


class TargetQuerySet(RunStateQuerySet["Target"]):
    def visible_to(self, principal: Principal) -> Self:
        wanted = [COMMAND_OF_TARGET, INSTANCE_OF_TARGET]
        return scope(principal, self, "ecs:DescribeInvocationResults", on=wanted)

    def open_to(self, principal: Principal, action: str) -> Self:
        """Those at instances on which the principal may do `action`."""
        return scope(principal, self, action, on=[INSTANCE_OF_TARGET])

    def unfinished(self) -> Self:
        """By their end and not their states: that is what both databases have an index of."""
        return self.filter(finished_at__isnull=True)

    def saying(self, terms: Iterable[str]) -> Self:
        """Those that have ended and whose output, or the last one, has these terms (`rules.searching`).

        The texts are asked one by one: right for the instances of one invocation, slow for more.
        """
        from assistant.invocations.models import IndexedOutput

        outputs = IndexedOutput.objects.filter(target=OuterRef("pk"), number=OuterRef("repeats"))
        return self.filter(Exists(outputs.saying(terms)))

    def failed(self) -> Self:
        return self.filter(status__in=FAILURES)

    def held_back(self) -> Self:
        """Those whose turn in a rollout has not come."""
        return self.filter(status=Status.PENDING, is_held=True)

    def restarting(self) -> Self:
        """Servers that were told to restart, or are to be, and are not back."""
        return self.filter(finished_at__isnull=True, invocation__is_restart=True, is_held=False)

    def planned(self) -> Self:
        """Those of plans that have runs to come, with what a line about them prints; not of runs that began at once."""
        waiting = self.unfinished().exclude(invocation__repeat_mode=RepeatMode.ONCE)
        return waiting.select_related("invocation__command").defer("invocation__command__content")

    def stoppable(self) -> Self:
        return self.filter(status__in=[Status.PENDING, Status.RUNNING, Status.SCHEDULED])

    def of_reports(self, pairs: Iterable[tuple[str, str]]) -> Self:
        """The targets of these (invocation id, instance id) pairs, and perhaps some more of the same ids."""
        by_invocation: dict[str, list[str]] = {}
        for invocation_id, instance_id in pairs:
            by_invocation.setdefault(invocation_id, []).append(instance_id)
        wanted = Q(pk__in=[])
        for invocation_id, instance_ids in by_invocation.items():
            wanted |= Q(invocation=invocation_id, instance__in=instance_ids)
        return self.filter(wanted)

    def waiting_for(self, instance_ids: Iterable[str]) -> Self:
        """What these agents have to fetch: runs not started, plans not known, stops not confirmed."""
        return self.unfinished().filter(TO_FETCH, instance__in=list(instance_ids))

    def for_fetches(
        self, instance_ids: Iterable[str], starting: Collection[str], *, cold: Collection[str], now: datetime
    ) -> Self:
        """What is handed to these agents now, and what those that are `starting` have left behind.

        Who starts is told of all its plans; of them, who has started with its system gets what waits for that.
        """
        recent = Q(is_held=False, delivered_at__gt=now - limits.DELIVERED_AGAIN_WITHIN)
        wanted = TO_FETCH | (PLANNED & recent)
        if starting:
            wanted |= Q(instance__in=list(starting)) & (PLANNED | Q(status__in=GOING_ON))
        if cold:
            waits = Q(status=Status.SCHEDULED, invocation__repeat_mode__in=STARTS)
            wanted |= Q(instance__in=list(cold), is_held=False) & waits
        return self.unfinished().filter(wanted, instance__in=list(instance_ids))

    def to_hold(self) -> Self:
        """Those that wait for their time, and that nothing holds."""
        return self.filter(status=Status.SCHEDULED, is_held=False)

    def held(self) -> Self:
        """Those that a blackout window or a quota holds, whatever has become of them since."""
        return self.filter(held_for__gt="")

    def following(self, pk: int) -> "models.QuerySet[Target, int]":
        return self.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True)

    def overdue(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now).order_by("due_at")[: limits.SWEEP_BATCH]

    def unheard(self, now: datetime) -> Self:
        """What a connected agent should have fetched by now and has not."""
        before = now - limits.RING_AGAIN_AFTER
        late = Q(status=Status.PENDING, is_held=False, created_at__lte=before) & (
            Q(delivered_at__isnull=True) | Q(delivered_at__lte=before)
        )
        late |= PLANNED & TO_FETCH & Q(created_at__lte=before)
        late |= Q(status=Status.STOPPING, stopped_at__lte=before)
        return self.unfinished().filter(late).exclude(instance__channel="")

    def history_of(self, instance_ids: Iterable[str]) -> dict[str, tuple[int, datetime]]:
        """How many invocations each of these instances had, and when the last one was made; of those with any."""
        rows = self.filter(instance__in=list(instance_ids)).order_by().values_list("instance_id")
        told = rows.annotate(number=Count("pk"), last=Max("created_at"))
        return {pk: (number, last) for pk, number, last in told}

    def running_per_instance(self, instance_ids: Iterable[str]) -> dict[str, int]:
        """How many runs go on at each of these instances that have any."""
        running = self.unfinished().filter(instance__in=list(instance_ids), status=Status.RUNNING)
        return dict(running.order_by().values_list("instance_id").annotate(number=Count("pk")))

    def for_table(self) -> Self:
        """What a row of an invocation's table prints, in one query."""
        return self.select_related("instance").defer("instance__public_key")

    def places(self) -> "models.QuerySet[Target, Any]":
        """Where each is: pk, digest, key of its output, instance's id and name."""
        fields = ("pk", "digest", "id", "repeats", "instance_id", "instance__name")
        return self.order_by("pk").values_list(*fields)

    def runs_before(self, target: "Target") -> Self:
        """Earlier ended runs of the same script on the same instance, the last one first."""
        earlier = self.filter(same_script(target), instance=target.instance_id, pk__lt=target.pk)
        return earlier.ended().order_by("-pk")

    def at(self, instance_id: str) -> Self:
        return self.filter(instance=instance_id)

    def locked(self) -> Self:
        """In primary-key order, the rows held until the transaction ends. Targets before invocations."""
        return lock(self.order_by("pk"))


def same_script(target: "Target") -> Q:
    """Runs of its script. One that is run without being saved is another command each time: its text counts."""
    command = target.invocation.command
    return Q(invocation__command=command) | Q(
        invocation__command__type=command.type, invocation__command__content=command.content
    )


def lock(rows: Rows) -> Rows:
    # SQLite has one writer and every transaction begins as one: there is nothing to lock.
    if not connection.features.has_select_for_update:
        return rows
    return rows.select_for_update(of=("self",), no_key=True)


class RecordQuerySet(RunStateQuerySet["Record"]):
    def visible_to(self, principal: Principal) -> Self:
        wanted = [COMMAND_OF_OUTPUT, INSTANCE_OF_OUTPUT]
        return scope(principal, self, "ecs:DescribeInvocationResults", on=wanted)

    def for_table(self) -> Self:
        """What a row of a table prints, in one query."""
        return self.select_related("target__instance").defer("target__instance__public_key")

    def moments(self, start: int, stop: int) -> dict[datetime, Counter[Status]]:
        """Some of the moments at which there were runs, the newest first, with how many in each state.

        One query; an index has all of it, and the rows of other moments are only stepped over.
        """
        wanted = self.order_by("-fired_at").values("fired_at").distinct()[start:stop]
        rows = self.filter(fired_at__in=wanted).order_by("-fired_at").values_list("fired_at", "status")
        found: dict[datetime, Counter[Status]] = {}
        for fired_at, status, number in rows.annotate(number=Count("pk")):
            found.setdefault(fired_at, Counter())[Status(status)] = number
        return found

    def places(self) -> "models.QuerySet[Record, Any]":
        """Where each is: pk, digest, key of its output, instance's id and name."""
        place = ("target__instance_id", "target__instance__name")
        return self.order_by("pk").values_list("pk", "digest", "target_id", "number", *place)

    def runs_before(self, record: "Record") -> Self:
        """Earlier ended runs of the same plan on the same instance, the last one first."""
        return self.filter(target=record.target_id, number__lt=record.number).ended().order_by("-number")

    def of_script_before(self, target: "Target") -> Self:
        """Ended runs of plans with the same script on the same instance, begun before it was; the last one first."""
        earlier = self.filter(same_script(target), target__instance=target.instance_id)
        return earlier.filter(created_at__lt=target.created_at).ended().order_by("-pk")

    def of_keys(self, keys: Collection[tuple[int, int]]) -> Self:
        """The records of these (target id, number) pairs."""
        return self.filter(pairs(keys))

    def outlived(self) -> Self:
        """What has ended, of plans that live on and have run again since."""
        ended = self.filter(finished_at__isnull=False, number__lt=F("target__repeats"))
        return ended.filter(invocation__finished_at__isnull=True)

    def of_batch(
        self, target_ids: Collection[int], starts: Collection[int], versions: Collection[int]
    ) -> Self:
        """What a batch may have to move of these targets: what is open, the last ones, and those that reports
        with these starts and versions may be about. In the order of their targets, the oldest first.

        A part for each index: as one condition it would read all that there ever was of the targets.
        """
        these = self.filter(target__in=target_ids).order_by().values("pk")
        open_ones = these.filter(finished_at__isnull=True)
        # Most targets have no record at all: knowing that of the bare column, PostgreSQL walks up to the last one.
        last = these.filter(number=F("target__repeats") + 0)
        numbered = these.filter(number__in=versions)
        # In this order: SQLite looks for the first of two conditions on a column.
        named = these.filter(invoke_version__in=versions, start__in=starts).filter(start__gt=0)
        return self.filter(pk__in=open_ones.union(last, numbered, named)).order_by("target_id", "number")

    def at_moments(self, invocation_id: str, moments: Collection[datetime]) -> Counter[datetime]:
        """How many runs there are of each of these moments of a plan."""
        rows = self.filter(invocation=invocation_id, fired_at__in=moments)
        return Counter(rows.order_by().values_list("fired_at", flat=True))


def pairs(keys: Collection[tuple[int, int]]) -> Q:
    """The rows of these (target id, number) pairs."""
    wanted = Q(pk__in=[])
    for number, target_ids in by_number(keys).items():
        wanted |= Q(number=number, target__in=target_ids)
    return wanted


def by_number(keys: Collection[tuple[int, int]]) -> dict[int, list[int]]:
    """The targets of (target id, number) pairs by number, as they are asked for: most have the same."""
    found: dict[int, list[int]] = {}
    for target_id, number in keys:
        found.setdefault(number, []).append(target_id)
    return found

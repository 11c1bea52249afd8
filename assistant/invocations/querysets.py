"""Questions about invocations and their targets."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import connection, models
from django.db.models import Count, Exists, Func, Min, OuterRef, Q, Value

from access.principals import Principal
from access.rules.scoping import Scoped
from access.scopes import extent, scope
from assistant.instances.querysets import tags_of
from assistant.invocations import limits
from assistant.invocations.states import FAILURES, OPEN, Overall, Status

if TYPE_CHECKING:
    from assistant.invocations.models import Invocation, OutputChunk, Target  # noqa: F401 - for annotations only

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


# Where a run and a result keep the names of their command and of their instance.
COMMAND_OF_INVOCATION = Scoped("ecs", "command", id="command_id", region="region_id")
COMMAND_OF_TARGET = Scoped("ecs", "command", id="invocation__command_id", region="invocation__region_id")
INSTANCE_OF_TARGET = Scoped(
    "ecs", "instance", id="instance_id", region="instance__region_id", tags=tags_of("instance_id")
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

    def ended_badly(self) -> Self:
        return self.filter(status__in=[Overall.FAILED, Overall.PARTIAL_FAILED])

    def search(self, text: str) -> Self:
        """Those with this id or this command's id, or whose command's name contains `text`."""
        return self.filter(Q(pk=text) | Q(command=text) | Q(command__name__icontains=text))

    def for_table(self) -> Self:
        """What a row of the results table prints, in one query; not the content."""
        return self.select_related("command", "created_by").defer("command__content")

    def locked(self, ids: Iterable[str]) -> Self:
        """These invocations in primary-key order, their rows held until the transaction ends."""
        return lock(self.filter(pk__in=list(ids)).order_by("pk"))


class TargetQuerySet(models.QuerySet["Target"]):
    def visible_to(self, principal: Principal) -> Self:
        wanted = [COMMAND_OF_TARGET, INSTANCE_OF_TARGET]
        return scope(principal, self, "ecs:DescribeInvocationResults", on=wanted)

    def open_to(self, principal: Principal, action: str) -> Self:
        """Those at instances on which the principal may do `action`."""
        return scope(principal, self, action, on=[INSTANCE_OF_TARGET])

    def unfinished(self) -> Self:
        return self.filter(status__in=OPEN)

    def failed(self) -> Self:
        return self.filter(status__in=FAILURES)

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
        """What these agents have to fetch: runs not started, stops not confirmed."""
        return self.filter(instance__in=list(instance_ids), status__in=[Status.PENDING, Status.STOPPING])

    def overdue(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now).order_by("due_at")[: limits.SWEEP_BATCH]

    def unheard(self, now: datetime) -> Self:
        """What a connected agent should have fetched by now and has not."""
        before = now - limits.RING_AGAIN_AFTER
        late = Q(status=Status.PENDING, created_at__lte=before) & (
            Q(delivered_at__isnull=True) | Q(delivered_at__lte=before)
        )
        return self.filter(late | Q(status=Status.STOPPING, stopped_at__lte=before)).exclude(
            instance__channel=""
        )

    def running_per_instance(self, instance_ids: Iterable[str]) -> dict[str, int]:
        """How many runs go on at each of these instances that have any."""
        running = self.filter(instance__in=list(instance_ids), status=Status.RUNNING)
        return dict(running.order_by().values_list("instance_id").annotate(number=Count("pk")))

    def for_table(self) -> Self:
        """What a row of an invocation's table prints, in one query."""
        return self.select_related("instance").defer("instance__public_key")

    def answers(self) -> "models.QuerySet[Target, Any]":
        """The different answers of an invocation, the most frequent first, each with one target to show.

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

    def runs_before(self, target: "Target") -> Self:
        """Earlier ended runs of the same script on the same instance, the last one first.

        A script that is run without being saved is another command each time: its text counts.
        """
        command = target.invocation.command
        same = Q(invocation__command=command) | Q(
            invocation__command__type=command.type, invocation__command__content=command.content
        )
        earlier = self.filter(same, instance=target.instance_id, pk__lt=target.pk).exclude(status__in=OPEN)
        return earlier.order_by("-pk")

    def at(self, instance_id: str) -> Self:
        return self.filter(instance=instance_id)

    def locked(self) -> Self:
        """In primary-key order, the rows held until the transaction ends. Targets before invocations."""
        return lock(self.order_by("pk"))


def lock(rows: Rows) -> Rows:
    # SQLite has one writer and every transaction begins as one: there is nothing to lock.
    if not connection.features.has_select_for_update:
        return rows
    return rows.select_for_update(of=("self",), no_key=True)


class OutputChunkQuerySet(models.QuerySet["OutputChunk"]):
    def beginnings(self, target_ids: Iterable[int], most: int) -> dict[int, list[tuple[int, bytes]]]:
        """The first `most` bytes or so of these targets' outputs, as (offset, body) pieces. One query.

        Long bodies are cut by the database: a megabyte does not travel for the sake of a line.
        """
        start = Func("body", Value(1), Value(most), function="substr", output_field=models.BinaryField())
        rows = self.filter(target__in=list(target_ids), offset__lt=most).order_by("target_id", "offset")
        pieces: dict[int, list[tuple[int, bytes]]] = {}
        for target_id, offset, body in rows.annotate(start=start).values_list("target_id", "offset", "start"):
            pieces.setdefault(target_id, []).append((offset, bytes(body)))
        return pieces

    def newest(self, target_id: int, most: int) -> list[tuple[int, bytes]]:
        """The last pieces of an output that make up `most` bytes or a little more, oldest first."""
        rows = self.filter(target=target_id).order_by("-offset").values_list("offset", "body")
        pieces: list[tuple[int, bytes]] = []
        for offset, body in rows.iterator(chunk_size=4):
            pieces.insert(0, (offset, bytes(body)))
            if sum(len(piece) for _offset, piece in pieces) >= most:
                break
        return pieces

    def wholes(self, target_ids: Iterable[int]) -> dict[int, list[tuple[int, bytes]]]:
        """All that is stored of these targets' outputs, as (offset, body) pieces. One query."""
        rows = self.filter(target__in=list(target_ids)).order_by("target_id", "offset")
        pieces: dict[int, list[tuple[int, bytes]]] = {}
        for target_id, offset, body in rows.values_list("target_id", "offset", "body"):
            pieces.setdefault(target_id, []).append((offset, bytes(body)))
        return pieces

    def whole(self, target_id: int) -> list[tuple[int, bytes]]:
        rows = self.filter(target=target_id).order_by("offset").values_list("offset", "body")
        return [(offset, bytes(body)) for offset, body in rows]

"""Runs: an order, what became of it on each instance, and what it said."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from access.models import User
from access.principals import Door
from assistant.commands.limits import USERNAME_CHARACTERS, WORKING_DIR_CHARACTERS
from assistant.commands.models import Command
from assistant.instances.models import Instance, Region
from assistant.invocations import limits
from assistant.invocations.querysets import (
    InvocationQuerySet,
    OutputChunkQuerySet,
    RecordQuerySet,
    TargetQuerySet,
)
from assistant.invocations.rules.plan_sentences import sentence
from assistant.invocations.rules.plans import Plan, stored_plan
from assistant.invocations.rules.schedules import Schedule
from assistant.invocations.rules.segments import Segment, segments
from assistant.invocations.states import (
    EXPIRED,
    FINAL,
    FINAL_OVERALL,
    OPEN,
    HoldCause,
    InvokeStatus,
    Overall,
    RepeatMode,
    Status,
    coarse_overall,
)


def counter(label: Any) -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(label, default=0)


class Invocation(models.Model):
    """One order to run one command on some instances.

    What it was asked to do is written once. How far it is stands in the counters, one per state of its
    targets; `status` is a function of them (`states.overall`) and moves in the same transaction.
    """

    id = models.CharField(_("execution ID"), max_length=40, primary_key=True)
    region = models.ForeignKey(Region, models.PROTECT, related_name="invocations", verbose_name=_("region"))
    command = models.ForeignKey(
        Command, models.PROTECT, related_name="invocations", verbose_name=_("command")
    )
    repeat_mode = models.CharField(_("plan"), max_length=16, choices=RepeatMode, default=RepeatMode.ONCE)
    # When it runs again, as `rules.plans` spells it; empty for plans without times.
    frequency = models.CharField(_("times"), max_length=limits.FREQUENCY_STORED_CHARACTERS, blank=True)
    # Raised when agents have to be told of the plan anew.
    invoke_version = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # Of a plan that recurs: moments at which it ran so far, and the newest of them.
    repeats = models.PositiveIntegerField(_("runs"), default=0)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True)
    # Whether its targets begin step by step: there is a `rollout` then.
    is_rollout = models.BooleanField(default=False)
    # The run that it follows once that has ended; and whether it restarts servers (`rules.restarts`).
    follows = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="followers", verbose_name=_("follows")
    )
    is_restart = models.BooleanField(default=False)
    # Until when it waits for servers that are offline; empty where they fail at once.
    waits_until = models.DateTimeField(_("waits for offline servers until"), null=True, blank=True)
    username = models.CharField(_("runs as"), max_length=USERNAME_CHARACTERS, blank=True)
    working_dir = models.CharField(_("directory"), max_length=WORKING_DIR_CHARACTERS, blank=True)
    timeout = models.PositiveIntegerField(_("timeout"))
    # Values by name, secret ones masked; those are in the other column, sealed.
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    sealed_parameters = models.TextField(default="", blank=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, verbose_name=_("user"))
    door = models.CharField(_("door"), max_length=10, choices=[(door.value, door.value) for door in Door])
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    status = models.CharField(_("state"), max_length=16, choices=Overall, default=Overall.PENDING)

    n_total = counter(_("instances"))
    n_pending = counter(Status.PENDING.label)
    n_running = counter(Status.RUNNING.label)
    n_scheduled = counter(Status.SCHEDULED.label)
    n_stopping = counter(Status.STOPPING.label)
    n_success = counter(Status.SUCCESS.label)
    n_failed = counter(Status.FAILED.label)
    n_timeout = counter(Status.TIMEOUT.label)
    n_error = counter(Status.ERROR.label)
    n_invalid = counter(Status.INVALID.label)
    n_aborted = counter(Status.ABORTED.label)
    n_cancelled = counter(Status.CANCELLED.label)
    n_terminated = counter(Status.TERMINATED.label)

    objects = InvocationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invocation")
        verbose_name_plural = _("invocations")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["region", "-created_at"], name="invocation_region_created"),
            models.Index(fields=["status", "-created_at"], name="invocation_status_created"),
            models.Index(fields=["-created_at", "-id"], name="invocation_created"),
            models.Index(
                fields=["created_at"], name="invocation_open", condition=Q(finished_at__isnull=True)
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=sorted(FINAL_OVERALL), finished_at__isnull=False)
                | Q(~Q(status__in=sorted(FINAL_OVERALL)), finished_at__isnull=True),
                name="invocation_finished_iff_final",
            ),
        ]

    def __str__(self) -> str:
        return self.pk

    def get_absolute_url(self) -> str:
        return reverse("invocations:invocation_detail", args=[self.pk])

    @property
    def counts(self) -> dict[Status, int]:
        return {status: getattr(self, status.counter) for status in Status}

    @property
    def state(self) -> Overall:
        return Overall(self.status)

    @property
    def invoke_status(self) -> InvokeStatus:
        return coarse_overall(status.coarse for status, number in self.counts.items() if number)

    @property
    def is_final(self) -> bool:
        return self.state.is_final

    @property
    def run_action(self) -> str:
        """What somebody needs to be allowed who runs the same."""
        return "ecs:InvokeCommand" if self.command.kept or self.command.provider else "ecs:RunCommand"

    @cached_property
    def plan(self) -> Plan:
        return stored_plan(self.repeat_mode, self.frequency)

    @property
    def plan_sentence(self) -> str:
        return sentence(self.plan)

    @cached_property
    def next_run_at(self) -> datetime | None:
        """The next moment of the plan, if it goes on and its times can be foreseen.

        Of a plan by each server's own clock it is that of a server in UTC.
        """
        if self.is_final or not self.plan.is_timed:
            return None
        return Schedule(self.plan, self.created_at, self.expires_at).next_run(timezone.now())

    @property
    def segments(self) -> list[Segment]:
        return segments(self.counts, expired=self.has_expired)

    @property
    def has_expired(self) -> bool:
        """Whether its time was up before any run of it was due."""
        ended = self.finished_at if self.state is Overall.STOPPED and not self.n_terminated else None
        return bool(ended and self.expires_at and ended >= self.expires_at)

    @property
    def label(self) -> Any:
        """Its state in people's words."""
        return EXPIRED if self.has_expired else self.state.label

    @property
    def n_open(self) -> int:
        return sum(number for status, number in self.counts.items() if status in OPEN)

    @property
    def n_stoppable(self) -> int:
        return self.n_pending + self.n_running + self.n_scheduled

    @property
    def n_ended_badly(self) -> int:
        return self.n_failed + self.n_timeout + self.n_error + self.n_invalid + self.n_aborted


class RunState(models.Model):
    """How far one run is on one instance: what a target and a record have in common."""

    status = models.CharField(_("state"), max_length=16, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(_("created"))
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stop ordered"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # When a sweep looks at it next; empty once it has ended.
    due_at = models.DateTimeField(null=True, blank=True)
    # The end is the server's guess after a deadline; the agent's own word may still replace it.
    presumed = models.BooleanField(default=False)
    exit_code = models.IntegerField(_("exit code"), null=True, blank=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_info = models.CharField(_("error"), max_length=limits.ERROR_INFO_CHARACTERS, blank=True)
    # Bytes the command has written as far as we were told; what is stored of them; what nobody has.
    output_bytes = models.PositiveBigIntegerField(default=0)
    stored_bytes = models.PositiveIntegerField(default=0)
    dropped = models.PositiveBigIntegerField(_("dropped"), default=0)
    # Same digest, same answer: output and exit code of a run that has ended.
    digest = models.CharField(max_length=32, blank=True)

    class Meta:
        abstract = True

    @property
    def state(self) -> Status:
        return Status(self.status)

    @property
    def invoke_status(self) -> InvokeStatus:
        return self.state.coarse

    @property
    def label(self) -> Any:
        """Its state in people's words."""
        return self.state.label

    @property
    def is_final(self) -> bool:
        return self.state.is_final


class Target(RunState):
    """One instance of one invocation.

    Of a plan that runs once it is the record, too. Of one that recurs it is Scheduled between two runs and
    shows what its last record does; when the schedule is over it has that record's state (CA-176).
    """

    invocation = models.ForeignKey(Invocation, models.CASCADE, related_name="targets", db_index=False)
    instance = models.ForeignKey(Instance, models.PROTECT, related_name="targets", db_index=False)
    # The account it runs as: the one that was named, else the agent's own.
    username = models.CharField(_("runs as"), max_length=USERNAME_CHARACTERS)
    # Not handed out for the time being: others of a rollout come first, or it is no time for runs.
    is_held = models.BooleanField(_("held"), default=False)
    # Of a plan that recurs: records so far; fires that no record came of, counted up to a moment.
    repeats = models.PositiveIntegerField(_("runs"), default=0)
    missed = models.PositiveIntegerField(_("missed runs"), default=0)
    checked_until = models.DateTimeField(null=True, blank=True)
    # What a plan is held for, where that is no rollout; fires that were left out because of it.
    held_for = models.CharField(_("held for"), max_length=10, choices=HoldCause, blank=True)
    left_out = models.PositiveIntegerField(_("runs left out"), default=0)

    objects = TargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["invocation", "status"], name="target_invocation_status"),
            models.Index(fields=["invocation", "digest"], name="target_invocation_digest"),
            models.Index(fields=["instance", "-id"], name="target_instance"),
            models.Index(fields=["due_at"], name="target_due", condition=Q(due_at__isnull=False)),
            # SQLite knows these by the very words of a query; it uses none with a list of states.
            models.Index(fields=["instance"], name="target_open", condition=Q(finished_at__isnull=True)),
            models.Index(fields=["id"], name="target_scheduled", condition=Q(status=Status.SCHEDULED)),
            models.Index(fields=["id"], name="target_held_back", condition=Q(held_for__gt="")),
            models.Index(
                fields=["invocation", "id"],
                name="target_held",
                condition=Q(is_held=True, status=Status.PENDING),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invocation", "instance"], name="target_once"),
            models.CheckConstraint(
                condition=Q(status__in=sorted(FINAL), finished_at__isnull=False)
                | Q(~Q(status__in=sorted(FINAL)), finished_at__isnull=True),
                name="target_finished_iff_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invocation_id} {self.instance_id}"

    def get_absolute_url(self) -> str:
        return reverse("invocations:target_detail", args=[self.invocation_id, self.instance_id])

    @property
    def output_key(self) -> tuple[int, int]:
        """Where its output is, or that of its last record: the target's id and the record's number."""
        return self.pk, self.repeats

    @property
    def has_expired(self) -> bool:
        """Whether its plan's time was up before a run of it was due, and nobody had stopped it."""
        ended = self.finished_at if self.state is Status.CANCELLED else None
        expires_at = self.invocation.expires_at if ended else None
        return bool(ended and expires_at and min(ended, self.stopped_at or ended) >= expires_at)

    @property
    def label(self) -> Any:
        return EXPIRED if self.has_expired else self.state.label


class Record(RunState):
    """One run of a plan that recurs, on one instance (CA-169)."""

    target = models.ForeignKey(Target, models.CASCADE, related_name="records", db_index=False)
    invocation = models.ForeignKey(Invocation, models.CASCADE, related_name="records", db_index=False)
    # 1 for the first run of the target.
    number = models.PositiveIntegerField(_("run"))
    # What the agent calls it by: the plan's version, and its own clock's start in milliseconds.
    invoke_version = models.PositiveIntegerField(default=0)
    start = models.BigIntegerField(default=0)
    # The moment of the plan, the same on all instances.
    fired_at = models.DateTimeField(_("due"))

    objects = RecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("record")
        verbose_name_plural = _("records")
        ordering: ClassVar = ["target_id", "number"]
        indexes: ClassVar = [
            models.Index(fields=["invocation", "-fired_at", "status"], name="record_invocation_fired"),
            models.Index(fields=["target"], name="record_open", condition=Q(finished_at__isnull=True)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "number"], name="record_once"),
            models.UniqueConstraint(
                fields=["target", "invoke_version", "start"], name="record_run_once", condition=Q(start__gt=0)
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(FINAL), finished_at__isnull=False)
                | Q(~Q(status__in=sorted(FINAL)), finished_at__isnull=True),
                name="record_finished_iff_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_id} {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("invocations:record_detail", args=[self.invocation_id, self.instance_id, self.number])

    @property
    def number_before(self) -> int:
        return self.number - 1

    @property
    def instance(self) -> Instance:
        return self.target.instance

    @property
    def instance_id(self) -> str:
        return self.target.instance_id

    @property
    def output_key(self) -> tuple[int, int]:
        return self.target_id, self.number


class OutputChunk(models.Model):
    """A piece of what a command wrote, as bytes. A hole between two pieces was dropped."""

    target = models.ForeignKey(Target, models.CASCADE, related_name="chunks", db_index=False)
    # The record's; 0 where the target is its own record.
    number = models.PositiveIntegerField(default=0)
    # Where the first byte stands in the whole output.
    offset = models.PositiveBigIntegerField()
    body = models.BinaryField()

    objects = OutputChunkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["offset"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "number", "offset"], name="chunk_once")
        ]

    def __str__(self) -> str:
        return f"{self.target_id}/{self.number}@{self.offset}"

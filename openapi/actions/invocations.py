"""Runs and their results."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Window
from django.db.models.functions import RowNumber

from access.operations.calls import remembered
from access.operations.decisions import refusal
from access.principals import Principal
from access.rules.policies import Decision
from assistant.commands.rules.content import launched
from assistant.commands.states import CommandType
from assistant.invocations import limits
from assistant.invocations.models import Invocation, OutputChunk, Record, RunState, Target
from assistant.invocations.querysets import InvocationQuerySet, RecordQuerySet, TargetQuerySet
from assistant.invocations.rules.output import view_of
from assistant.invocations.states import InvokeStatus, RepeatMode
from console.kit.clock import api_time
from openapi.actions.base import Shape, check_named
from openapi.actions.instances import check_instances, like
from openapi.encodings import encoded
from openapi.errors import MissingParameter
from openapi.paging import PAGE, Paged
from openapi.parameters import Flag, MaybeFlag, Pairs, Text

COARSE = tuple(InvokeStatus.values)
AGAIN = (RepeatMode.PERIOD, RepeatMode.NEXT_REBOOT_ONLY, RepeatMode.EVERY_REBOOT)
# Servers of one run in a list of runs: as many as one call names.
SERVERS_TOLD = limits.INSTANCES_PER_CALL
# What a stop ends, and what would be said of containers and of delivery.
TERMINATION_MODE = "ProcessTree"
NO_CONTAINER = {"ContainerId": "", "ContainerName": ""}
NO_DELIVERY = {"OssOutputErrorCode": "", "OssOutputErrorInfo": "", "OssOutputStatus": "", "OssOutputUri": ""}

Pieces = dict[tuple[int, int], list[tuple[int, bytes]]]

TAGS: Shape = {"Tag": [{"TagKey": str, "TagValue": str}]}
RESULT: Shape = {
    "CommandId": str,
    "ContainerId": str,
    "ContainerName": str,
    "Dropped": int,
    "ErrorCode": str,
    "ErrorInfo": str,
    "ExitCode": int,
    "FinishedTime": str,
    "InstanceId": str,
    "InvocationStatus": str,
    "InvokeId": str,
    "InvokeRecordStatus": str,
    "Launcher": str,
    "OssOutputDelivery": str,
    "OssOutputErrorCode": str,
    "OssOutputErrorInfo": str,
    "OssOutputStatus": str,
    "OssOutputUri": str,
    "Output": str,
    "Repeats": int,
    "StartTime": str,
    "StopTime": str,
    "Tags": TAGS,
    "TerminationMode": str,
    "Username": str,
}
INSTANCE: Shape = {
    "CreationTime": str,
    "Dropped": int,
    "ErrorCode": str,
    "ErrorInfo": str,
    "ExitCode": int,
    "FinishTime": str,
    "InstanceId": str,
    "InstanceInvokeStatus": str,
    "InvocationStatus": str,
    "OssOutputErrorCode": str,
    "OssOutputErrorInfo": str,
    "OssOutputStatus": str,
    "OssOutputUri": str,
    "Output": str,
    "Repeats": int,
    "StartTime": str,
    "StopTime": str,
    "Timed": bool,
    "UpdateTime": str,
}
INVOCATION: Shape = {
    "CommandContent": str,
    "CommandDescription": str,
    "CommandId": str,
    "CommandName": str,
    "CommandType": str,
    "ContainerId": str,
    "ContainerName": str,
    "CreationTime": str,
    "Frequency": str,
    "InvocationStatus": str,
    "InvokeId": str,
    "InvokeInstances": {"InvokeInstance": [INSTANCE]},
    "InvokeStatus": str,
    "Launcher": str,
    "OssOutputDelivery": str,
    "Parameters": str,
    "RepeatMode": str,
    "Tags": TAGS,
    "TerminationMode": str,
    "Timed": bool,
    "Timeout": int,
    "Username": str,
    "WorkingDir": str,
}


class RunsCommand(NamedTuple):
    """The command of a run, and what its script is started with."""

    id: str
    launcher: str


class Runs(Paged):
    """What both lists are asked for."""

    command_id = Text(doc="runs of this command")
    content_encoding = Text(doc="`Base64` (default) or `PlainText`: how scripts and outputs are answered")
    instance_id = Text(doc="runs on this server")
    invoke_id = Text(doc="this run")
    resource_group_id = Text(doc="there are none: with one nothing is found")
    tag = Pairs(doc="runs have none: with one nothing is found")

    def check_named(self, principal: Principal) -> None:
        """Refuse a call that names a command or a server that its caller may not see (CA-246)."""
        if self.command_id:
            check_named(self, principal, "command", self.command_id)
        if self.instance_id:
            check_instances(self, principal, [self.instance_id])

    def check_run(self, principal: Principal, *, is_seen: bool) -> None:
        """The same of a run, which has no name of its own in policies: what it ran and where counts."""
        if is_seen or not Invocation.objects.filter(region=self.region, pk=self.invoke_id).exists():
            return
        with remembered(principal):
            raise refusal(principal, Decision(self.permission(), self.invoke_id, is_allowed=False))

    @property
    def is_labelled(self) -> bool:
        return bool(self.tag or self.resource_group_id)


class DescribeInvocations(Runs):
    doc = "Runs and plans, the newest first, each with its servers."
    answer = {"Invocations": {"Invocation": [INVOCATION]}, **PAGE}

    command_name = Text(doc="name of the command, `*` at either end; not looked at with InstanceId")
    command_type = Text(one_of=tuple(CommandType.values), doc="type of the command")
    include_output = Flag(doc="with the outputs; needs InvokeId or InstanceId")
    invoke_status = Text(one_of=COARSE, doc="state of the run")
    repeat_mode = Text(one_of=tuple(RepeatMode.values), doc="kind of plan; not looked at with InstanceId")
    timed = MaybeFlag(doc="true: what runs again or later; false: the others")

    def perform(self, principal: Principal) -> dict[str, Any]:
        if self.include_output and not (self.invoke_id or self.instance_id):
            message = "IncludeOutput needs an InvokeId or an InstanceId."
            raise MissingParameter(message, field="InvokeId")
        self.check_named(principal)
        seen = Invocation.objects.visible_to(principal).filter(region=self.region)
        page = self.page(self._asked(seen).select_related("command"), "-created_at", "-pk")
        if self.invoke_id and not page.rows:
            self.check_run(principal, is_seen=seen.filter(pk=self.invoke_id).exists())
        instances = self._instances(principal, page.rows)
        listed = [self._told(row, instances.get(row.pk, [])) for row in page.rows]
        return {"Invocations": {"Invocation": listed}, **page.fields}

    def _asked(self, rows: InvocationQuerySet) -> InvocationQuerySet:
        if self.is_labelled:
            return rows.none()
        named = {"pk": self.invoke_id, "command": self.command_id, "command__type": self.command_type}
        rows = rows.filter(**{column: value for column, value in named.items() if value})
        if self.invoke_status:
            rows = rows.in_coarse_state(InvokeStatus(self.invoke_status))
        if self.timed is not None:
            rows = rows.filter(repeat_mode__in=AGAIN) if self.timed else rows.exclude(repeat_mode__in=AGAIN)
        return self._there(rows)

    def _there(self, rows: InvocationQuerySet) -> InvocationQuerySet:
        if self.instance_id:
            there = Target.objects.filter(invocation=OuterRef("pk"), instance=self.instance_id)
            return rows.filter(Exists(there))
        if self.command_name:
            rows = rows.filter(like("command__name", self.command_name))
        return rows.filter(repeat_mode=self.repeat_mode) if self.repeat_mode else rows

    def _instances(
        self, principal: Principal, invocations: list[Invocation]
    ) -> dict[str, list[dict[str, Any]]]:
        """The first servers of these runs, by run: one query, and two for the outputs that may be read.

        A run on thousands is read by DescribeInvocationResults, page by page.
        """
        by_id = {invocation.pk: invocation for invocation in invocations}
        rows = Target.objects.filter(invocation__in=list(by_id)).order_by("pk")
        if self.instance_id:
            rows = rows.filter(instance=self.instance_id)
        place = Window(RowNumber(), partition_by="invocation_id", order_by="pk")
        rows = rows.annotate(place=place).filter(place__lte=SERVERS_TOLD)
        found = list(rows)
        pieces: Pieces = {}
        if self.include_output:
            read = Target.objects.filter(pk__in=[target.pk for target in found]).visible_to(principal)
            seen = set(read.values_list("pk", flat=True))
            pieces = outputs_of([target for target in found if target.pk in seen])
        told: dict[str, list[dict[str, Any]]] = {}
        for target in found:
            invocation = by_id[target.invocation_id]
            told.setdefault(invocation.pk, []).append(self._instance(invocation, target, pieces))
        return told

    def _instance(self, invocation: Invocation, target: Target, pieces: Pieces) -> dict[str, Any]:
        output = {"Output": "", "Dropped": 0}
        if self.include_output:
            output = output_told(target, pieces, self.content_encoding)
        return {
            **state_told(target),
            **output,
            "CreationTime": api_time(target.created_at),
            "FinishTime": api_time(target.finished_at),
            "InstanceId": target.instance_id,
            "InstanceInvokeStatus": target.invoke_status.value,
            "Repeats": repeats_of(target),
            "Timed": invocation.repeat_mode in AGAIN,
            "UpdateTime": api_time(changed_at(target)),
        }

    def _told(self, invocation: Invocation, instances: list[dict[str, Any]]) -> dict[str, Any]:
        command = invocation.command
        launcher, script = launched(command.content)
        return {
            **NO_CONTAINER,
            "CommandContent": encoded(script, self.content_encoding),
            "CommandDescription": command.description,
            "CommandId": command.pk,
            "CommandName": command.name,
            "CommandType": command.type,
            "CreationTime": api_time(invocation.created_at),
            "Frequency": invocation.frequency,
            "InvocationStatus": invocation.status,
            "InvokeId": invocation.pk,
            "InvokeInstances": {"InvokeInstance": instances},
            "InvokeStatus": invocation.invoke_status.value,
            "Launcher": launcher,
            "OssOutputDelivery": "",
            "Parameters": json.dumps(invocation.parameters, ensure_ascii=False, separators=(",", ":")),
            "RepeatMode": invocation.repeat_mode,
            "Tags": {"Tag": []},
            "TerminationMode": TERMINATION_MODE,
            "Timed": invocation.repeat_mode in AGAIN,
            "Timeout": invocation.timeout,
            "Username": invocation.username,
            "WorkingDir": invocation.working_dir,
        }


class DescribeInvocationResults(Runs):
    doc = "What became of runs on each server, with the first 24 KB of what they said; the newest first."
    answer = {"Invocation": {"InvocationResults": {"InvocationResult": [RESULT]}, **PAGE}}

    include_history = Flag(doc="with the InvokeId of a plan that recurs: every run of it")
    invoke_record_status = Text(one_of=COARSE, doc="state on the server")

    def perform(self, principal: Principal) -> dict[str, Any]:
        self.check_named(principal)
        rows = self._records(principal) if self._is_history() else self._targets(principal)
        if self.is_labelled:
            rows = rows.none()
        if self.invoke_record_status:
            rows = rows.in_coarse_state(InvokeStatus(self.invoke_record_status))
        page = self.page(rows, "-pk")
        if self.invoke_id and not page.rows:
            seen = Target.objects.visible_to(principal).filter(invocation=self.invoke_id)
            self.check_run(principal, is_seen=seen.exists())
        pieces, commands = outputs_of(page.rows), commands_of(page.rows)
        listed = [self._told(row, commands[row.invocation_id], pieces) for row in page.rows]
        return {"Invocation": {"InvocationResults": {"InvocationResult": listed}, **page.fields}}

    def _is_history(self) -> bool:
        """Of a run that does not recur each result is the only one that there is."""
        if self.include_history and not self.invoke_id:
            raise MissingParameter("IncludeHistory needs the InvokeId of a plan.", field="InvokeId")
        return self.include_history and Invocation.objects.recurring().filter(pk=self.invoke_id).exists()

    def _targets(self, principal: Principal) -> TargetQuerySet:
        return Target.objects.visible_to(principal).filter(**self._asked("instance"))

    def _records(self, principal: Principal) -> RecordQuerySet:
        rows = Record.objects.visible_to(principal).select_related("target")
        return rows.filter(**self._asked("target__instance"))

    def _asked(self, instance: str) -> dict[str, Any]:
        named = {
            "invocation": self.invoke_id,
            "invocation__command": self.command_id,
            instance: self.instance_id,
        }
        chosen = {column: value for column, value in named.items() if value}
        return {"invocation__region": self.region, **chosen}

    def _told(self, row: Any, command: RunsCommand, pieces: Pieces) -> dict[str, Any]:
        """Of a target, or of a record of one."""
        target = row.target if isinstance(row, Record) else row
        return {
            **state_told(row),
            **output_told(row, pieces, self.content_encoding),
            **NO_CONTAINER,
            "CommandId": command.id,
            "FinishedTime": api_time(row.finished_at),
            "InstanceId": target.instance_id,
            "InvokeId": row.invocation_id,
            "InvokeRecordStatus": row.invoke_status.value,
            "Launcher": command.launcher,
            "OssOutputDelivery": "",
            "Repeats": row.number if isinstance(row, Record) else repeats_of(row),
            "Tags": {"Tag": []},
            "TerminationMode": TERMINATION_MODE,
            "Username": target.username,
        }


# --- What is said of one run on one server ---


def commands_of(rows: Iterable[Any]) -> dict[str, RunsCommand]:
    """By run, of targets or records. One query, which reads each script once: many results have the same."""
    runs = Invocation.objects.filter(pk__in={row.invocation_id for row in rows}).order_by()
    told = runs.values_list("pk", "command", "command__content")
    return {pk: RunsCommand(command_id, launched(content)[0]) for pk, command_id, content in told}


def outputs_of(rows: Iterable[Any]) -> Pieces:
    """The beginnings of the outputs of targets or records, by `output_key`. One query.

    A byte more than is told: by that a view knows that there is more, and looks where to cut.
    """
    keys = [row.output_key for row in rows]
    return OutputChunk.objects.openings(keys, limits.OUTPUT_VIEW_BYTES + 1) if keys else {}


def output_told(row: Any, pieces: Pieces, encoding: str) -> dict[str, Any]:
    body, dropped = view_of(pieces.get(row.output_key, []), row.output_bytes)
    return {"Output": encoded(body, encoding), "Dropped": dropped}


def state_told(row: RunState) -> dict[str, Any]:
    """Without an exit code where no process ended by itself (CA-159)."""
    exit_code = {} if row.exit_code is None else {"ExitCode": row.exit_code}
    return {
        **NO_DELIVERY,
        **exit_code,
        "ErrorCode": row.error_code,
        "ErrorInfo": row.error_info,
        "InvocationStatus": row.status,
        "StartTime": api_time(row.started_at),
        "StopTime": api_time(row.stopped_at),
    }


def repeats_of(target: Target) -> int:
    """Runs so far; of one that runs once 1 when it has begun (CA-160)."""
    return target.repeats or int(target.started_at is not None)


def changed_at(target: Target) -> Any:
    moments = (
        target.created_at,
        target.delivered_at,
        target.started_at,
        target.stopped_at,
        target.finished_at,
    )
    return max(moment for moment in moments if moment is not None)

"""Running commands, stopping them, and having plans run on more servers."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from access.operations.calls import remembered
from access.principals import Principal
from assistant.commands.limits import TIMEOUT_LEAST
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.catalogue import CommonCommand, catalogue
from assistant.commands.rules.content import launched
from assistant.instances.models import Instance
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.errors import NothingToStop, TargetsMissing
from assistant.invocations.limits import INSTANCES_PER_CALL
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.common_commands import invoke_common_command
from assistant.invocations.operations.plans import modify_invocation_attribute
from assistant.invocations.operations.runs import Own, invoke_command, run_command
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.rules.plans import Timing, new_plan
from assistant.invocations.rules.terms import Terms
from openapi.actions.base import Regional
from openapi.actions.commands import SCRIPT_CODES, Labelled, launching, own_command
from openapi.actions.instances import DryRunPassed, InstanceIdNotFound, InstanceNotFound, tagged
from openapi.encodings import PLAIN, decoded
from openapi.errors import ApiError, InvalidParameter
from openapi.parameters import Flag, JsonObject, MaybeNumber, MaybeText, Number, Pairs, Text, Texts

DRY_RUN = "DryRun"
KEYS_MOST = 10
KEY_BYTES = 64
CONTAINER_ID = re.compile(r"(?:(?:docker|containerd|cri-o)://)?[0-9a-f]{64}")
TERMINATION_MODES = ("process", "processtree")

# What the API calls refusals of a run.
RUN_CODES = {
    **SCRIPT_CODES,
    "InvalidInstance.OSTypeMixed": "InvalidInstance.NotMatch",
    "InvalidInstance.CommandNotApplicable": "InvalidInstance.NotMatch",
    "InvalidUsername.NotSupported": "Operation.Forbidden",
    "InvalidParameter.username": "Username.ExceedLimit",
    "InvalidParameterCharacter.username": "InvalidParameter.Username",
}


class ContainersNotServed(ApiError):
    code = "RegionId.ApiNotSupported"


class DeliveryNotServed(ApiError):
    code = "RegionId.ApiNotSupported"


class PasswordsNotStored(ApiError):
    code = "ParameterStore.NotSupported"
    status = 403


class TerminationModeUnknown(ApiError):
    code = "InvalidTerminationMode.NotFound"
    status = 404


class InstancesTwice(ApiError):
    code = "InvalidResourceTag.ConflictWithInstanceIds"


class NoneTagged(ApiError):
    code = "InvalidResourceTag.InstanceNotFound"


class RunNotFound(ApiError):
    code = "InvalidInvokeId.NotFound"
    status = 404


class Values(JsonObject):
    """The values of a run's parameters. Its refusals have codes of their own."""

    def read(self, text: str) -> dict[str, str]:
        values = super().read(text)
        if len(values) > KEYS_MOST:
            raise self.refused("ParameterCount.ExceedLimit", f"at most {KEYS_MOST} may be given.")
        if any(not 0 < len(key.encode()) <= KEY_BYTES for key in values):
            raise self.refused("ParameterKey.ExceedLimit", f"a name has 1 to {KEY_BYTES} bytes.")
        return values

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name.lower() for name, _value in pairs}) < len(pairs):
            raise self.refused("ParameterKey.Duplicate", "a name stands in it twice.")
        return dict(pairs)

    def _text(self, value: Any) -> str:
        if isinstance(value, dict | list):
            raise self.refused("ParameterType.NotSupported", "its values are texts.")
        self.check_text(str(value))
        return value if isinstance(value, str) else json.dumps(value)


class Running(Labelled, Regional):
    """What RunCommand and InvokeCommand have in common: where, when, as whom."""

    container_id = Text(doc="runs in containers are not served: any is refused")
    container_name = Text(doc="runs in containers are not served: any is refused")
    frequency = Text(most=2000, doc="when it runs again: `rate(5m)`, `at(2027-05-17 17:30:50 UTC)` or cron")
    instance_ids = Texts(
        "InstanceId",
        most=INSTANCES_PER_CALL,
        too_many="InstanceIds.ExceedLimit",
        doc=f"1 to {INSTANCES_PER_CALL} servers",
    )
    oss_output_delivery = Text(doc="delivery of outputs is not served: any is refused")
    parameters = Values(doc="JSON object of up to 10 values by name")
    repeat_mode = Text(doc="`Once`, `Period`, `NextRebootOnly`, `EveryReboot`, or `DryRun` to check only")
    resource_tag = Pairs("ResourceTag", doc="instead of InstanceId: all servers with these tags")
    termination_mode = Text(
        doc="`Process` or `ProcessTree`; what a stop ends is always the tree of processes"
    )
    timed = Flag(doc="true with Frequency; without it it is refused")
    username = Text(doc="account it runs as; the agent's own where it is left out")
    windows_password_name = Text(doc="stored passwords are not served: any is refused")
    confirmation = Text(doc="ours: the digest out of ConfirmationRequired, by which a risky run is confirmed")

    def check_asked(self) -> None:
        """Nothing is left out of a run without a word."""
        self.check_labels()
        self.check_container()
        if self.oss_output_delivery:
            message = "Outputs are not delivered to a store here. Leave OssOutputDelivery out."
            raise DeliveryNotServed(message, field="OssOutputDelivery")
        if self.windows_password_name:
            message = "No passwords are stored here. Leave WindowsPasswordName out."
            raise PasswordsNotStored(message, field="WindowsPasswordName")
        if self.termination_mode and self.termination_mode.lower() not in TERMINATION_MODES:
            message = "TerminationMode is Process or ProcessTree."
            raise TerminationModeUnknown(message, field="TerminationMode")

    def check_container(self) -> None:
        if self.container_id and not CONTAINER_ID.fullmatch(self.container_id):
            malformed = InvalidParameter("ContainerId", "ContainerId has 64 hexadecimal digits.")
            malformed.code = "InvalidContainerId.Malformed"  # type: ignore[misc]
            raise malformed
        if self.container_id or self.container_name:
            message = "Commands do not run in containers here. Leave ContainerId and ContainerName out."
            raise ContainersNotServed(message, field="ContainerId")

    def targets(self) -> InstanceQuerySet:
        """The servers that are meant, all of those named; whether it may run there is for the operation to say."""
        rows: InstanceQuerySet = Instance.objects.registered().filter(region=self.region)
        if self.resource_tag:
            return self.tagged_targets(rows)
        return all_named(rows, self.instance_ids, InstanceNotFound)

    def tagged_targets(self, rows: InstanceQuerySet) -> InstanceQuerySet:
        if self.instance_ids:
            raise InstancesTwice("Say InstanceId or ResourceTag, not both.", field="ResourceTag")
        found = tagged(rows, self.resource_tag)
        if not found.exists():
            raise NoneTagged("No server has these tags.", field="ResourceTag")
        return found

    def timing(self, *, timeout: int) -> Timing:
        """`timeout` in seconds: intervals are longer than that."""
        plan = new_plan(
            "" if self.is_dry_run else self.repeat_mode,
            self.frequency,
            now=timezone.now(),
            timeout=timedelta(seconds=max(timeout, TIMEOUT_LEAST)),
            is_timed=self.timed,
        )
        return Timing(plan, terms=Terms(confirmed=self.confirmation))

    @property
    def is_dry_run(self) -> bool:
        return self.repeat_mode.lower() == DRY_RUN.lower()

    def done(self, principal: Principal, run: Callable[[], Invocation]) -> Invocation:
        """Run it; where only the checks are asked for, take it back and raise DryRunPassed."""
        if not self.is_dry_run:
            return run()
        # A refusal is written inside, too, and rolled back with the rest.
        with remembered(principal), transaction.atomic():
            run()
            raise DryRunPassed("All checks pass. Nothing was run.")


def all_named(rows: InstanceQuerySet, ids: list[str], unknown: Callable[..., ApiError]) -> InstanceQuerySet:
    """Those with these ids. Raises `unknown` unless every one is there."""
    found: InstanceQuerySet = rows.filter(pk__in=ids)
    missing = sorted(set(ids) - set(found.order_by().values_list("pk", flat=True))) if ids else []
    if missing:
        raise unknown(f"There is no server {missing[0][:64]} in this region.", field="InstanceId")
    return found


# --- The actions ---


class RunCommand(Running):
    doc = (
        "Run a script on some servers. It answers at once; DescribeInvocationResults says what becomes of it."
    )
    answer = {"CommandId": str, "InvokeId": str}
    is_idempotent = True
    codes = RUN_CODES

    command_content = Text(required=True, doc="the script, as it is unless ContentEncoding says Base64")
    content_encoding = Text(doc="`PlainText` (default) or `Base64`")
    description = Text(doc="up to 512 characters")
    enable_parameter = Flag(doc="whether {{name}} in the script stands for a value of Parameters")
    keep_command = Flag(doc="save the command, too")
    launcher = Text(doc="what a shell script is started with, such as `python3 -u`; up to 1 KB")
    name_ = Text("Name", doc="up to 128 characters")
    timeout = Number(default=60, doc="seconds; less than 10 counts as 10")
    type = Text(required=True, doc="`RunShellScript`, `RunBatScript` or `RunPowerShellScript`")
    working_dir = Text(doc="directory, up to 200 characters; the home of root where it is left out")

    def perform(self, principal: Principal) -> dict[str, Any]:
        self.check_asked()
        content = decoded(self.command_content, self.content_encoding, default=PLAIN)
        script = Script(
            content=launching(content, self.type, self.launcher),
            type=self.type,
            name=self.name_,
            description=self.description,
            working_dir=self.working_dir,
            timeout=self.timeout,
            enable_parameter=self.enable_parameter,
        )
        targets, timing = self.targets(), self.timing(timeout=self.timeout)
        invocation = self.done(
            principal,
            lambda: run_command(
                principal,
                self.region,
                script,
                targets=targets,
                username=self.username,
                keep=self.keep_command,
                parameters=self.parameters,
                timing=timing,
            ),
        )
        return {"CommandId": invocation.command_id, "InvokeId": invocation.pk}


class InvokeCommand(Running):
    doc = "Run a saved command, or a common one, on some servers."
    answer = {"InvokeId": str}
    is_idempotent = True
    codes = RUN_CODES

    command_id = Text(required=True, doc="id of the command, or the name of a common one")
    launcher = Text(doc="belongs to the script: it can only be what it is")
    timeout = MaybeNumber(doc="seconds; the command's own where it is left out")
    working_dir = MaybeText(doc="directory; the command's own where it is left out")

    def perform(self, principal: Principal) -> dict[str, Any]:
        self.check_asked()
        command = catalogue().get(self.command_id) or own_command(self.region.pk, self.command_id)
        if self.launcher not in ("", launched(command.content)[0]):
            message = "A script never changes, nor what it is started with. Run it by RunCommand."
            raise InvalidParameter("Launcher", message)
        how = self._how(command.timeout if self.timeout is None else self.timeout)

        def run() -> Invocation:
            if isinstance(command, CommonCommand):
                return invoke_common_command(principal, command, self.region, **how)
            return invoke_command(principal, command, **how)

        return {"InvokeId": self.done(principal, run).pk}

    def _how(self, timeout: int) -> dict[str, Any]:
        return {
            "targets": self.targets(),
            "username": self.username,
            "parameters": self.parameters,
            "timing": self.timing(timeout=timeout),
            "own": Own(self.timeout, self.working_dir),
        }


class StopInvocation(Regional):
    doc = "Stop a run or a plan, on all of its servers or on some. What has ended stays as it is."

    instance_ids = Texts("InstanceId", most=50, too_many="InstanceIds.ExceedLimit", doc="only there")
    invoke_id = Text(required=True, doc="id of the run")

    def perform(self, principal: Principal) -> dict[str, Any]:
        invocation = run_of(self.region.pk, self.invoke_id)
        targets = Target.objects.filter(invocation=invocation)
        if self.instance_ids:
            targets = targets.filter(instance__in=self.instance_ids)
            missing = sorted(set(self.instance_ids) - set(targets.values_list("instance_id", flat=True)))
            if missing:
                message = f"The run is not on {missing[0][:64]}."
                raise InstanceIdNotFound(message, field="InstanceId")
        try:
            stop_invocation(principal, invocation, targets=targets)
        except NothingToStop:
            # The API has no word for it: what was asked for is so.
            return {}
        return {}


class ModifyInvocationAttribute(Regional):
    doc = "Have a plan run on more servers, too, from its next moment on."
    answer = {"CommandId": str}
    is_idempotent = True
    codes = {
        "InvalidInstance.OSTypeMixed": "InvalidInstanceId.OSTypeUnsupported",
        "InvalidInstance.CommandNotApplicable": "InvalidInstanceId.OSTypeUnsupported",
        "InvalidUsername.NotSupported": "InvalidOperation.CloudAssistantVersionUnsupported",
    }

    command_content = Text(doc="the script of a plan never changes: any is refused")
    content_encoding = Text(doc="taken and not used")
    confirmation = Text(doc="ours: the digest out of ConfirmationRequired, by which a risky run is confirmed")
    enable_parameter = Flag(doc="taken and not used")
    frequency = Text(doc="the times of a plan never change: any is refused")
    instance_ids = Texts(
        "InstanceId",
        required=True,
        most=INSTANCES_PER_CALL,
        too_many="InvalidInstanceId.CountLimitExceeded",
        doc="servers to add",
    )
    invoke_id = Text(required=True, doc="id of the plan")
    parameters = Text(doc="the values of a plan never change: any is refused")

    def perform(self, principal: Principal) -> dict[str, Any]:
        for name in ("CommandContent", "Frequency", "Parameters"):
            self._check_unchanged(name)
        invocation = run_of(self.region.pk, self.invoke_id)
        registered: InstanceQuerySet = Instance.objects.registered().filter(region=self.region)
        targets = all_named(registered, self.instance_ids, InstanceIdNotFound)
        try:
            modify_invocation_attribute(principal, invocation, targets=targets, confirmed=self.confirmation)
        except TargetsMissing:
            # It runs on all of them already: the API has no word for that either.
            return {"CommandId": invocation.command_id}
        return {"CommandId": invocation.command_id}

    def _check_unchanged(self, name: str) -> None:
        given: Mapping[str, str] = {
            "CommandContent": self.command_content,
            "Frequency": self.frequency,
            "Parameters": self.parameters,
        }
        if given[name]:
            raise InvalidParameter(name, f"{name} of a plan does not change here. Stop it and make another.")


def run_of(region_id: str, invoke_id: str) -> Invocation:
    """The run; whether anything may be done to it is for the operation to say. Raises RunNotFound."""
    runs = Invocation.objects.select_related("command").filter(region=region_id, pk=invoke_id)
    found = runs.first()
    if found is None:
        raise RunNotFound(f"There is no run {invoke_id[:64]}.", field="InvokeId")
    return found

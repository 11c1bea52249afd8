"""What the commands about runs share: finding, waiting, printing."""

import json
import time
from types import TracebackType
from typing import Any, Self

import redis
from django.utils.translation import gettext as _

from access.principals import Principal
from assistant.instances.models import Instance, Region
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.errors import InstanceUnknown
from assistant.invocations.models import Invocation, OutputChunk, Target
from assistant.invocations.rules.output import assemble
from console.kit import bells
from console.kit.clock import api_time
from console.kit.errors import InvalidParameter, NotFound

# A ring may be lost: the truth is looked at this often without any.
LOOK_SECONDS = 2.0


def named_instances(principal: Principal, ids: list[str]) -> tuple[Region, InstanceQuerySet]:
    """The instances with these ids and their region. Raises InstanceUnknown for any that is not there."""
    instances = Instance.objects.visible_to(principal).registered().filter(pk__in=ids)
    found = {instance.pk: instance for instance in instances.select_related("region")}
    unknown = [pk for pk in ids if pk not in found]
    if unknown:
        message = _("There is no instance %(ids)s. `list_instances` says which there are.")
        raise InstanceUnknown(message % {"ids": ", ".join(unknown)}, field="instance")
    regions = {instance.region for instance in found.values()}
    if len(regions) > 1:
        raise InvalidParameter(
            _("The instances are in several regions. Run it in each of them."), field="instance"
        )
    return regions.pop(), instances


def invocation_named(principal: Principal, invocation_id: str) -> Invocation:
    found = Invocation.objects.visible_to(principal).filter(pk=invocation_id).first()
    if found is None:
        raise NotFound(_("There is no execution %(id)s.") % {"id": invocation_id})
    return found


class News:
    """An ear for one run's news, opened before the run is made."""

    def __init__(self, *, is_wanted: bool) -> None:
        self._ear: Any = None
        if is_wanted:
            self._ear = bells.client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        if self._ear is not None:
            try:
                self._ear.subscribe(bells.NEWS)
                # The answer to the subscription: from here on nothing is missed.
                self._ear.get_message(timeout=LOOK_SECONDS)
            except redis.RedisError:
                self._ear = None
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._ear is not None:
            self._ear.close()

    def until_final(self, invocation: Invocation) -> None:
        while not invocation.is_final:
            self._hear(f"invocation-{invocation.pk}", time.monotonic() + LOOK_SECONDS)
            invocation.refresh_from_db()

    def _hear(self, topic: str, deadline: float) -> None:
        while (left := deadline - time.monotonic()) > 0:
            message = self._next(left)
            if message is not None and topic in json.loads(message["data"]):
                return

    def _next(self, seconds: float) -> dict[str, Any] | None:
        if self._ear is None:
            time.sleep(seconds)
            return None
        try:
            message: dict[str, Any] | None = self._ear.get_message(timeout=seconds)
        except redis.RedisError:
            # It comes back by itself at the next call; until then the looks at the truth do.
            time.sleep(min(seconds, 0.2))
            return None
        return message


def document_of(invocation: Invocation) -> dict[str, Any]:
    targets = Target.objects.filter(invocation=invocation).for_table().order_by("pk")
    return {
        "InvokeId": invocation.pk,
        "InvocationStatus": invocation.state.value,
        "Results": [result_of(target) for target in targets.iterator()],
    }


def result_of(target: Target) -> dict[str, Any]:
    output = assemble(OutputChunk.objects.whole(target.pk), total=target.output_bytes)
    return {
        "InstanceId": target.instance_id,
        "InstanceName": target.instance.name,
        "InvocationStatus": target.state.value,
        "ExitCode": target.exit_code,
        "Output": output.text,
        "Dropped": target.dropped,
        "ErrorCode": target.error_code,
        "ErrorInfo": target.error_info,
        "StartTime": api_time(target.started_at),
        "FinishTime": api_time(target.finished_at),
    }


def lines_of(document: dict[str, Any]) -> list[str]:
    lines = [f"{document['InvokeId']}  {document['InvocationStatus']}"]
    for result in document["Results"]:
        facts = [result["InstanceId"], result["InstanceName"], result["InvocationStatus"]]
        if result["ExitCode"] is not None:
            facts.append(f"exit code {result['ExitCode']}")
        facts += [result["ErrorCode"], result["ErrorInfo"]]
        lines += ["", "  ".join(fact for fact in facts if fact), result["Output"].rstrip("\n")]
    return lines

"""What the commands about runs share: finding, waiting, printing."""

import json
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import redis
from django.utils import timezone
from django.utils.translation import gettext as _

from access.principals import Principal
from assistant.instances.models import Instance, Region
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.errors import InstanceUnknown, RolloutRefused
from assistant.invocations.models import Invocation, OutputChunk, Target
from assistant.invocations.rules.output import assemble
from assistant.invocations.rules.plans import Timing, new_plan
from assistant.invocations.rules.restarts import RestartTerms
from assistant.invocations.rules.rollouts import RolloutTerms, share
from assistant.invocations.rules.terms import Terms
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


def add_timing(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--repeat-mode",
        default="",
        metavar="MODE",
        help="Once, Period, NextRebootOnly or EveryReboot; Once if not said, Period with a frequency",
    )
    parser.add_argument(
        "--frequency",
        default="",
        metavar="TEXT",
        help="when it runs again: rate(15m), at(2027-05-17 17:30:50 Asia/Shanghai), or a cron text and its "
        "zone; explain_plan says when that is",
    )
    parser.add_argument(
        "--expires", default="", metavar="TIME", help="no run begins from then on; UTC if it names no offset"
    )
    add_terms(parser)


def timing_of(options: dict[str, Any], *, timeout: int) -> Timing:
    """When the command shall run, from the options of `add_timing`."""
    plan = new_plan(
        options["repeat_mode"],
        options["frequency"],
        now=timezone.now(),
        timeout=timedelta(seconds=timeout),
    )
    return Timing(plan, moment_of(options["expires"]), terms_of(options))


def moment_of(said: str) -> datetime | None:
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        message = _("Say a moment as 2027-05-17T17:30:50Z, not %(said)s.")
        raise InvalidParameter(message % {"said": said[:64]}, field="expires_at") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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


def add_terms(parser: ArgumentParser) -> None:
    """How it goes out, as the run form asks it."""
    parser.add_argument(
        "--at-a-time", default="", metavar="N|N%", help="so many at a time; all at once if not said"
    )
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="N first; the rest when it is confirmed"
    )
    parser.add_argument(
        "--pause", type=int, default=0, metavar="SECONDS", help="between one batch and the next"
    )
    parser.add_argument("--stop-after", default="", metavar="N|N%", help="failures after which no more begin")
    parser.add_argument(
        "--wait-offline",
        type=int,
        default=0,
        metavar="HOURS",
        help="for servers that are offline; 720 at most",
    )
    parser.add_argument(
        "--restart",
        default="",
        choices=["", "succeeded", "all"],
        help="restart the servers when it has ended",
    )
    parser.add_argument(
        "--restarts-at-a-time", default="1", metavar="N|N%", help="one after the other if not said"
    )
    parser.add_argument("--force-restart", action="store_true", help="do not ask services to end first")
    parser.add_argument(
        "--confirm", default="", metavar="DIGEST", help="what the refusal named that asked to be confirmed"
    )


def terms_of(options: dict[str, Any]) -> Terms:
    # More than a year is refused as a year is, and does not end the calendar.
    hours = min(options["wait_offline"], 366 * 24)
    waits_until = timezone.now() + timedelta(hours=hours) if hours else None
    return Terms(rollout_of(options), waits_until, options["confirm"], restart_of(options))


def restart_of(options: dict[str, Any]) -> RestartTerms | None:
    if not options["restart"]:
        return None
    at_a_time = share(options["restarts_at_a_time"], field="restart_at_a_time")
    return RestartTerms(at_a_time, options["restart"] == "succeeded", options["force_restart"])


def rollout_of(options: dict[str, Any]) -> RolloutTerms | None:
    at_a_time, stop_after = options["at_a_time"], options["stop_after"]
    if not any((at_a_time, stop_after, options["first"], options["pause"])):
        return None
    if not at_a_time:
        raise RolloutRefused(_("Say with --at-a-time how many at a time."), field="at_a_time")
    return RolloutTerms(
        share(at_a_time, field="at_a_time"),
        first_batch=options["first"],
        wait=options["pause"],
        stop_after=share(stop_after, field="stop_after") if stop_after else None,
    )


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

"""Run a command (CA-82 to CA-86, CA-162 to CA-168)."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.operations.calls import operation, record
from access.operations.decisions import authorize_each, authorize_look
from access.operations.quotas import use
from access.principals import Principal
from access.rules.conditions import RUN_AS_KEY
from access.rules.quotas import RUNS
from access.scopes import arn
from assistant.commands.limits import TIMEOUT_LEAST, USERNAME_CHARACTERS, WORKING_DIR_CHARACTERS
from assistant.commands.models import Command
from assistant.commands.operations.commands import held_command
from assistant.commands.operations.scripts import (
    Script,
    check_length,
    check_timeout,
    parameters_of,
    script_of,
    write_command,
)
from assistant.commands.states import CommandType
from assistant.instances.models import Instance, Region
from assistant.instances.operations.permissions import authorize_instances
from assistant.instances.querysets import InstanceQuerySet
from assistant.instances.rules.connection import is_connected
from assistant.invocations import errors, followups, limits
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.guard import check_guard as confirmed_by_guard
from assistant.invocations.operations.parameters import kept_values, values_of
from assistant.invocations.operations.restarts import begin_restart
from assistant.invocations.operations.rollouts import begin_rollout
from assistant.invocations.operations.writing import add_targets, tell_end
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.abilities import can_carry_out
from assistant.invocations.rules.codes import CLIENT_NEED_UPGRADE, info_of
from assistant.invocations.rules.plans import NOW, Plan, Timing, check
from assistant.invocations.rules.progress import unreachable_code
from assistant.invocations.rules.schedules import Schedule
from assistant.invocations.rules.terms import Terms, check_terms
from assistant.invocations.signals import invocation_begun
from assistant.invocations.states import Status, first_state, overall
from console.kit import ids

logger = logging.getLogger(__name__)

WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class Place:
    """What counts of an instance when a command shall run on it."""

    id: str
    region_id: str
    name: str
    os_type: str
    default_username: str
    is_privileged: bool
    agent_name: str
    agent_version: str
    ever_seen: bool
    connected: bool

    def can_carry_out(self, plan: Plan) -> bool:
        agent = {"agent_name": self.agent_name, "agent_version": self.agent_version}
        return can_carry_out(plan, **agent, os_type=self.os_type)


@dataclass(frozen=True, slots=True)
class Own:
    """What a run of a saved command has of its own; without it the command's holds."""

    timeout: int | None = None
    working_dir: str | None = None

    def timeout_of(self, command: Command) -> int:
        return command.timeout if self.timeout is None else max(self.timeout, TIMEOUT_LEAST)

    def working_dir_of(self, command: Command) -> str:
        return command.working_dir if self.working_dir is None else self.working_dir


AS_SAVED = Own()


@dataclass(frozen=True, slots=True)
class Order:
    """How a command is to run, as the invocation keeps it."""

    username: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    timing: Timing = NOW
    own: Own = AS_SAVED
    is_restart: bool = False


@operation("ecs:RunCommand")
def run_command(
    principal: Principal,
    region: Region,
    script: Script,
    *,
    targets: InstanceQuerySet,
    username: str = "",
    keep: bool = False,
    parameters: Mapping[str, str] | None = None,
    timing: Timing = NOW,
) -> Invocation:
    """Run a script on the registered ones of `targets` in `region`; with `keep` save it too (CA-84).

    One transaction writes the script, the invocation and a row per target. Of a run that is to begin now,
    targets that are not connected fail at once, with the client's error code, and hold nobody up; a plan
    waits for them. Raises InvalidParameter for everything that cannot be asked for, before anything is
    written.
    """
    action = "ecs:RunCommand"
    now = timezone.now()
    places = places_of(targets.filter(region=region), now=now)
    kept = arn("ecs", "command", "*", region=region.pk) if keep else ""
    authorize_run(principal, action, places, username, command=kept)

    check_places(places, script.type, username)
    check_timing(timing, script.timeout, now=now)
    command = write_command(principal, region, script, kept=keep)
    values = parameters_of(command, parameters or {})
    confirmed = check_guard(principal, command, values, places, timing)

    order = Order(username, values, timing)
    invocation = create_invocation(principal, command, places, order, now=now)

    tell_of_run(principal, action, invocation, places, timing.terms, confirmed)
    return invocation


@operation("ecs:InvokeCommand")
def invoke_command(
    principal: Principal,
    command: Command,
    *,
    targets: InstanceQuerySet,
    username: str = "",
    parameters: Mapping[str, str] | None = None,
    timing: Timing = NOW,
    own: Own = AS_SAVED,
) -> Invocation:
    """Run a saved command on the registered ones of `targets` in its region, as `run_command` does."""
    action = "ecs:InvokeCommand"
    now = timezone.now()
    places = places_of(targets.filter(region=command.region_id), now=now)
    authorize_run(principal, action, places, username, command=command.arn)

    check_places(places, command.type, username)
    check_own(own)
    values = parameters_of(command, parameters or {})
    order = Order(username, values, timing, own)
    check_timing(timing, own.timeout_of(command), now=now)
    confirmed = check_guard(principal, command, values, places, timing)

    invocation = create_invocation(principal, command, places, order, now=now)
    # Late: from here to the commit nobody else runs it. Who deletes it has either done so or sees the run.
    held_command(command)

    tell_of_run(principal, action, invocation, places, timing.terms, confirmed)
    return invocation


def check_own(own: Own) -> None:
    check_timeout(own.timeout or 0)
    check_length("working_dir", own.working_dir or "", WORKING_DIR_CHARACTERS)


def authorize_run(
    principal: Principal, action: str, places: list[Place], username: str, *, command: str = ""
) -> None:
    """On every instance and on the command, if one is named, as whoever it runs as there (CA-243)."""
    check_length("username", username, USERNAME_CHARACTERS)
    if not places:
        authorize_look(principal, action)
        return
    run_as = {place.id: {RUN_AS_KEY: username or place.default_username} for place in places}
    if command:
        accounts = sorted({context[RUN_AS_KEY] for context in run_as.values()})
        authorize_each(principal, action, [(command, {RUN_AS_KEY: account}) for account in accounts])
    wanted = [(place.id, place.region_id) for place in places]
    authorize_instances(principal, action, wanted, contexts=run_as)


def check_guard(
    principal: Principal, command: Command, values: Mapping[str, str], places: list[Place], timing: Timing
) -> list[str]:
    """What the guard asked about and was confirmed. Raises ConfirmationNeeded."""
    return confirmed_by_guard(
        principal,
        command,
        values,
        [place.id for place in places],
        confirmed=timing.terms.confirmed,
        begins_now=not timing.plan.waits,
    )


def tell_of_run(
    principal: Principal,
    action: str,
    invocation: Invocation,
    places: list[Place],
    terms: Terms,
    confirmed: list[str],
) -> None:
    """What is the same for every run that was written: it counts, is remembered, and goes out."""
    now = invocation.created_at
    # Late: from here to the commit every other run of the region waits for its turn.
    use(principal, RUNS, invocation.region_id)
    facts = {"command": invocation.command_id, "username": invocation.username, "targets": len(places)}
    some = [place.id for place in places[: limits.NAMED_IN_AUDIT]]
    asked = {"confirmed": confirmed} if confirmed else {}
    record(principal, action, invocation.pk, **facts, **asked, instances=some)
    logger.info(
        "Command runs invocation=%s principal=%s targets=%d", invocation.pk, principal.name, len(places)
    )
    if terms.restart:
        begin_restart(principal, invocation, terms.restart, now=now)
    if not invocation.is_rollout:
        followups.deliver(invocation.pk, [place.id for place in places if place.connected])
    followups.runs_changed([invocation.pk], [place.id for place in places])
    invocation_begun.send(None, invocation_id=invocation.pk, region_id=invocation.region_id)
    if terms.rollout:
        # After the quota: the end of what is over at once is noted behind it, as everywhere.
        begin_rollout(principal, invocation, terms.rollout, now=now)
    elif invocation.is_final:
        tell_end(invocation)


def run_again(principal: Principal, invocation: Invocation, *, confirmed: str = "") -> Invocation:
    """Run the same on the same instances, those that are still ours."""
    return repeat(principal, invocation, Target.objects.filter(invocation=invocation), confirmed)


def run_again_on_failed(principal: Principal, invocation: Invocation, *, confirmed: str = "") -> Invocation:
    """Run the same where it did not end well."""
    return repeat(principal, invocation, Target.objects.filter(invocation=invocation).failed(), confirmed)


def repeat(
    principal: Principal, invocation: Invocation, targets: TargetQuerySet, confirmed: str
) -> Invocation:
    if invocation.is_restart:
        message = _("A restart follows a run: run that again, and choose the restart with it.")
        raise errors.RestartRefused(message)
    command = script_of(invocation.command)
    script = replace(command, working_dir=invocation.working_dir, timeout=invocation.timeout)
    # Of a plan the same once more, now; of a rollout as carefully as before.
    rollout = invocation.rollout.terms if invocation.is_rollout else None
    instances = Instance.objects.registered().filter(pk__in=targets.values("instance"))
    return run_command(
        principal,
        invocation.region,
        script,
        targets=instances,
        username=invocation.username,
        parameters=values_of(invocation),
        timing=Timing(terms=Terms(rollout=rollout, confirmed=confirmed)),
    )


def places_of(targets: InstanceQuerySet, *, now: datetime) -> list[Place]:
    """Whether one is connected is worked out here: to put that to the database would take longer than all the rest."""
    columns = ("pk", "region_id", "name", "os_type", "default_username", "is_privileged")
    presence = ("agent_name", "agent_version", "last_seen_at", "channel", "channel_changed_at")
    rows = targets.registered().order_by("pk").values_list(*columns, *presence)
    return [
        Place(
            *(pk, region_id, name, os_type, account, is_privileged, agent, version),
            ever_seen=seen_at is not None,
            connected=is_connected(seen_at, agent, channel, changed_at, now=now),
        )
        for pk, region_id, name, os_type, account, is_privileged, agent, version, seen_at, channel, changed_at in rows
    ]


def check_places(places: list[Place], command_type: str, username: str) -> None:
    if not places:
        raise errors.TargetsMissing(_("Choose at least one instance."), field="targets")
    if len({place.os_type == WINDOWS for place in places}) > 1:
        message = _("Linux and Windows instances cannot be mixed in one run. Run it on each separately.")
        raise errors.TargetsMixed(message, field="targets")
    kind = CommandType.spelled(command_type)
    if kind is not None and (kind.os_type == WINDOWS) != (places[0].os_type == WINDOWS):
        message = _("A command of the type %(type)s cannot run on %(name)s (%(system)s).")
        facts = {"type": kind.value, "name": places[0].name, "system": places[0].os_type}
        raise errors.CommandNotApplicable(message % facts, field="type")
    check_username(places, username)


def check_timing(timing: Timing, timeout: int, *, now: datetime) -> None:
    """A plan within its limits, that is not over before its first run."""
    plan, expires_at = timing.plan, timing.expires_at
    check_terms(timing.terms, plan_waits=plan.waits, now=now)
    check(plan, now=now, timeout=timedelta(seconds=max(timeout, TIMEOUT_LEAST)))
    if expires_at is None:
        return
    message = ""
    if not plan.waits:
        message = _("A run that begins now does not expire. Leave the field empty.")
    elif expires_at <= now:
        message = _("The moment at which it expires is past.")
    elif plan.is_timed and Schedule(plan, now, expires_at).next_run(now) is None:
        message = _("It would expire before its first run.")
    if message:
        raise errors.ExpiryRefused(message, field="expires_at")


def check_username(places: list[Place], username: str) -> None:
    """An agent without root's rights runs as its own account or not at all."""
    bound = [
        place for place in places if not place.is_privileged and username not in ("", place.default_username)
    ]
    if bound:
        message = ngettext(
            "The agent on %(name)s is not root: it runs commands as %(account)s only.",
            "The agents on %(name)s and %(others)d more are not root: they run commands as their own account only.",
            len(bound),
        )
        facts = {"name": bound[0].name, "account": bound[0].default_username, "others": len(bound) - 1}
        raise errors.RunAsRefused(message % facts, field="username")


def create_invocation(
    principal: Principal, command: Command, places: list[Place], order: Order, *, now: datetime
) -> Invocation:
    """Write the invocation with its counters, then a row per target, in the order of the instances' ids."""
    plan, terms = order.timing.plan, order.timing.terms
    is_patient = bool(terms.rollout or terms.waits_until)
    counts = Counter(beginning_of(place, plan, is_patient=is_patient)[0] for place in places)
    state = overall(counts)
    invocation_id = ids.new_id("t", command.region.code)
    invocation = Invocation.objects.create(
        id=invocation_id,
        region=command.region,
        command=command,
        repeat_mode=plan.repeat_mode,
        frequency=plan.frequency,
        expires_at=order.timing.expires_at,
        is_restart=order.is_restart,
        is_rollout=terms.rollout is not None,
        waits_until=terms.waits_until,
        username=order.username,
        working_dir=order.own.working_dir_of(command),
        timeout=order.own.timeout_of(command),
        created_by_id=principal.user_id,
        door=principal.door,
        created_at=now,
        finished_at=now if state.is_final else None,
        status=state,
        n_total=len(places),
        **kept_values(invocation_id, command, order.parameters),
        **{status.counter: number for status, number in counts.items()},
    )
    create_targets(invocation, places, now=now)
    return invocation


def create_targets(invocation: Invocation, places: list[Place], *, now: datetime) -> None:
    due_at = first_due(invocation, now)
    targets = [target_at(place, invocation, due_at=due_at, now=now) for place in places]
    add_targets(targets)


def first_due(invocation: Invocation, now: datetime) -> datetime | None:
    """When the first word of the first run is late; none where nobody knows when that will be."""
    if not invocation.plan.waits:
        return now + limits.DELIVERY_TIMEOUT
    return Schedule(invocation.plan, invocation.created_at, invocation.expires_at).due_at(now)


def beginning_of(place: Place, plan: Plan, *, is_patient: bool) -> tuple[Status, str]:
    """How a run begins on an instance, and the error where it ends at once."""
    able = place.can_carry_out(plan)
    status = first_state(connected=place.connected or is_patient, waits=plan.waits, able=able)
    if not status.is_final:
        return status, ""
    return status, unreachable_code(ever_seen=place.ever_seen) if able else CLIENT_NEED_UPGRADE


def target_at(place: Place, invocation: Invocation, *, due_at: datetime | None, now: datetime) -> Target:
    """A run that waits for its agent or its time, or one that fails at once because there is no agent."""
    is_patient = invocation.is_rollout or invocation.waits_until is not None
    status, code = beginning_of(place, invocation.plan, is_patient=is_patient)
    if invocation.waits_until and not place.connected:
        due_at = invocation.waits_until
    return Target(
        invocation=invocation,
        instance_id=place.id,
        status=status,
        username=invocation.username or place.default_username,
        created_at=now,
        is_held=invocation.is_rollout,
        due_at=None if status.is_final or invocation.is_rollout else due_at,
        finished_at=now if status.is_final else None,
        error_code=code,
        error_info=info_of(code),
        # Of what was due before it was there, nothing is missed.
        checked_until=now if invocation.plan.recurs else None,
    )

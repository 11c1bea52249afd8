"""Run a command (CA-82 to CA-86, CA-162 to CA-168)."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

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
from assistant.commands.errors import CommandUnknown
from assistant.commands.limits import USERNAME_CHARACTERS
from assistant.commands.models import Command
from assistant.commands.operations.scripts import (
    Script,
    check_length,
    parameters_of,
    script_of,
    write_command,
)
from assistant.commands.states import CommandType
from assistant.instances.models import Instance, Region
from assistant.instances.operations.permissions import authorize_instances
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations import errors, followups, limits
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.parameters import kept_values, values_of
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.progress import unreachable_code
from assistant.invocations.states import RepeatMode, first_state, overall
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
    ever_seen: bool
    connected: bool


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
) -> Invocation:
    """Run a script once, now, on the registered ones of `targets` in `region`; with `keep` save it too (CA-84).

    One transaction writes the script, the invocation and a row per target. Targets that are not connected
    fail at once, with the client's error code, and hold nobody up. Raises InvalidParameter for everything
    that cannot be asked for, before anything is written.
    """
    action = "ecs:RunCommand"
    now = timezone.now()
    places = places_of(targets.filter(region=region), now=now)
    kept = arn("ecs", "command", "*", region=region.pk) if keep else ""
    authorize_run(principal, action, places, username, command=kept)

    check_places(places, script.type, username)
    command = write_command(principal, region, script, kept=keep)
    values = parameters_of(command, parameters or {})

    invocation = create_invocation(principal, command, places, username=username, parameters=values, now=now)

    tell_of_run(principal, action, invocation, places)
    return invocation


@operation("ecs:InvokeCommand")
def invoke_command(
    principal: Principal,
    command: Command,
    *,
    targets: InstanceQuerySet,
    username: str = "",
    parameters: Mapping[str, str] | None = None,
) -> Invocation:
    """Run a saved command once, now, on the registered ones of `targets` in its region, as `run_command` does."""
    action = "ecs:InvokeCommand"
    now = timezone.now()
    places = places_of(targets.filter(region=command.region_id), now=now)
    authorize_run(principal, action, places, username, command=command.arn)

    if not command.kept:
        raise CommandUnknown(_("This command has been deleted."))
    check_places(places, command.type, username)
    values = parameters_of(command, parameters or {})

    invocation = create_invocation(principal, command, places, username=username, parameters=values, now=now)

    tell_of_run(principal, action, invocation, places)
    return invocation


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


def tell_of_run(principal: Principal, action: str, invocation: Invocation, places: list[Place]) -> None:
    # Late: from here to the commit every other run of the region waits for its turn.
    use(principal, RUNS, invocation.region_id)
    facts = {"command": invocation.command_id, "username": invocation.username, "targets": len(places)}
    some = [place.id for place in places[: limits.NAMED_IN_AUDIT]]
    record(principal, action, invocation.pk, **facts, instances=some)
    logger.info(
        "Command runs invocation=%s principal=%s targets=%d", invocation.pk, principal.name, len(places)
    )
    followups.deliver(invocation.pk, [place.id for place in places if place.connected])
    followups.runs_changed([invocation.pk], [place.id for place in places])


def run_again(principal: Principal, invocation: Invocation) -> Invocation:
    """Run the same on the same instances, those that are still ours."""
    return repeat(principal, invocation, Target.objects.filter(invocation=invocation))


def run_again_on_failed(principal: Principal, invocation: Invocation) -> Invocation:
    """Run the same where it did not end well."""
    return repeat(principal, invocation, Target.objects.filter(invocation=invocation).failed())


def repeat(principal: Principal, invocation: Invocation, targets: TargetQuerySet) -> Invocation:
    command = script_of(invocation.command)
    script = replace(command, working_dir=invocation.working_dir, timeout=invocation.timeout)
    instances = Instance.objects.registered().filter(pk__in=targets.values("instance"))
    return run_command(
        principal,
        invocation.region,
        script,
        targets=instances,
        username=invocation.username,
        parameters=values_of(invocation),
    )


def places_of(targets: InstanceQuerySet, *, now: datetime) -> list[Place]:
    fields = ("pk", "region_id", "name", "os_type", "default_username", "is_privileged", "last_seen_at")
    rows = targets.registered().with_connection(now).order_by("pk").values_list(*fields, "is_connected")
    return [
        Place(
            pk,
            region_id,
            name,
            os_type,
            account,
            is_privileged,
            ever_seen=seen_at is not None,
            connected=connected,
        )
        for pk, region_id, name, os_type, account, is_privileged, seen_at, connected in rows
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
    principal: Principal,
    command: Command,
    places: list[Place],
    *,
    username: str,
    parameters: Mapping[str, str],
    now: datetime,
) -> Invocation:
    """Write the invocation with its counters, then a row per target, in the order of the instances' ids."""
    counts = Counter(first_state(connected=place.connected) for place in places)
    state = overall(counts)
    invocation_id = ids.new_id("t", command.region.code)
    invocation = Invocation.objects.create(
        id=invocation_id,
        region=command.region,
        command=command,
        repeat_mode=RepeatMode.ONCE,
        username=username,
        working_dir=command.working_dir,
        timeout=command.timeout,
        created_by_id=principal.user_id,
        door=principal.door,
        created_at=now,
        finished_at=now if state.is_final else None,
        status=state,
        n_total=len(places),
        **kept_values(invocation_id, command, parameters),
        **{status.counter: number for status, number in counts.items()},
    )
    targets = [target_at(place, invocation, now=now) for place in places]
    Target.objects.bulk_create(targets, batch_size=1000)
    return invocation


def target_at(place: Place, invocation: Invocation, *, now: datetime) -> Target:
    """A run that waits for its agent, or one that fails at once because there is none to wait for."""
    return Target(
        invocation=invocation,
        instance_id=place.id,
        status=first_state(connected=place.connected),
        username=invocation.username or place.default_username,
        created_at=now,
        due_at=now + limits.DELIVERY_TIMEOUT if place.connected else None,
        finished_at=None if place.connected else now,
        error_code="" if place.connected else unreachable_code(ever_seen=place.ever_seen),
    )

"""Restart servers by themselves, as programs do after a run (CA-274); `restarts` has the restart that follows one."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation
from access.operations.decisions import authorize_look
from access.principals import Principal
from assistant.commands.operations.scripts import Script, write_command
from assistant.instances.models import Region
from assistant.instances.operations.permissions import authorize_instances
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations import errors, limits
from assistant.invocations.models import Invocation
from assistant.invocations.operations.restarts import check_rights
from assistant.invocations.operations.runs import (
    WINDOWS,
    Order,
    Place,
    create_invocation,
    places_of,
    tell_of_run,
)
from assistant.invocations.rules.restarts import NAME, script_for
from assistant.invocations.rules.terms import Terms


@operation("ecs:RebootInstance")
def reboot_instances(
    principal: Principal,
    region: Region,
    *,
    targets: InstanceQuerySet,
    force: bool = False,
    only_connected: bool = False,
) -> list[Invocation]:
    """Restart the registered ones of `targets` in `region`, all at once: a run per kind of system.

    A run has succeeded where the agent is back with its system. With `only_connected` those that cannot be
    reached are left out. Raises TargetsMissing, InstanceNotConnected where one cannot be reached,
    RunAsRefused where an agent may not restart its server, and QuotaExceeded.
    """
    action = "ecs:RebootInstance"
    now = timezone.now()
    places = places_of(targets.filter(region=region), now=now)
    if not places:
        authorize_look(principal, action)
    authorize_instances(principal, action, [(place.id, place.region_id) for place in places])

    if only_connected:
        places = [place for place in places if place.connected]
    check_up(places)
    check_rights(places)
    invocations = []
    for kind, alike in by_system(places):
        type_, content = script_for(kind, force=force)
        script = Script(content, type=type_, name=str(NAME), timeout=limits.RESTART_SCRIPT_SECONDS)
        command = write_command(principal, region, script, kept=False)
        invocation = create_invocation(principal, command, alike, Order(is_restart=True), now=now)
        tell_of_run(principal, action, invocation, alike, Terms(), confirmed=[])
        invocations.append(invocation)
    return invocations


def check_up(places: list[Place]) -> None:
    if not places:
        raise errors.TargetsMissing(_("Choose at least one instance."), field="targets")
    for place in places:
        if not place.connected:
            message = _("%(name)s cannot be reached: it is not restarted.")
            raise errors.InstanceNotConnected(message % {"name": place.name}, field="targets")


def by_system(places: Iterable[Place]) -> list[tuple[str, list[Place]]]:
    """Windows apart: a run has one script."""
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(WINDOWS if place.os_type == WINDOWS else "linux", []).append(place)
    return list(found.items())

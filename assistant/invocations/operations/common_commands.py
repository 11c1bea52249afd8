"""Run a command of the catalogue (CA-213 to CA-217)."""

from collections.abc import Mapping

from django.utils import timezone

from access.operations.calls import operation
from access.principals import Principal
from access.scopes import arn
from assistant.commands.operations.scripts import Script, parameters_of, write_command
from assistant.commands.rules.catalogue import CommonCommand, check_values
from assistant.instances.models import Region
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations.models import Invocation
from assistant.invocations.operations.runs import (
    AS_SAVED,
    Order,
    Own,
    authorize_run,
    check_guard,
    check_own,
    check_places,
    check_timing,
    create_invocation,
    places_of,
    tell_of_run,
)
from assistant.invocations.rules.plans import NOW, Timing


@operation("ecs:InvokeCommand")
def invoke_common_command(
    principal: Principal,
    common: CommonCommand,
    region: Region,
    *,
    targets: InstanceQuerySet,
    username: str = "",
    parameters: Mapping[str, str] | None = None,
    timing: Timing = NOW,
    own: Own = AS_SAVED,
) -> Invocation:
    """Run a common command on the registered ones of `targets` in `region`, as `run_command` does.

    The run keeps the script as it was, with its version. A value that is left empty is the parameter's
    default. Raises InvalidParameter also for values that do not fit their parameter.
    """
    action = "ecs:InvokeCommand"
    now = timezone.now()
    places = places_of(targets.filter(region=region), now=now)
    authorize_run(
        principal, action, places, username, command=arn("ecs", "command", common.name, region=region.pk)
    )

    check_places(places, common.type, username)
    check_own(own)
    script = script_of_common(common)
    values = parameters_of(script, {name: value for name, value in (parameters or {}).items() if value})
    check_values(common, values)
    command = write_command(
        principal, region, script, kept=False, provider=common.provider, version=common.version
    )
    order = Order(username, values, timing, own)
    check_timing(timing, own.timeout_of(command), now=now)
    confirmed = check_guard(principal, command, values, places, timing)

    invocation = create_invocation(principal, command, places, order, now=now)

    tell_of_run(principal, action, invocation, places, timing.terms, confirmed)
    return invocation


def script_of_common(common: CommonCommand) -> Script:
    return Script(
        content=common.content,
        type=common.type,
        name=common.name,
        description=common.description,
        timeout=common.timeout,
        enable_parameter=bool(common.parameters),
        definitions=tuple(common.parameters),
    )

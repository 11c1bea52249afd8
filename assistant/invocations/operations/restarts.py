"""Run, then restart (CA-273 to CA-277): a second invocation, written with the first and held until that has ended."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _

from access.operations.calls import record
from access.operations.quotas import use
from access.principals import Principal
from access.rules.quotas import RUNS
from assistant.commands.models import Command
from assistant.commands.operations.scripts import Script, write_command
from assistant.instances.models import Instance
from assistant.instances.operations.permissions import authorize_instances
from assistant.invocations import limits
from assistant.invocations.errors import RunAsRefused
from assistant.invocations.models import Invocation, Rollout, Target
from assistant.invocations.operations.rollouts import given_by
from assistant.invocations.operations.writing import add_targets
from assistant.invocations.rules.restarts import NAME, RestartTerms, script_for
from assistant.invocations.rules.rollouts import RolloutState
from assistant.invocations.states import Overall, Status
from console.kit import ids

logger = logging.getLogger(__name__)


def begin_restart(
    principal: Principal, first: Invocation, terms: RestartTerms, *, now: datetime
) -> Invocation:
    """Write the restart that follows `first`; part of the operation that makes that.

    Raises NotAllowed, and RunAsRefused where an agent may not restart its server.
    """
    columns = ("pk", "region_id", "name", "os_type", "default_username", "is_privileged")
    there = (
        Instance.objects.filter(targets__invocation=first).order_by("pk").values_list(*columns, named=True)
    )
    instances = list(there)
    authorize_instances(principal, "ecs:RebootInstance", [(one.pk, one.region_id) for one in instances])
    check_rights(instances)
    kind, content = script_for(instances[0].os_type, force=terms.force)
    script = Script(content, type=kind, name=str(NAME), timeout=limits.RESTART_SCRIPT_SECONDS)
    command = write_command(principal, first.region, script, kept=False)

    restart = write_restart(principal, first, command, terms, now=now)
    targets = [
        Target(
            invocation=restart,
            instance_id=instance.pk,
            status=Status.PENDING,
            username=instance.default_username,
            created_at=now,
            is_held=True,
        )
        for instance in instances
    ]
    add_targets(targets)

    use(principal, RUNS, restart.region_id)
    some = [instance.pk for instance in instances[: limits.NAMED_IN_AUDIT]]
    facts = {"follows": first.pk, "force": terms.force, "targets": len(instances)}
    record(principal, "ecs:RebootInstance", restart.pk, **facts, instances=some)
    logger.info("Restart follows invocation=%s restart=%s", first.pk, restart.pk)
    return restart


class Restartable(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def is_privileged(self) -> bool: ...


def check_rights(servers: Iterable[Restartable]) -> None:
    for server in servers:
        if not server.is_privileged:
            message = _("The agent on %(name)s is not root: it cannot restart the server.")
            raise RunAsRefused(message % {"name": server.name}, field="restart")


def write_restart(
    principal: Principal, first: Invocation, command: Command, terms: RestartTerms, *, now: datetime
) -> Invocation:
    restart = Invocation.objects.create(
        id=ids.new_id("t", first.region.code),
        region=first.region,
        command=command,
        follows=first,
        is_restart=True,
        is_rollout=True,
        timeout=command.timeout,
        created_by_id=principal.user_id,
        door=principal.door,
        created_at=now,
        status=Overall.PENDING,
        n_total=first.n_total,
        n_pending=first.n_total,
    )
    # The first server that does not come back keeps the others up (CA-277).
    Rollout.objects.create(
        invocation=restart,
        at_a_time=terms.at_a_time.text,
        stop_after="1",
        only_succeeded=terms.only_succeeded,
        state=RolloutState.FOLLOWING,
        **given_by(principal),
    )
    return restart

"""On which terms a command runs: all at once or step by step, and what becomes of servers that are offline."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from assistant.invocations import limits
from assistant.invocations.errors import OfflineWaitRefused, RestartRefused, RolloutRefused
from assistant.invocations.rules.restarts import RestartTerms
from assistant.invocations.rules.rollouts import RolloutTerms, check_rollout


@dataclass(frozen=True, slots=True)
class Terms:
    rollout: RolloutTerms | None = None
    # Until when it waits for servers that are offline; without it they fail at once.
    waits_until: datetime | None = None
    # What the guard asked about and somebody has said yes to (`operations.guard`).
    confirmed: str = ""
    # What follows when it has ended.
    restart: RestartTerms | None = None


# All at once, and nobody is waited for.
PLAIN = Terms()


def check_terms(terms: Terms, *, plan_waits: bool, now: datetime) -> None:
    """Raises RolloutRefused, OfflineWaitRefused or RestartRefused for what cannot go together, or not so long."""
    if terms.rollout:
        if plan_waits:
            message = _("Only a run that begins now goes out step by step. Leave the plan or the steps out.")
            raise RolloutRefused(message, field="at_a_time")
        if terms.waits_until:
            message = _("Step by step, offline servers fail at their turn. Leave the steps or the wait out.")
            raise OfflineWaitRefused(message, field="waits_until")
        check_rollout(terms.rollout)
    if terms.restart and plan_waits:
        message = _("A restart follows a run that begins now. Leave the plan or the restart out.")
        raise RestartRefused(message, field="restart")
    if terms.waits_until:
        check_wait(terms.waits_until, plan_waits=plan_waits, now=now)


def check_wait(until: datetime, *, plan_waits: bool, now: datetime) -> None:
    if plan_waits:
        message = _("A plan waits for offline servers by itself. Leave the field empty.")
    elif until <= now:
        message = _("The moment until which it would wait is past.")
    elif until > now + limits.OFFLINE_WAIT_MOST:
        message = _("It waits for offline servers for at most %(most)d days.")
        message %= {"most": limits.OFFLINE_WAIT_MOST.days}
    else:
        return
    raise OfflineWaitRefused(message, field="waits_until")

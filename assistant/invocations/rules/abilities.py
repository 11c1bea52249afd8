"""What an agent of a certain age can do (CA-66, CA-129)."""

import re

from assistant.instances.limits import OWN_AGENT
from assistant.invocations.rules.cron import Cron
from assistant.invocations.rules.plans import Plan

# Our agent keeps plans since then.
OWN_WITH_PLANS = (1, 1, 0)
# The reference agent knows intervals, moments, years and zones since then; older ones know plain cron texts.
LINUX_WITH_PLANS = (2, 2, 3, 282)
WINDOWS_WITH_PLANS = (2, 1, 3, 282)
NUMBERS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})*")


def can_carry_out(plan: Plan, *, agent_name: str, agent_version: str, os_type: str) -> bool:
    """Whether an agent understands a plan. Of one whose version nobody knows it is believed."""
    version = version_of(agent_version)
    if not version or not plan.waits:
        return True
    if agent_name == OWN_AGENT:
        return version >= OWN_WITH_PLANS
    if not needs_new_agent(plan):
        return True
    return version >= (WINDOWS_WITH_PLANS if os_type == "windows" else LINUX_WITH_PLANS)


def needs_new_agent(plan: Plan) -> bool:
    if isinstance(plan.schedule, Cron):
        return bool(plan.schedule.years) or plan.zone is not None
    return plan.is_timed


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version; none for what is no version."""
    found = NUMBERS.match(text)
    return tuple(int(number) for number in found[0].split(".")) if found else ()

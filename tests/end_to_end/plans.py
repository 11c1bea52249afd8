"""Plans with times that are too close for people, made and watched in the console's own process.

For `tests.up.hands`, which names them from DEEDS.
"""

import time
from datetime import timedelta

from django.utils import timezone

from access.models import User
from access.operations.identities import principal_for
from access.principals import Door
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations.models import Blackout, Invocation, Record
from assistant.invocations.operations import runs
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.rules.plans import Timing, new_plan, stored_plan
from tests.waiting import PATIENCE_SECONDS

# How often a look is taken at what has become of a plan.
LOOK = 0.1
# How far off the moment of a plan is that runs once: the agent has to hear of it before, however busy all are.
AHEAD = timedelta(seconds=15)


def principal():
    return principal_for(User.objects.get(username="admin"), Door.CONSOLE)


def make(instance, content, frequency="", repeat_mode="", expires_in=0, timeout=10):
    """A plan, through the operation, without its least distances."""
    runs.check_timing = lambda *_what, **_how: None
    now = timezone.now()
    if frequency:
        moment = now.replace(microsecond=0) + AHEAD
        plan = stored_plan("Period", frequency.replace("SOON", f"{moment:%Y-%m-%d %H:%M:%S}"))
    else:
        plan = new_plan(repeat_mode, "", now=now, timeout=timedelta(seconds=timeout))
    made = runs.run_command(
        principal(),
        Instance.objects.get(pk=instance).region,
        Script(content=content, timeout=timeout),
        targets=Instance.objects.filter(pk=instance),
        timing=Timing(plan, now + timedelta(seconds=expires_in) if expires_in else None),
    )
    return made.pk


def stop(invocation):
    return str(stop_invocation(principal(), Invocation.objects.get(pk=invocation)))


def darken():
    now = timezone.now()
    ends_at = now + timedelta(hours=1)
    return Blackout.objects.create(reason="test", created_by="-", starts_at=now, ends_at=ends_at).pk


def lighten(window):
    return Blackout.objects.filter(pk=window).update(ends_at=timezone.now())


def standing(invocation):
    target = Invocation.objects.get(pk=invocation).targets.get()
    columns = ("number", "status", "error_code", "invoke_version", "fired_at", "start")
    records = list(Record.objects.filter(target=target).order_by("number").values(*columns))
    facts = {name: getattr(target, name) for name in ("status", "missed", "left_out", "is_held", "held_for")}
    return {
        **facts,
        "error_code": target.error_code,
        "is_known": target.delivered_at is not None,
        "records": [{**one, "fired_at": one["fired_at"].isoformat()} for one in records],
    }


def watch(invocation, records=0, status=(), is_held=None, is_known=None, ended=0):
    """Wait until so many records are there, so many have ended, and the instance is as said."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = standing(invocation)
        n_ended = sum(one["status"] not in ("Pending", "Running") for one in found["records"])
        if (
            len(found["records"]) >= records
            and n_ended >= ended
            and (not status or found["status"] in status)
            and (is_held is None or found["is_held"] == is_held)
            and (is_known is None or found["is_known"] == is_known)
        ):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(LOOK)


DEEDS = {"make": make, "stop": stop, "darken": darken, "lighten": lighten, "watch": watch}

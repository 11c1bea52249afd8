from datetime import timedelta

from django.utils import timezone

from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.models import Blackout, Target
from assistant.invocations.operations.deliveries import Fetch, list_tasks
from assistant.invocations.operations.reports import record_reports
from assistant.invocations.operations.runs import run_command
from assistant.invocations.rules.plans import Timing, new_plan
from assistant.invocations.rules.reports import Report
from assistant.invocations.rules.terms import Terms
from assistant.invocations.states import ReportKind
from console.kit.clock import to_milliseconds
from tests.instances.factories import InstanceFactory, RegionFactory


def ran(principal, *instances, content="echo hi", username="", **script):
    """A run of a script on these instances (one new one by default), through the operation.

    Whatever the guard asks is confirmed.
    """
    chosen = instances or (InstanceFactory(),)
    region = chosen[0].region if chosen else RegionFactory()
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in chosen])
    wanted = {"targets": targets, "username": username}
    try:
        return run_command(principal, region, Script(content=content, **script), **wanted)
    except ConfirmationNeeded as question:
        timing = Timing(terms=Terms(confirmed=question.digest))
        return run_command(principal, region, Script(content=content, **script), **wanted, timing=timing)


def planned(
    principal, *instances, frequency="", repeat_mode="", expires_at=None, content="echo hi", **script
):
    """A plan for these instances (one new one by default), and its invocation."""
    chosen = instances or (InstanceFactory(),)
    plan = new_plan(repeat_mode, frequency, now=timezone.now(), timeout=timedelta(seconds=60))
    return run_command(
        principal,
        chosen[0].region,
        Script(content=content, **script),
        targets=Instance.objects.filter(pk__in=[instance.pk for instance in chosen]),
        timing=Timing(plan, expires_at),
    )


def blackout(start=timedelta(hours=1), length=timedelta(hours=1), **where):
    """A window that opens `start` from now."""
    begin = timezone.now() + start
    times = {"starts_at": begin, "ends_at": begin + length}
    return Blackout.objects.create(reason="Month end", created_by="olga", **times, **where)


def target_of(invocation, instance=None):
    targets = Target.objects.filter(invocation=invocation)
    return targets.get(instance=instance) if instance else targets.get()


def fetch(target, **how):
    """The target's agent asks for its work."""
    [work] = list_tasks(SYSTEM, [Fetch(target.instance_id, **how)])
    return work


def report(target, kind="finish", **facts):
    """The target's agent reports, and the outcome of it."""
    if kind == "finish":
        facts.setdefault("exit_code", 0)
    said = Report(target.instance_id, target.invocation_id, ReportKind(kind), **facts)
    [outcome] = record_reports(SYSTEM, [said])
    target.refresh_from_db()
    return outcome


def ran_at(target, moment, **facts):
    """The target's agent has run what it keeps a plan of, at this moment of the plan."""
    start = moment + timedelta(milliseconds=20)
    said = {"start": to_milliseconds(start), "started_at": start, "ended_at": start + timedelta(seconds=1)}
    return report(target, **{**said, **facts})


def started(target):
    fetch(target)
    report(target, "running", started_at=timezone.now())
    return target


def fresh(model):
    model.refresh_from_db()
    return model

from django.utils import timezone

from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations.models import Target
from assistant.invocations.operations.deliveries import Fetch, list_tasks
from assistant.invocations.operations.reports import record_reports
from assistant.invocations.operations.runs import run_command
from assistant.invocations.rules.reports import Report
from assistant.invocations.states import ReportKind
from tests.instances.factories import InstanceFactory, RegionFactory


def ran(principal, *instances, content="echo hi", username="", **script):
    """A run of a script on these instances (one new one by default), through the operation."""
    chosen = instances or (InstanceFactory(),)
    region = chosen[0].region if chosen else RegionFactory()
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in chosen])
    return run_command(
        principal, region, Script(content=content, **script), targets=targets, username=username
    )


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


def started(target):
    fetch(target)
    report(target, "running", started_at=timezone.now())
    return target


def fresh(model):
    model.refresh_from_db()
    return model

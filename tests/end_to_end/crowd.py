"""Ten thousand servers that are only rows: for `tests.up.hands`, which names what it does from DEEDS."""

from datetime import timedelta

from django.utils import timezone

from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Activation, Instance, Region
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.reports import record_reports
from assistant.invocations.operations.runs import run_command
from assistant.invocations.rules.plans import Terms, Timing
from assistant.invocations.rules.reports import Report
from assistant.invocations.states import ReportKind
from tests.instances.factories import ActivationFactory, InstanceFactory

NUMBER = 10_000
BATCH = 50
NAME = "crowd"


def begin():
    """The id of a run on all of them."""
    region = Region.objects.get()
    shared = {"region": region, "activation": ActivationFactory(region=region, id=NAME), "channel": ""}
    # Heard of for as long as the test may take, by nobody.
    shared["last_seen_at"] = timezone.now() + timedelta(hours=1)
    rows = [
        InstanceFactory.build(id=f"mi-crowd{n:05}", name=f"{NAME}-{n:05}", machine_id=f"{NAME}-{n}", **shared)
        for n in range(NUMBER)
    ]
    Instance.objects.bulk_create(rows, batch_size=500)
    script, targets = (
        Script(content="uptime", name=NAME, timeout=3600),
        Instance.objects.filter(activation=NAME),
    )
    invocation = confirmed(
        lambda digest: run_command(
            SYSTEM, region, script, targets=targets, timing=Timing(terms=Terms(confirmed=digest))
        )
    )
    return invocation.pk


def confirmed(run):
    """What hits so many is asked about first."""
    try:
        return run("")
    except ConfirmationNeeded as question:
        return run(question.digest)


def report(invocation, number):
    """The first `number` of them begin and end, some differently."""
    ids = Target.objects.filter(invocation=invocation).order_by("pk").values_list("instance_id", flat=True)
    ids = list(ids[:number])
    for start in range(0, len(ids), BATCH):
        record_reports(
            SYSTEM,
            [
                Report(pk, invocation, ReportKind.FINISHED, exit_code=0, body=f"up {n % 3}\n".encode())
                for n, pk in enumerate(ids[start : start + BATCH])
            ],
        )


def end():
    """Leave the house as it was."""
    Invocation.objects.filter(command__name=NAME).delete()
    Instance.objects.filter(activation=NAME).delete()
    Activation.objects.filter(pk=NAME).delete()


DEEDS = {"begin": begin, "report": report, "end": end}

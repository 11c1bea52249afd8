"""Ten thousand servers that are only rows: `python -m tests.end_to_end.crowd begin`, `report`, `end`.

In a process of its own, with the data folder of a house as DATA_DIR: what it does rings at that house.
"""

import os
import sys
from datetime import timedelta

import django

NUMBER = 10_000
BATCH = 50
NAME = "crowd"


def main(word, *arguments):
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    django.setup()
    {"begin": begin, "report": report, "end": end}[word](*arguments)


def begin():
    """Print the id of a run on all of them."""
    from django.utils import timezone

    from access.principals import SYSTEM
    from assistant.commands.operations.scripts import Script
    from assistant.instances.models import Instance, Region
    from assistant.invocations.operations.runs import run_command
    from assistant.invocations.rules.plans import Terms, Timing
    from tests.instances.factories import ActivationFactory, InstanceFactory

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
    print(invocation.pk)


def confirmed(run):
    """What hits so many is asked about first."""
    from assistant.invocations.errors import ConfirmationNeeded

    try:
        return run("")
    except ConfirmationNeeded as question:
        return run(question.digest)


def report(invocation_id, number):
    """The first `number` of them begin and end, some differently."""
    from access.principals import SYSTEM
    from assistant.invocations.models import Target
    from assistant.invocations.operations.reports import record_reports
    from assistant.invocations.rules.reports import Report
    from assistant.invocations.states import ReportKind

    ids = Target.objects.filter(invocation=invocation_id).order_by("pk").values_list("instance_id", flat=True)
    ids = list(ids[: int(number)])
    for start in range(0, len(ids), BATCH):
        record_reports(
            SYSTEM,
            [
                Report(pk, invocation_id, ReportKind.FINISHED, exit_code=0, body=f"up {n % 3}\n".encode())
                for n, pk in enumerate(ids[start : start + BATCH])
            ],
        )


def end():
    """Leave the house as it was."""
    from assistant.instances.models import Activation, Instance
    from assistant.invocations.models import Invocation

    Invocation.objects.filter(command__name=NAME).delete()
    Instance.objects.filter(activation=NAME).delete()
    Activation.objects.filter(pk=NAME).delete()


if __name__ == "__main__":
    main(*sys.argv[1:])

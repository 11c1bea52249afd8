from argparse import ArgumentParser
from typing import Any

from access.principals import Principal
from assistant.invocations.operations.stops import stop_invocation
from console.management.commands._runs import document_of, invocation_named, lines_of
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = "Stop a run on some of its instances, or on all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("invocation", metavar="ID")
        parser.add_argument(
            "--instance", nargs="+", action="extend", default=[], metavar="ID", help="only there"
        )

    def act(
        self, principal: Principal, *, invocation: str, instance: list[str], as_json: bool, **_options: Any
    ) -> None:
        found = invocation_named(principal, invocation)
        targets = found.targets.filter(instance__in=instance) if instance else None
        stopped = stop_invocation(principal, found, targets=targets)
        document = document_of(stopped)
        self.show(document, lambda: lines_of(document), as_json=as_json)

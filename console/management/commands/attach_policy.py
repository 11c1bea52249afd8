from argparse import ArgumentParser
from typing import Any

from access.operations.attachments import attach_policy
from access.principals import Principal
from console.management.doors import DoorCommand
from console.management.people import add_place, place_named, policy_named


class Command(DoorCommand):
    help = "Attach a policy to a user, a group or a role. Twice is once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", metavar="POLICY")
        add_place(parser)

    def act(self, principal: Principal, *, policy: str, as_json: bool, **options: Any) -> None:
        place = place_named(principal, options)
        attach_policy(principal, policy_named(principal, policy), **place)
        [(kind, row)] = place.items()
        document = {"PolicyName": policy, kind.capitalize(): str(row)}
        lines = [f"{policy} is attached to the {kind} {row}."]
        self.show(document, lambda: lines, as_json=as_json)

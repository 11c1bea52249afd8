from argparse import ArgumentParser
from typing import Any

from access.operations.attachments import detach_policy
from access.principals import Principal
from console.management.doors import DoorCommand
from console.management.people import add_place, place_named, policy_named


class Command(DoorCommand):
    help = "Detach a policy from a user, a group or a role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", metavar="POLICY")
        add_place(parser)
        parser.add_argument("--yes", action="store_true", help="also where users lose permissions by it")

    def act(self, principal: Principal, *, policy: str, yes: bool, as_json: bool, **options: Any) -> None:
        place = place_named(principal, options)
        detach_policy(principal, policy_named(principal, policy), **place, confirmed=yes)
        [(kind, row)] = place.items()
        document = {"PolicyName": policy, kind.capitalize(): str(row)}
        lines = [f"{policy} is detached from the {kind} {row}."]
        self.show(document, lambda: lines, as_json=as_json)

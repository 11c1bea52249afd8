from argparse import ArgumentParser
from typing import Any

from access.operations.groups import create_group
from access.principals import Principal
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = "Make a group of users who share policies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def act(self, principal: Principal, *, name: str, as_json: bool, **_options: Any) -> None:
        group = create_group(principal, name)
        self.show({"Name": group.name}, lambda: [f"Group {group.name} is created."], as_json=as_json)

from argparse import ArgumentParser
from typing import Any

from access.operations.groups import add_user_to_group
from access.principals import Principal
from console.management.doors import DoorCommand
from console.management.people import group_named, user_named


class Command(DoorCommand):
    help = "Put a user into a group. Twice is once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument("group", metavar="GROUP")

    def act(self, principal: Principal, *, user: str, group: str, as_json: bool, **_options: Any) -> None:
        add_user_to_group(principal, user_named(principal, user), group_named(principal, group))
        self.show({"User": user, "Group": group}, lambda: [f"{user} is in {group}."], as_json=as_json)

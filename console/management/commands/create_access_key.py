from argparse import ArgumentParser
from typing import Any

from access.operations.access_keys import create_access_key
from access.principals import Principal
from console.management.doors import DoorCommand
from console.management.people import user_named


class Command(DoorCommand):
    help = "Make an access key for a user. Its secret is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")

    def act(self, principal: Principal, *, user: str, as_json: bool, **_options: Any) -> None:
        new = create_access_key(principal, user_named(principal, user))
        document = {"AccessKeyId": new.key.pk, "AccessKeySecret": new.secret}
        lines = [f"Access key ID: {new.key.pk}", f"Access key secret: {new.secret} (shown once)"]
        self.show(document, lambda: lines, as_json=as_json)

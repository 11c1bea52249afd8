from argparse import ArgumentParser
from typing import Any

from access.principals import Principal
from assistant.instances import limits
from assistant.instances.operations.activations import create_activation
from assistant.instances.operations.installing import lines_for
from console.management.doors import DoorCommand, add_region, region_named


class Command(DoorCommand):
    help = "Make an activation code and print the lines with which servers join."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_region(parser)
        parser.add_argument("--name-prefix", default="server", help="servers are called prefix-001 and so on")
        parser.add_argument(
            "--quota", type=int, default=limits.QUOTA_DEFAULT, help="how many servers may join"
        )
        parser.add_argument(
            "--hours", type=int, default=limits.HOURS_DEFAULT, help="how long the code is valid"
        )
        parser.add_argument(
            "--ip-cidr", action="append", default=[], metavar="RANGE", help="only from there; may be repeated"
        )
        parser.add_argument("--description", default="")

    def act(self, principal: Principal, *, as_json: bool, **options: Any) -> None:
        region = region_named(options["region"])
        new = create_activation(
            principal,
            region,
            instance_name=options["name_prefix"],
            instance_count=options["quota"],
            time_to_live_in_hours=options["hours"],
            ip_address_range=options["ip_cidr"],
            description=options["description"],
        )
        activation_id = new.activation.pk
        lines = lines_for(new)
        document = {
            "ActivationId": activation_id,
            "ActivationCode": new.code,
            "Region": region.pk,
            "Install": {line.system: line.line for line in lines},
        }
        for_people = [f"Activation {activation_id}, code {new.code} (shown once)"]
        for_people += [part for line in lines for part in ("", f"{line.label}:", line.line)]
        self.show(document, lambda: for_people, as_json=as_json)

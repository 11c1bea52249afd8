import sys
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _

from access.principals import Principal
from assistant.commands.errors import CommandUnknown
from assistant.commands.rules.catalogue import CommonCommand, catalogue
from assistant.invocations.operations.common_commands import invoke_common_command
from assistant.invocations.states import Overall
from console.management.commands._runs import (
    News,
    add_timing,
    document_of,
    lines_of,
    named_instances,
    timing_of,
)
from console.management.commands.run_command import pairs
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = (
        "Run a common command on instances; list_common_commands says which there are. With --wait, the exit "
        "status is 0 only if it succeeded on all of them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="such as CA-ECS-DiskUsage.sh")
        parser.add_argument("--instance", nargs="+", action="extend", required=True, metavar="ID")
        parser.add_argument(
            "--parameter",
            nargs="+",
            action="extend",
            default=[],
            metavar="KEY=VALUE",
            help="its parameters; the default of each that is not said",
        )
        parser.add_argument("--user", default="", help="the account to run as; the agent's own if not said")
        add_timing(parser)
        parser.add_argument("--wait", action="store_true", help="until it has ended everywhere")

    def act(self, principal: Principal, *, wait: bool, as_json: bool, **options: Any) -> None:
        common = common_named(options["name"])
        region, targets = named_instances(principal, options["instance"])
        timing = timing_of(options, timeout=common.timeout)
        # The ear is open before anything is said: what happens between the two would not be heard.
        with News(is_wanted=wait) as news:
            invocation = invoke_common_command(
                principal,
                common,
                region,
                targets=targets,
                username=options["user"],
                parameters=pairs(options["parameter"]),
                timing=timing,
            )
            if wait:
                news.until_final(invocation)
        document = document_of(invocation)
        self.show(document, lambda: lines_of(document), as_json=as_json)
        if wait and invocation.state is not Overall.SUCCESS:
            sys.exit(1)


def common_named(name: str) -> CommonCommand:
    common = catalogue().get(name)
    if common is None:
        message = _("There is no common command %(name)s. `list_common_commands` says which there are.")
        raise CommandUnknown(message % {"name": name[:128]})
    return common

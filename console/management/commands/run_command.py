import sys
from argparse import ArgumentParser
from typing import Any

from access.principals import Principal
from assistant.commands.limits import TIMEOUT_DEFAULT
from assistant.commands.operations.scripts import Script
from assistant.commands.states import CommandType
from assistant.invocations.models import Invocation
from assistant.invocations.operations.runs import run_command
from assistant.invocations.states import Overall
from console.management.commands._runs import News, document_of, lines_of, named_instances
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = (
        "Run a command on instances. With --wait, the exit status is 0 only if it succeeded on all of them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--instance", nargs="+", action="extend", required=True, metavar="ID")
        parser.add_argument("--content", required=True, metavar="TEXT", help="the command or script")
        parser.add_argument("--type", default=CommandType.SHELL.value, help="RunShellScript if not said")
        parser.add_argument("--timeout", type=int, default=TIMEOUT_DEFAULT, metavar="SECONDS")
        parser.add_argument("--user", default="", help="the account to run as; the agent's own if not said")
        parser.add_argument(
            "--dir", default="", help="the directory to run in; the account's home if not said"
        )
        parser.add_argument("--name", default="", help="what the list of results calls it")
        parser.add_argument("--wait", action="store_true", help="until it has ended everywhere")

    def act(self, principal: Principal, *, wait: bool, as_json: bool, **options: Any) -> None:
        region, targets = named_instances(principal, options["instance"])
        script = Script(
            content=options["content"],
            type=options["type"],
            name=options["name"],
            working_dir=options["dir"],
            timeout=options["timeout"],
        )
        # The ear is open before anything is said: what happens between the two would not be heard.
        with News(is_wanted=wait) as news:
            invocation = run_command(principal, region, script, targets=targets, username=options["user"])
            if wait:
                news.until_final(invocation)
        self.report(invocation, as_json=as_json)
        if wait and invocation.state is not Overall.SUCCESS:
            sys.exit(1)

    def report(self, invocation: Invocation, *, as_json: bool) -> None:
        document = document_of(invocation)
        self.show(document, lambda: lines_of(document), as_json=as_json)

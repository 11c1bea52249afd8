import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from access.principals import Principal
from assistant.commands.limits import TIMEOUT_DEFAULT
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.parameters import Definition
from assistant.commands.states import CommandType
from assistant.invocations.models import Invocation
from assistant.invocations.operations.runs import run_command
from assistant.invocations.states import Overall
from console.kit.errors import InvalidParameter
from console.management.commands._runs import (
    News,
    add_timing,
    document_of,
    lines_of,
    named_instances,
    timing_of,
)
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
        parser.add_argument(
            "--parameter",
            nargs="+",
            action="extend",
            default=[],
            metavar="KEY=VALUE",
            help="what {{KEY}} in the content becomes, as it is, unquoted",
        )
        parser.add_argument(
            "--parameter-file",
            type=Path,
            metavar="FILE",
            help="secret values: a JSON object of names and texts; they are sealed and shown nowhere",
        )
        parser.add_argument(
            "--use-parameters",
            action="store_true",
            help="put in {{ACS::InstanceId}} and the like; the two options above say so too",
        )
        add_timing(parser)
        parser.add_argument("--wait", action="store_true", help="until it has ended everywhere")

    def act(self, principal: Principal, *, wait: bool, as_json: bool, **options: Any) -> None:
        region, targets = named_instances(principal, options["instance"])
        given, secrets = pairs(options["parameter"]), read_values(options["parameter_file"])
        twice = given.keys() & secrets.keys()
        if twice:
            raise InvalidParameter(_("%(name)s is given twice.") % {"name": min(twice)})
        script = Script(
            content=options["content"],
            type=options["type"],
            name=options["name"],
            working_dir=options["dir"],
            timeout=options["timeout"],
            enable_parameter=bool(options["use_parameters"] or given or secrets),
            definitions=tuple(Definition(name, secret=True) for name in secrets),
        )
        timing = timing_of(options, timeout=script.timeout)
        # The ear is open before anything is said: what happens between the two would not be heard.
        with News(is_wanted=wait) as news:
            invocation = run_command(
                principal,
                region,
                script,
                targets=targets,
                username=options["user"],
                parameters=given | secrets,
                timing=timing,
            )
            if wait:
                news.until_final(invocation)
        self.report(invocation, as_json=as_json)
        if wait and invocation.state is not Overall.SUCCESS:
            sys.exit(1)

    def report(self, invocation: Invocation, *, as_json: bool) -> None:
        document = document_of(invocation)
        self.show(document, lambda: lines_of(document), as_json=as_json)


def pairs(said: list[str]) -> dict[str, str]:
    """The values in `KEY=VALUE` words."""
    values: dict[str, str] = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidParameter(_("Say a parameter as KEY=VALUE, not %(word)s.") % {"word": word})
        values[name] = value
    return values


def read_values(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        said = json.loads(path.read_bytes())
    except OSError as error:
        message = _("The file %(path)s cannot be read: %(reason)s.")
        raise InvalidParameter(message % {"path": path, "reason": error.strerror}) from error
    except ValueError as error:
        # Without the reason: it could quote what the file holds.
        raise InvalidParameter(_("The file %(path)s is not JSON.") % {"path": path}) from error
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise InvalidParameter(_("The file %(path)s is not a JSON object of texts.") % {"path": path})
    return said

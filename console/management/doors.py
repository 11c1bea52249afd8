"""The command line's door: parse, call one operation, print."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db.utils import OperationalError, ProgrammingError

from access.operations.identities import principal_named
from access.principals import Door
from assistant.instances.models import Region
from console.kit.errors import ConsoleError, NotFound
from console.passwords import ADMINISTRATOR

NOT_PREPARED = (
    "The database of this console does not answer or is not prepared. "
    "Start `manage.py up` first, or name its data folder with DATA_DIR."
)


class DoorCommand(BaseCommand):
    """A command that acts for a user: `--as`, `--json`, and refusals as a sentence with exit status 1."""

    # They are for a running console, which was checked when it started.
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--as", dest="username", default=ADMINISTRATOR, metavar="USER", help="act for this user"
        )
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print one JSON document, nothing else"
        )
        return parser

    def handle(self, *_args: Any, username: str, **options: Any) -> None:
        try:
            self.act(principal_named(username, Door.COMMAND), **options)
        except ConsoleError as error:
            self.refuse(error.message)
        except (OperationalError, ProgrammingError) as error:
            self.refuse(f"{NOT_PREPARED} ({str(error).strip()})")

    def act(self, *args: Any, **options: Any) -> None:
        """Called with the principal and the command's own options."""
        raise NotImplementedError

    def refuse(self, sentence: str) -> None:
        self.stderr.write(sentence, style_func=str)
        sys.exit(1)

    def show(self, document: Any, lines: Callable[[], list[str]], *, as_json: bool) -> None:
        """Print the document for programs, or the lines for people."""
        if as_json:
            self.stdout.write(json.dumps(document, indent=1))
        else:
            self.stdout.write("\n".join(lines()))


def add_region(parser: ArgumentParser) -> None:
    parser.add_argument("--region", default="", metavar="ID", help="the first one, if there are several")


def region_named(region_id: str) -> Region:
    regions = Region.objects.order_by("pk")
    region = regions.filter(pk=region_id).first() if region_id else regions.first()
    if region is None:
        known = ", ".join(regions.values_list("pk", flat=True))
        raise NotFound(f"There is no region {region_id!r}; say one of: {known}.")
    return region

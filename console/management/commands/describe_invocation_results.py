from argparse import ArgumentParser
from typing import Any

from access.principals import Principal
from console.management.commands._runs import News, document_of, invocation_named, lines_of
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = "Show what came of a run, on every instance."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("invocation", metavar="ID")
        parser.add_argument("--wait", action="store_true", help="until it has ended everywhere")

    def act(
        self, principal: Principal, *, invocation: str, wait: bool, as_json: bool, **_options: Any
    ) -> None:
        with News(is_wanted=wait) as news:
            found = invocation_named(principal, invocation)
            if wait:
                news.until_final(found)
        document = document_of(found)
        self.show(document, lambda: lines_of(document), as_json=as_json)

from argparse import ArgumentParser
from typing import Any

from access.operations.decisions import authorize_look
from access.principals import Principal
from assistant.commands.rules.catalogue import CATEGORIES, SYSTEMS, CommonCommand, catalogue, matching
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = "List the common commands that come with the console; run_common_command runs one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--text", default="", help="only those with these words in name or description")
        parser.add_argument("--category", default="", choices=list(CATEGORIES))
        parser.add_argument("--system", default="", choices=list(SYSTEMS))

    def act(self, principal: Principal, *, as_json: bool, **options: Any) -> None:
        authorize_look(principal, "ecs:DescribeCommands")
        rows = matching(
            catalogue().values(),
            text=options["text"],
            category=options["category"],
            system=options["system"],
        )
        self.show([document_of(row) for row in rows], lambda: [line(row) for row in rows], as_json=as_json)


def document_of(common: CommonCommand) -> dict[str, Any]:
    return {
        "Name": common.name,
        "Title": common.title,
        "Description": common.description,
        "Category": common.category,
        "Provider": common.provider,
        "Version": common.version,
        "Type": common.type.value,
        "Systems": list(common.systems),
        "Timeout": common.timeout,
        "NeedsRoot": common.needs_root,
        "Changes": common.changes,
        "ParameterDefinitions": [definition.document() for definition in common.parameters],
    }


def line(common: CommonCommand) -> str:
    changes = "changes" if common.changes else "looks"
    return f"{common.name:<36}  {common.category:<12}  {changes:<8}  {common.title}"

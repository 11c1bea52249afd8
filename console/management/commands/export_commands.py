from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from access.principals import Principal
from assistant.commands.errors import CommandUnknown
from assistant.commands.models import Command as SavedCommand
from assistant.commands.operations.bundles import export_commands
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.rules.archives import packed
from assistant.commands.rules.bundles import MANIFEST, SCRIPTS, TYPES
from console.kit.errors import Conflict, Unavailable
from console.management.doors import DoorCommand, add_region, region_named


class Command(DoorCommand):
    help = (
        "Write saved commands as files: a folder for version control, or a ZIP. Values of secret parameters "
        "are never among them. import_commands reads both."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_region(parser)
        parser.add_argument(
            "output", type=Path, metavar="PATH", help="a new file that ends in .zip, or a folder"
        )
        parser.add_argument(
            "--command",
            nargs="+",
            action="extend",
            default=[],
            metavar="ID",
            help="only these; all of the region if not said",
        )
        parser.add_argument("--text", default="", help="only those with this in name or description")

    def act(self, principal: Principal, *, as_json: bool, output: Path, **options: Any) -> None:
        chosen = SavedCommand.objects.visible_to(principal).kept()
        if options["region"] or not options["command"]:
            chosen = chosen.filter(region=region_named(options["region"]))
        if options["command"]:
            chosen = named(chosen, options["command"])
        files = export_commands(principal, chosen.search(options["text"]) if options["text"] else chosen)
        try:
            write(output, files)
        except OSError as error:
            raise Unavailable(f"{output} cannot be written: {error.strerror}.") from error
        n_commands = len(files) - 1
        document = {"Path": str(output), "Commands": n_commands, "Files": sorted(files)}
        self.show(document, lambda: [f"Commands in {output}: {n_commands}."], as_json=as_json)


def named(visible: CommandQuerySet, command_ids: list[str]) -> CommandQuerySet:
    chosen = visible.filter(pk__in=command_ids)
    missing = set(command_ids) - set(chosen.values_list("pk", flat=True))
    if missing:
        message = _("There is no command %(ids)s.") % {"ids": ", ".join(sorted(missing))}
        raise CommandUnknown(message)
    return chosen


def write(output: Path, files: dict[str, bytes]) -> None:
    """Readable by their owner alone. A script that no command names any more is taken away, nothing else."""
    if output.suffix.lower() == ".zip":
        if output.exists():
            raise Conflict(f"{output} is there already. Take it away first, or say another name.")
        output.touch(mode=0o600)
        output.write_bytes(packed(files))
        return
    if output.is_dir() and any(output.iterdir()) and not (output / MANIFEST).is_file():
        raise Conflict(f"{output} is a folder of something else: there is no {MANIFEST} in it.")
    scripts = output / SCRIPTS
    scripts.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in scripts.iterdir():
        if path.suffix in TYPES and path.is_file() and f"{SCRIPTS}/{path.name}" not in files:
            path.unlink()
    for name, content in files.items():
        (output / name).write_bytes(content)

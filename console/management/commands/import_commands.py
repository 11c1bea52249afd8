from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from access.principals import Principal
from assistant.commands import limits
from assistant.commands.operations.bundles import ImportPlan, Planned, import_commands, plan_import
from assistant.commands.rules.archives import unpacked
from assistant.commands.rules.bundles import MANIFEST, TYPES, read
from console.kit.errors import InvalidParameter, Unavailable
from console.management.doors import DoorCommand, add_region, region_named


class Command(DoorCommand):
    help = (
        "Save the commands of a folder or a ZIP, as export_commands writes them: all of them or none. Those "
        "that are there already, by name, type and content, are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_region(parser)
        parser.add_argument(
            "input", type=Path, metavar="PATH", help=f"a ZIP, or a folder with {MANIFEST} in it"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be created, and create nothing"
        )
        parser.add_argument(
            "--again", action="store_true", help="create also those that are there already, once more"
        )

    def act(self, principal: Principal, *, as_json: bool, dry_run: bool, again: bool, **options: Any) -> None:
        region = region_named(options["region"])
        try:
            entries = read(files_of(options["input"]))
        except OSError as error:
            raise Unavailable(f"{options['input']} cannot be read: {error.strerror}.") from error
        plan = plan_import(principal, region, entries)
        created = [] if dry_run else import_commands(principal, region, entries, with_doubled=again)
        document = {
            "Created": [command.pk for command in created],
            "Commands": [document_of(one, again=again) for one in plan.planned],
        }
        lines = [line(one, again=again) for one in plan.planned]
        self.show(document, lambda: [*lines, summary(plan, len(created), dry_run=dry_run)], as_json=as_json)
        if plan.faulty:
            self.refuse("Nothing can be imported until the file is right.")


def files_of(place: Path) -> dict[str, bytes]:
    """A ZIP's files, or those of a folder that could belong to a bundle."""
    if not place.is_dir():
        with place.open("rb") as stream:
            return unpacked(stream.read(limits.BUNDLE_BYTES + 1))
    wanted = [path for path in sorted(place.rglob("*")) if is_wanted(path.relative_to(place), path)]
    if sum(path.stat().st_size for path in wanted) > limits.BUNDLE_BYTES_UNPACKED:
        raise InvalidParameter(f"{place} holds more than {limits.BUNDLE_BYTES_UNPACKED} bytes of scripts.")
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in wanted}


def is_wanted(name: Path, path: Path) -> bool:
    """No links, which may lead anywhere, and nothing of version control itself."""
    is_hidden = any(part.startswith(".") for part in name.parts)
    is_of_bundle = name.name == MANIFEST or name.suffix.lower() in TYPES
    return is_of_bundle and not is_hidden and path.is_file() and not path.is_symlink()


def outcome(one: Planned, *, again: bool) -> str:
    if one.fault:
        return "wrong"
    return "exists" if one.same_as and not again else "new"


def document_of(one: Planned, *, again: bool) -> dict[str, Any]:
    return {
        "File": one.entry.file,
        "Name": one.entry.name,
        "Outcome": outcome(one, again=again),
        "Fault": one.fault,
        "SameAs": one.same_as.pk if one.same_as else None,
        "DiffersIn": list(one.differs_in),
    }


def line(one: Planned, *, again: bool) -> str:
    said = one.fault
    if one.same_as:
        differs = f", not the same: {', '.join(one.differs_in)}" if one.differs_in else ""
        said = f"{one.same_as.pk}{differs}"
    return f"{outcome(one, again=again):<8}{one.entry.file}  {one.entry.name}  {said}".rstrip()


def summary(plan: ImportPlan, n_created: int, *, dry_run: bool) -> str:
    if dry_run:
        return f"Dry run: {len(plan.new)} new, {len(plan.doubled)} exist, {len(plan.faulty)} wrong."
    return f"Commands created: {n_created}."

"""Commands as files on the command line: `export_commands` and `import_commands`."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from assistant.commands.models import Command
from assistant.commands.rules.bundles import MANIFEST
from tests.commands.factories import saved
from tests.instances.factories import RegionFactory

pytestmark = pytest.mark.django_db


def said(name, *arguments, **options):
    """What a command prints; its status where it refuses."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *map(str, arguments), stdout=out, stderr=err, username="olga", **options)
    except SystemExit as end:
        return f"{end.code}: {err.getvalue()}"
    return out.getvalue()


def test_a_folder_is_written_and_read(olga, tmp_path):
    saved(olga, "uptime\n", name="Uptime")
    folder = tmp_path / "commands"

    said("export_commands", folder)
    Command.objects.update(kept=False)
    answer = said("import_commands", folder)

    assert (folder / "scripts" / "uptime.sh").read_text() == "uptime\n"
    assert "Commands created: 1." in answer
    assert Command.objects.kept().get().content == "uptime\n"


def test_a_folder_is_kept_up_to_date(olga, tmp_path):
    command = saved(olga, name="old")
    said("export_commands", tmp_path)
    (tmp_path / "README.md").write_text("ours")
    Command.objects.filter(pk=command.pk).update(name="new")

    said("export_commands", tmp_path)

    assert [path.name for path in (tmp_path / "scripts").iterdir()] == ["new.sh"]
    assert (tmp_path / "README.md").exists()


def test_a_folder_of_something_else_is_not_touched(olga, tmp_path):
    saved(olga)
    (tmp_path / "thesis.txt").write_text("mine")

    assert "folder of something else" in said("export_commands", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_zip_is_written_for_its_owner_alone_and_once(olga, tmp_path):
    saved(olga, name="one")
    file = tmp_path / "commands.zip"

    document = json.loads(said("export_commands", file, as_json=True))

    assert document["Commands"] == 1
    assert file.stat().st_mode & 0o077 == 0
    assert "is there already" in said("export_commands", file)
    assert "1 exist" in said("import_commands", file, dry_run=True)


@pytest.mark.parametrize(
    ("options", "names"),
    [({}, ["one", "two"]), ({"text": "tw"}, ["two"]), ({"command": ["c-none"]}, None)],
)
def test_which_commands_are_written(olga, tmp_path, options, names):
    saved(olga, name="one")
    saved(olga, name="two")

    answer = said("export_commands", tmp_path, **options)

    if names is None:
        assert answer.startswith("1: There is no command c-none")
    else:
        commands = json.loads((tmp_path / MANIFEST).read_text())["Commands"]
        assert [one["Name"] for one in commands] == names


def test_a_dry_run_says_what_would_be_and_does_nothing(olga, tmp_path):
    RegionFactory()
    put(tmp_path, {"Name": "one", "File": "one.sh"})

    document = json.loads(said("import_commands", tmp_path, dry_run=True, as_json=True))

    assert (document["Created"], document["Commands"][0]["Outcome"]) == ([], "new")
    assert not Command.objects.exists()


def test_a_fault_is_a_refusal(olga, tmp_path):
    RegionFactory()
    put(tmp_path, {"Name": "one", "File": "two.sh"})

    assert "There is no file two.sh." in said("import_commands", tmp_path)
    assert "Nothing can be imported" in said("import_commands", tmp_path, dry_run=True)
    assert not Command.objects.exists()


def test_a_link_leads_nowhere(olga, tmp_path):
    RegionFactory()
    put(tmp_path, {"Name": "one", "File": "link.sh"})
    (tmp_path / "link.sh").symlink_to("/etc/hostname")

    assert "There is no file link.sh." in said("import_commands", tmp_path)


def test_what_is_not_there_cannot_be_read(olga, tmp_path):
    RegionFactory()

    assert "cannot be read" in said("import_commands", tmp_path / "none.zip")


def test_what_exists_is_created_again_on_demand(olga, tmp_path):
    saved(olga, "uptime", name="one")
    said("export_commands", tmp_path)

    assert "Commands created: 0." in said("import_commands", tmp_path)
    assert "Commands created: 1." in said("import_commands", tmp_path, again=True)


def put(folder: Path, *commands):
    manifest = {"Format": "cloud-assistant-commands/1", "Commands": list(commands)}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / "one.sh").write_text("uptime\n")

"""`manage.py export_audit` and `verify_audit`."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command

from access.filters.audit import AuditSearch
from access.models import AuditEntry, User
from access.operations.audit import append, entry
from access.operations.trail import export_entries
from access.principals import Door, Principal

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


@pytest.fixture
def trail():
    User.objects.create_superuser("admin")
    who = Principal(name="olga", door=Door.CONSOLE)
    append([entry(who, "ecs:RunCommand", f"t-{n}", {"n": n, "text": "=é"}) for n in range(1, 20)])


@pytest.fixture(params=["jsonl", "csv"])
def exported(trail, tmp_path, request):
    """A whole export in a file, and its lines."""
    path = tmp_path / f"audit.{request.param}"
    call_command("export_audit", "--format", request.param, "--output", str(path))
    return path


class Said(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def verify(*words):
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", *map(str, words), stdout=out, stderr=err)
    except SystemExit as end:
        return Said(end.code, out.getvalue(), err.getvalue())
    return Said(0, out.getvalue(), err.getvalue())


def verify_elsewhere(*words, text=None):
    """As a stranger would: a process of its own, that has no data folder and no database."""
    surroundings = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": "/nonexistent",
        "DATABASE_URL": "postgresql://nowhere/x",
    }
    command = [sys.executable, ROOT / "manage.py", "verify_audit", *words]
    return subprocess.run(
        command, check=False, env=surroundings, input=text, capture_output=True, text=True, cwd="/"
    )


def test_what_was_exported_is_verified_elsewhere(exported):
    assert exported.stat().st_mode & 0o777 == 0o600
    done = verify_elsewhere(exported)

    # The export itself is the twentieth.
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ok: entries 1 to 20, none changed and none missing." in done.stdout
    head = re.search(r"entry 20 elsewhere: ([0-9a-f]{64})", done.stdout)[1]
    assert head == AuditEntry.objects.get(number=20).hash


def changed(path, old, new, count=1):
    path.write_bytes(path.read_bytes().replace(old, new, count))


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def place_of(path, number):
    """The line of an entry: a table has a head."""
    return number if path.suffix == ".csv" else number - 1


def without(path, *numbers):
    lines = lines_of(path)
    gone = {place_of(path, number) for number in numbers}
    path.write_bytes(b"".join(line for at, line in enumerate(lines) if at not in gone))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: changed(path, b"olga", b"eve"), "Entry 1 was changed"),
        (lambda path: without(path, 7), "Entry 7 is missing."),
        (lambda path: without(path, 7, 8), "Entries 7 to 8 are missing."),
        (lambda path: without(path, 20), "holds 19 entries and not the 20"),
        (lambda path: without(path, 21), "cut off after entry 20"),
        (lambda path: path.write_bytes(path.read_bytes()[:-400]), "cut off"),
        (lambda path: path.write_bytes(path.read_bytes() + lines_of(path)[2]), "after its last line"),
        (lambda path: changed(path, b"ecs:RunCommand", b"ecs:\xff"), "no text in UTF-8"),
        (lambda path: path.write_text("dear diary"), "no export"),
        (lambda path: path.write_text(""), "no export"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(exported, damage, sentence):
    damage(exported)

    done = verify(exported)

    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_swapped_entries_are_named(exported):
    lines = lines_of(exported)
    at = place_of(exported, 4)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    exported.write_bytes(b"".join(lines))

    assert "Entry 4 stands after entry 5: swapped" in verify(exported).stderr


def test_a_noted_hash_is_found_or_not(exported):
    noted = AuditEntry.objects.get(number=5).hash

    assert "The noted hash is that of entry 5" in verify(exported, "--against", noted).stdout
    refused = verify(exported, "--against", "0" * 64)
    assert refused.returncode == 1
    assert "No entry has the noted hash" in refused.stderr


def test_the_standard_streams_do_as_well(trail, capsys):
    call_command("export_audit")

    done = verify_elsewhere("-", text=capsys.readouterr().out)

    assert "Ok: entries 1 to 20" in done.stdout


def test_parts_are_verified_as_one_chain(trail, tmp_path):
    from access.operations.identities import principal_named

    paths = []
    for after in (0, 10):
        entries = AuditEntry.objects.filter(number__gt=after)
        lines = export_entries(
            principal_named("admin", Door.COMMAND), entries, "jsonl", filters={}, said={}, most=10
        )
        paths.append(tmp_path / f"{after}.jsonl")
        paths[-1].write_text("".join(lines))

    done = verify(*paths)

    assert "Ok: entries 1 to 20" in done.stdout
    assert "This part ends after 10 entries. The next one begins after entry 10" in done.stdout
    assert "stands after entry 20" in verify(*reversed(paths)).stderr


def test_a_filtered_export_is_said_to_be_one(trail, tmp_path):
    from access.operations.identities import principal_named

    search = AuditSearch(text="t-1")
    lines = export_entries(
        principal_named("admin", Door.COMMAND),
        search.whole(AuditEntry.objects.all()),
        "jsonl",
        filters=search.filters,
        said=search.said,
    )
    (tmp_path / "some.jsonl").write_text("".join(lines))

    done = verify(tmp_path / "some.jsonl")

    assert done.returncode == 0
    assert "Ok, a filtered export: 12 entries between 1 and 20" in done.stdout
    assert "whether any is missing cannot be said" in done.stdout


def test_a_time_is_a_piece_of_the_chain(trail, tmp_path, capsys):
    path = tmp_path / "none.jsonl"
    call_command("export_audit", "--to", "2020-01-01", "--output", str(path), "--json")

    assert json.loads(capsys.readouterr().out)["entries"] == 0
    assert "No entry of the chain" in verify(path).stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--output", "/nonexistent/file"], "cannot be written"),
        (["--as", "nobody"], "nobody"),
    ],
)
def test_a_refusal_is_a_sentence(trail, words, sentence, capsys):
    with pytest.raises(SystemExit):
        call_command("export_audit", *words)

    assert sentence in capsys.readouterr().err


def test_who_may_not_look_it_up_exports_nothing(trail, tmp_path, capsys):
    User.objects.create_user("rita")
    with pytest.raises(SystemExit):
        call_command("export_audit", "--as", "rita", "--output", str(tmp_path / "file"))

    assert "actiontrail:LookupEvents" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

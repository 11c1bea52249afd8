"""Commands as files: written, packed, read again, imported; and what is refused."""

import io
import json
import stat
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from access.models import AuditEntry, Quota
from assistant.commands import limits
from assistant.commands.errors import BundleBroken, CommandUnknown
from assistant.commands.models import Command
from assistant.commands.operations.bundles import entry_of, export_commands, import_commands, plan_import
from assistant.commands.rules.archives import packed, unpacked
from assistant.commands.rules.bundles import FORMAT, MANIFEST, read, written
from assistant.commands.rules.parameters import Definition
from console.kit.errors import InvalidParameter, NotAllowed, QuotaExceeded
from tests.commands.factories import saved
from tests.instances.factories import RegionFactory

SITE = Definition(
    "Site", description="Which one", required=True, default="one", possible_values=("one", "two")
)
TOKEN = Definition("token", description="Of the service", secret=True)

pytestmark = pytest.mark.django_db


@pytest.fixture
def region():
    return RegionFactory()


def bundle(*commands, **scripts):
    """The files of a bundle with these manifest entries; scripts by their path's stem."""
    files = {f"scripts/{stem}.sh": content.encode() for stem, content in scripts.items()}
    said = [{"Name": "one", "File": "scripts/one.sh", **command} for command in commands]
    return files | {MANIFEST: json.dumps({"Format": FORMAT, "Commands": said}).encode()}


def zipped(files, **how):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def manifest_in(files):
    return json.loads(files[MANIFEST])


# --- Written ---


def test_each_script_is_a_file_and_one_says_what_they_are(olga):
    saved(olga, "nginx -s reload\n", name="Reload the web server", description="After a change", timeout=90)

    files = export_commands(olga, Command.objects.all())

    assert files["scripts/reload-the-web-server.sh"] == b"nginx -s reload\n"
    assert manifest_in(files) == {
        "Format": FORMAT,
        "Commands": [
            {
                "File": "scripts/reload-the-web-server.sh",
                "Name": "Reload the web server",
                "Description": "After a change",
                "Type": "RunShellScript",
                "WorkingDir": "",
                "Timeout": 90,
                "EnableParameter": False,
            }
        ],
    }
    assert files[MANIFEST].decode().count("\n") > 10


@pytest.mark.parametrize(
    ("content", "kind", "name", "path"),
    [
        ("x", "RunShellScript", "Web: Reload!", "scripts/web-reload.sh"),
        ("#!/usr/bin/env python3\nx", "RunShellScript", "a", "scripts/a.py"),
        ("#!/usr/bin/env perl\nx", "RunShellScript", "a", "scripts/a.pl"),
        ("x", "RunBatScript", "a", "scripts/a.bat"),
        ("x", "RunPowerShellScript", "a", "scripts/a.ps1"),
        ("x", "RunShellScript", "../../etc/passwd", "scripts/etcpasswd.sh"),
        ("x", "RunShellScript", "日本", "scripts/command.sh"),
        ("x", "RunShellScript", "n" * 128, f"scripts/{'n' * 60}.sh"),
    ],
)
def test_what_a_script_is_called(olga, content, kind, name, path):
    command = saved(olga, content, type=kind, name=name)

    assert path in written([entry_of(command)])


def test_names_that_collide_keep_their_files_when_another_comes(olga):
    saved(olga, "first", name="same")
    saved(olga, "second", name="Same")
    before = export_commands(olga, Command.objects.all())

    saved(olga, "third", name="same!")
    after = export_commands(olga, Command.objects.all())

    assert (before["scripts/same.sh"], before["scripts/same-2.sh"]) == (b"first", b"second")
    assert {name: after[name] for name in before if name != MANIFEST} == {
        name: content for name, content in before.items() if name != MANIFEST
    }


def test_the_same_commands_are_the_same_bytes(olga):
    saved(olga, name="b")
    saved(olga, name="a")

    first, second = (packed(export_commands(olga, Command.objects.all())) for _time in range(2))

    assert first == second


def test_no_value_of_a_secret_is_in_it(olga):
    command = saved(olga, "{{Site}} {{token}}", enable_parameter=True, definitions=(SITE, TOKEN))
    # As no operation would write it.
    command.parameter_definitions[1] |= {"DefaultValue": "hunter2", "PossibleValues": ["hunter2"]}
    command.save()

    files = export_commands(olga, Command.objects.all())

    assert b"hunter2" not in b"".join(files.values())
    [said] = manifest_in(files)["Commands"]
    assert said["ParameterDefinitions"][1] == {
        "ParameterName": "token",
        "Description": "Of the service",
        "Required": False,
        "Secret": True,
    }


def test_an_export_is_remembered_with_each_command(olga):
    command = saved(olga, name="one")

    export_commands(olga, Command.objects.all())

    assert AuditEntry.objects.filter(action="ecs:ExportCommands", resource=command.pk).count() == 1


def test_nothing_is_no_file(olga, region):
    with pytest.raises(CommandUnknown):
        export_commands(olga, Command.objects.all())


def test_one_that_may_not_be_seen_is_not_exported(olga, somebody):
    mine, other = saved(olga, name="mine"), saved(olga, name="other")
    paul = somebody(
        "paul",
        {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": f"acs:ecs:local:*:command/{mine.pk}"},
    )

    with pytest.raises(NotAllowed):
        export_commands(paul.principal, Command.objects.all())
    sent = paul.client.post("/console/commands/export/", {"command": [mine.pk, other.pk]})
    assert [said["Name"] for said in manifest_in(unpacked(sent.content))["Commands"]] == ["mine"]


# --- There and back ---


def test_what_is_exported_is_imported_as_it_was(olga, region):
    saved(olga, "tar {{Site}}\n{{token}}", enable_parameter=True, definitions=(SITE, TOKEN), timeout=300)
    saved(olga, "dir\r\n", type="RunBatScript", name="list", working_dir="C:\\srv")
    before = [entry_of(command) for command in Command.objects.order_by("created_at")]
    file = packed(export_commands(olga, Command.objects.all()))
    Command.objects.update(kept=False)

    import_commands(olga, region, read(unpacked(file)))

    after = [entry_of(command) for command in Command.objects.kept()]
    assert sorted(after, key=str) == sorted(before, key=str)


def test_what_is_there_already_is_left_out(olga, region):
    saved(olga, "echo hi", name="one", timeout=60)
    entries = read(bundle({}, {"Name": "two"}, one="echo hi\r\n"))

    plan = plan_import(olga, region, entries)
    created = import_commands(olga, region, entries)
    again = import_commands(olga, region, entries)

    assert [len(plan.new), len(plan.doubled), len(plan.faulty)] == [1, 1, 0]
    assert [command.name for command in created] == ["two"]
    assert again == []


def test_what_is_there_already_is_created_once_more_on_demand(olga, region):
    first = saved(olga, "echo hi", name="one")

    [second] = import_commands(olga, region, read(bundle({}, one="echo hi")), with_doubled=True)

    assert (second.name, second.content, second.version) == (first.name, first.content, 1)
    assert second.pk != first.pk


@pytest.mark.parametrize(
    ("said", "differs"),
    [
        ({}, ()),
        ({"Timeout": 61}, ("timeout",)),
        ({"Description": "d", "WorkingDir": "/srv"}, ("description", "directory")),
        ({"EnableParameter": True}, ("parameters",)),
    ],
)
def test_a_preview_says_what_of_the_same_command_is_not_the_same(olga, region, said, differs):
    command = saved(olga, "echo hi", name="one")

    [one] = plan_import(olga, region, read(bundle(said, one="echo hi"))).planned

    assert (one.same_as, one.differs_in) == (command, differs)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.sh", "RunShellScript"),
        ("a.py", "RunShellScript"),
        ("a.BAT", "RunBatScript"),
        ("a.ps1", "RunPowerShellScript"),
        ("a", "RunShellScript"),
    ],
)
def test_a_type_that_is_not_said_is_that_of_the_file(path, kind):
    said = {"Format": FORMAT, "Commands": [{"File": path, "Name": "a"}]}

    [entry] = read({MANIFEST: json.dumps(said).encode(), path: b"x"})

    assert (entry.type, entry.timeout, entry.fault) == (kind, limits.TIMEOUT_DEFAULT, "")


def test_a_folder_around_it_and_what_systems_add_does_not_count(olga):
    files = {f"web-main/{name}": content for name, content in bundle({}, one="x").items()}
    files |= {"web-main/README.md": b"", "web-main/.git/hooks/a.sh": b"", "__MACOSX/web-main/._one.sh": b""}

    [entry] = read(unpacked(zipped(files)))

    assert (entry.file, entry.content, entry.fault) == ("scripts/one.sh", "x", "")


def test_the_mark_that_editors_of_windows_put_in_front_is_taken_off():
    files = {name: b"\xef\xbb\xbf" + content for name, content in bundle({}, one="#!/bin/sh\n").items()}

    assert read(files)[0].content == "#!/bin/sh\n"


# --- Refused ---


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"Name": ""}, "Name is missing"),
        ({"Name": 1}, "Name has to be a text"),
        ({"Name": "a\ud800"}, "characters that no text has"),
        ({"Name": "n" * 129}, "At most 128"),
        ({"Name": "a\nb"}, "control characters"),
        ({"Colour": "red"}, "There is no Colour"),
        ({"File": "scripts/none.sh"}, "There is no file scripts/none.sh"),
        ({"File": "../one.sh"}, "There is no file"),
        ({"Type": "RunRubyScript"}, "no command type RunRubyScript"),
        ({"Timeout": True}, "a whole number"),
        ({"Timeout": 86401}, "at most 86400"),
        ({"EnableParameter": "yes"}, "true or false"),
        ({"ParameterDefinitions": [{"ParameterName": "a"}]}, "does not use parameters"),
        ({"EnableParameter": True, "ParameterDefinitions": [{"ParameterName": "a"}]}, "no parameter a"),
        ({"ParameterDefinitions": {}}, "a list"),
        ({"ParameterDefinitions": ["a"]}, "an object"),
        ({"ParameterDefinitions": [{"Secret": True}]}, "ParameterName is missing"),
        ({"ParameterDefinitions": [{"ParameterName": "a", "PossibleValues": [1]}]}, "a text"),
    ],
)
def test_an_entry_that_cannot_be_taken_says_why_and_nothing_is_imported(olga, region, said, fault):
    entries = read(bundle({"Name": "good"}, said, one="echo"))

    [one] = plan_import(olga, region, entries).faulty

    assert fault in one.fault
    with pytest.raises(BundleBroken, match="Nothing was imported"):
        import_commands(olga, region, entries)
    assert not Command.objects.exists()


def test_a_secret_with_a_value_is_refused(olga, region):
    secret = {"ParameterName": "a", "Secret": True, "DefaultValue": "hunter2"}
    entries = read(bundle({"EnableParameter": True, "ParameterDefinitions": [secret]}, one="{{a}}"))

    [one] = plan_import(olga, region, entries).faulty

    assert "secret" in one.fault
    assert "hunter2" not in one.fault


@pytest.mark.parametrize("content", ["", " \n", "x\x00", "x" * 13_000])
def test_a_script_that_cannot_be_saved_cannot_be_imported(olga, region, content):
    plan = plan_import(olga, region, read(bundle({}, one=content)))

    assert len(plan.faulty) == 1


def test_a_script_that_no_entry_names_is_not_passed_over():
    entries = read(bundle({}, one="x", two="y"))

    assert [(entry.file, bool(entry.fault)) for entry in entries] == [
        ("scripts/one.sh", False),
        ("scripts/two.sh", True),
    ]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({}, "no commands.json"),
        ({"a/b/commands.json": b"{}"}, "no commands.json"),
        ({"a/commands.json": b"{}", "b/commands.json": b"{}"}, "more than one"),
        ({MANIFEST: b"{"}, "no JSON"),
        ({MANIFEST: b"\xff"}, "no JSON"),
        ({MANIFEST: b"[" * 100_000}, "no JSON"),
        ({MANIFEST: b"[]"}, "does not begin"),
        ({MANIFEST: b'{"Format": "other/1"}'}, "does not begin"),
        ({MANIFEST: b'{"Format": "cloud-assistant-commands/1"}'}, "names no commands"),
        ({MANIFEST: b'{"Format": "cloud-assistant-commands/1", "Commands": []}'}, "names no commands"),
        (bundle(*[{}] * 501), "at most 500"),
    ],
)
def test_what_is_no_bundle(files, fault):
    with pytest.raises(BundleBroken, match=fault):
        read(files)


def linked():
    member = zipfile.ZipInfo("scripts/one.sh")
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return zipped({MANIFEST: b"{}", member: b"/etc/passwd"})


def with_flags(content, flags):
    """The archive with these flags on its only member, as an encrypted one has them."""
    place = content.index(b"PK\x01\x02")
    return content[: place + 8] + bytes([flags]) + content[place + 9 :]


ZEROS = b"\0" * 1024 * 1024


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (lambda: b"", "no ZIP"),
        (lambda: b"PK\x03\x04 and more", "no ZIP"),
        (lambda: zipped({MANIFEST: b"{}"})[:-30], "no ZIP"),
        (lambda: zipped({MANIFEST: b"x" * 90}).replace(b"x" * 90, b"y" * 90), "no ZIP"),
        (lambda: zipped({"../commands.json": b""}), "leads elsewhere"),
        (lambda: zipped({"/etc/passwd": b""}), "leads elsewhere"),
        (lambda: zipped({"..\\commands.json": b""}), "leads elsewhere"),
        (lambda: zipped({"C:/commands.json": b""}), "leads elsewhere"),
        (lambda: zipped({"a\nb.sh": b""}), "leads elsewhere"),
        (lambda: zipped({"a" * 300: b""}), "leads elsewhere"),
        (lambda: linked(), "is a link"),
        (lambda: with_flags(zipped({MANIFEST: b"{}"}), 1), "encrypted"),
        (lambda: zipped({MANIFEST: b"{}"}, compression=zipfile.ZIP_BZIP2), "packed in a way"),
        (lambda: zipped({MANIFEST: b"{}"}, compression=zipfile.ZIP_LZMA), "packed in a way"),
        (lambda: zipped({f"{n}.sh": b"" for n in range(2001)}), "more than 2000"),
        (
            lambda: zipped({f"{n}.sh": ZEROS for n in range(9)}, compression=zipfile.ZIP_DEFLATED),
            "larger than 8 MB",
        ),
        (lambda: b"PK" + ZEROS, "larger than 1024 KB"),
    ],
)
def test_an_archive_that_is_not_trusted(made, fault):
    content = made()

    with pytest.raises(BundleBroken, match=fault):
        unpacked(content)


def test_a_member_that_lies_about_its_size_gets_no_more_than_it_said():
    bomb = zipped({"a.sh": ZEROS}, compression=zipfile.ZIP_DEFLATED)
    place = bomb.index(b"PK\x01\x02") + 24
    lying = bomb[:place] + (10).to_bytes(4, "little") + bomb[place + 4 :]

    with pytest.raises(BundleBroken, match="no ZIP"):
        unpacked(lying)


def test_two_files_of_one_name_are_refused():
    twice = zipped({"a.sh": b"", "b.sh": b""}).replace(b"b.sh", b"a.sh")

    with pytest.raises(BundleBroken, match="one name"):
        unpacked(twice)


# --- Quota, permission ---


def test_the_quota_counts_for_all_of_a_file_at_once(olga, region):
    Quota.objects.create(name="max-axt-command-count", region_id=region.pk, value=2)
    entries = read(bundle(*({"Name": f"c{n}"} for n in range(3)), one="x"))

    assert plan_import(olga, region, entries).room == 2
    with pytest.raises(QuotaExceeded):
        import_commands(olga, region, entries)
    assert not Command.objects.exists()
    assert len(import_commands(olga, region, entries[:2])) == 2


def test_who_may_not_create_may_not_even_look(rita, region):
    entries = read(bundle({}, one="x"))

    with pytest.raises(NotAllowed):
        plan_import(rita, region, entries)
    with pytest.raises(NotAllowed):
        import_commands(rita, region, entries)


def test_an_import_is_remembered(olga, region):
    [command] = import_commands(olga, region, read(bundle({}, one="x")))

    assert AuditEntry.objects.get(action="ecs:CreateCommand", resource=command.pk).facts["imported"] is True


@pytest.mark.parametrize("n", [3, 60])
def test_the_number_of_queries_does_not_grow_with_the_file(olga, region, n, django_assert_max_num_queries):
    entries = read(bundle(*({"Name": f"c{number}"} for number in range(n)), one="x"))

    with django_assert_max_num_queries(24):
        import_commands(olga, region, entries)


def test_more_than_can_be_imported_is_not_exported(olga, monkeypatch):
    monkeypatch.setattr(limits, "COMMANDS_AT_ONCE", 1)
    saved(olga)
    saved(olga)

    with pytest.raises(InvalidParameter, match="At most 1 commands"):
        export_commands(olga, Command.objects.all())


# --- The pages ---


def upload(client, content, **fields):
    file = SimpleUploadedFile("commands.zip", content, content_type="application/zip")
    return client.post("/console/commands/import/", {"file": file, "region": "local", **fields})


def test_a_file_is_looked_at_and_then_imported(as_operator, olga, region):
    existing = saved(olga, "echo hi", name="one")
    looked = upload(as_operator, zipped(bundle({}, {"Name": "two"}, one="echo hi")))
    page = looked.content.decode()
    carried = looked.context["packed"]

    done = as_operator.post(
        "/console/commands/import/", {"packed": carried, "region": "local", "confirm": "1"}
    )

    assert existing.pk in page
    assert "1 command is created" in page
    assert done["Location"] == "/console/commands/"
    assert sorted(Command.objects.values_list("name", flat=True)) == ["one", "two"]


def test_a_file_with_a_fault_shows_it_and_offers_nothing_to_confirm(as_operator, region):
    page = upload(as_operator, zipped(bundle({"Timeout": "long"}, one="x"))).content.decode()

    assert "Timeout has to be a whole number." in page
    assert 'name="confirm"' not in page


@pytest.mark.parametrize("made", [lambda: b"not a zip", lambda: zipped({"a.txt": b""})])
def test_what_is_no_file_of_commands_is_said_at_the_field(as_operator, region, made):
    response = upload(as_operator, made())

    assert response.status_code == 422
    assert "field-error" in response.content.decode()


@pytest.mark.parametrize("fields", [{}, {"packed": "?"}, {"packed": "eA=="}, {"confirm": "1"}])
def test_a_form_without_a_file_is_shown_again(as_operator, region, fields):
    response = as_operator.post("/console/commands/import/", {"region": "local", **fields})

    assert response.status_code == 422


def test_a_file_that_has_a_fault_by_the_time_it_is_confirmed_imports_nothing(as_operator, region):
    looked = upload(as_operator, zipped(bundle({"Name": "a"}, {"Colour": "red"}, one="x")))
    fields = {"packed": looked.context["packed"], "region": "local", "confirm": "1"}

    response = as_operator.post("/console/commands/import/", fields)

    assert response.status_code == 400
    assert not Command.objects.exists()


def test_the_largest_file_is_carried_from_the_look_to_the_import(as_operator, region):
    files = bundle({}, one="x")
    room = limits.BUNDLE_BYTES - len(zipped(files | {"notes.bin": b""}))
    looked = upload(as_operator, zipped(files | {"notes.bin": b"n" * room}))
    fields = {"packed": looked.context["packed"], "region": "local", "confirm": "1"}

    as_operator.post("/console/commands/import/", fields)

    assert Command.objects.kept().count() == 1


def test_the_ticked_ones_are_downloaded(as_operator, olga):
    ticked, _other = saved(olga, name="one"), saved(olga, name="two")

    asked = as_operator.get("/console/commands/export/", {"command": ticked.pk}).content.decode()
    sent = as_operator.post("/console/commands/export/", {"command": ticked.pk})

    assert "Export 1 command" in asked
    assert sent["Content-Disposition"].startswith('attachment; filename="commands-')
    assert set(unpacked(sent.content)) == {MANIFEST, "scripts/one.sh"}


def test_all_that_match_are_meant(as_operator, olga):
    saved(olga, name="web one")
    saved(olga, name="web two", type="RunBatScript")
    saved(olga, name="other")

    page = as_operator.get("/console/commands/export/?all=1&q=web&type=RunBatScript&sort=-runs")

    assert [str(command) for command in page.context["commands"]] == ["web two"]
    assert not as_operator.get("/console/commands/export/?all=1&type=none").context["commands"]


def test_secret_parameters_are_named_before_the_download(as_operator, olga):
    command = saved(olga, "{{token}}", enable_parameter=True, definitions=(TOKEN,))

    page = as_operator.get("/console/commands/export/", {"command": command.pk})

    assert page.context["secrets"] == [(command, ["token"])]
    assert "token" in page.content.decode()

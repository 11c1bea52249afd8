"""Saved commands as programs see them."""

from base64 import b64decode, b64encode

import pytest

from assistant.commands.limits import CONTENT_CHARACTERS
from assistant.commands.models import Command
from assistant.commands.rules.catalogue import catalogue
from tests.instances.factories import RegionFactory
from tests.invocations.factories import ran

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def region(db):
    return RegionFactory()


def base64(text):
    return b64encode(text.encode()).decode()


def create(program, **more):
    asked = {"Name": "disk", "Type": "RunShellScript", "CommandContent": base64("df -h"), **more}
    return program.call("CreateCommand", **asked)


def listed(program, **asked):
    return program.call("DescribeCommands", **asked)["Commands"]["Command"]


def test_a_command_is_created_and_described(program):
    made = create(
        program,
        CommandContent=base64("tar c {{file}}"),
        Description="Packs",
        EnableParameter="True",
        Timeout=5,
        WorkingDir="/srv",
        Type="runshellscript",
    )

    [told] = listed(program, CommandId=made["CommandId"], ContentEncoding="PlainText")

    assert told["CommandContent"] == "tar c {{file}}"
    assert (told["Name"], told["Description"], told["Type"]) == ("disk", "Packs", "RunShellScript")
    assert (told["Timeout"], told["WorkingDir"], told["EnableParameter"]) == (10, "/srv", True)
    assert told["ParameterNames"]["ParameterName"] == ["file"]
    assert told["ParameterDefinitions"]["ParameterDefinition"][0]["ParameterName"] == "file"
    assert (told["InvokeTimes"], told["Provider"], told["Version"]) == (0, "", 1)
    assert told["CreationTime"].endswith("Z")


@pytest.mark.parametrize("encoding", [None, "Base64", "base64", "whatever"])
def test_a_script_to_be_saved_comes_in_base64(program, encoding):
    made = create(program, ContentEncoding=encoding)

    assert Command.objects.get(pk=made["CommandId"]).content == "df -h"
    [told] = listed(program)
    assert b64decode(told["CommandContent"]) == b"df -h"


def test_plain_text_is_taken_where_it_is_said(program):
    made = create(program, CommandContent="echo é", ContentEncoding="plaintext")

    assert Command.objects.get(pk=made["CommandId"]).content == "echo é"


def test_a_launcher_is_kept_apart_from_the_script(program):
    made = create(program, CommandContent=base64("print(1)"), Launcher="python3 -u")

    [told] = listed(program, ContentEncoding="PlainText")
    assert (told["Launcher"], told["CommandContent"]) == ("python3 -u", "print(1)")
    assert Command.objects.get(pk=made["CommandId"]).content == "#!/usr/bin/env -S python3 -u\nprint(1)"


REFUSED = [
    ({"Name": None}, "MissingParameter", 400),
    ({"Type": None}, "MissingParameter", 400),
    ({"CommandContent": None}, "MissingParameter", 400),
    ({"CommandContent": base64("  ")}, "MissingParameter", 400),
    ({"CommandContent": "df -h"}, "CmdContent.DecodeError", 400),
    ({"CommandContent": b64encode(b"\xff\xfe").decode()}, "CmdContent.DecodeError", 400),
    ({"CommandContent": base64("a\x00b")}, "CmdContent.DecodeError", 400),
    ({"CommandContent": base64("x" * CONTENT_CHARACTERS)}, "CmdContent.ExceedLimit", 403),
    ({"Type": "RunPythonScript"}, "InvalidCmdType.NotFound", 404),
    ({"Name": "n" * 129}, "CmdName.ExceedLimit", 403),
    ({"Name": "a\nb"}, "InvalidParameterCharacter.CommandName", 403),
    ({"Description": "d" * 513}, "CmdDesc.ExceedLimit", 403),
    ({"Description": "a\nb"}, "InvalidParameterCharacter.CommandDescription", 403),
    ({"WorkingDir": "/" * 201}, "InvalidParameter.WorkingDir", 400),
    ({"WorkingDir": "/a\nb"}, "InvalidParameterCharacter.CommandWorkingDir", 403),
    ({"Timeout": 86_401}, "InvalidTimeout.ExceedLimit", 403),
    ({"Timeout": "soon"}, "InvalidParameter.Timeout", 400),
    ({"EnableParameter": "perhaps"}, "InvalidParameter.EnableParameter", 400),
    ({"EnableParameter": "true", "CommandContent": base64("{{}}")}, "CmdParam.EmptyKey", 400),
    ({"EnableParameter": "true", "CommandContent": base64("{{a b}}")}, "CmdParam.InvalidParamName", 400),
    (
        {"EnableParameter": "true", "CommandContent": base64("{{%s}}" % ("k" * 65))},
        "CmdParamName.ExceedLimit",
        403,
    ),
    (
        {"EnableParameter": "true", "CommandContent": base64("".join(f"{{{{k{n}}}}}" for n in range(21)))},
        "CmdParamCount.ExceedLimit",
        403,
    ),
    ({"Launcher": "p" * 1025}, "InvalidLauncher.LengthLimitExceeded", 403),
    ({"Launcher": 'python3 {{ACS::ScriptFileName|Ext(".py")}}'}, "InvalidParameter.Launcher", 400),
    ({"Launcher": "a\nb"}, "InvalidParameter.Launcher", 400),
    ({"Launcher": "python3", "Type": "RunBatScript"}, "InvalidParameter.Launcher", 400),
    ({"Launcher": "python3", "CommandContent": base64("#!/bin/sh\n")}, "InvalidParameter.Launcher", 400),
    ({"Tag.1.Key": "env"}, "InvalidParameter.Tag", 400),
    ({"Tag.1.Value": "env"}, "MissingParameter.TagKey", 400),
    ({"Tag.1.Key": "a", "Tag.2.Key": "a"}, "Duplicate.TagKey", 400),
    ({f"Tag.{n}.Key": f"k{n}" for n in range(1, 23)}, "NumberExceed.Tags", 400),
    ({"ResourceGroupId": "rg-1"}, "InvalidResourceGroup.NotFound", 404),
    ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound", 404),
    ({"ClientToken": "t" * 65}, "InvalidParameter.ClientToken", 400),
]


@pytest.mark.parametrize(("asked", "code", "status"), REFUSED)
def test_a_command_that_cannot_be_is_refused_by_the_apis_code(program, asked, code, status):
    wanted = {"Name": "disk", "Type": "RunShellScript", "CommandContent": base64("df -h"), **asked}

    response = program.send_v3("CreateCommand", **wanted)

    assert (response.json()["Code"], response.status_code) == (code, status)
    assert not Command.objects.exists()


def test_parameters_are_named_in_any_case(program):
    asked = {"name": "disk", "TYPE": "RunShellScript", "commandcontent": base64("df -h"), "TimeOut": 90}

    pk = program.call("CreateCommand", **asked)["CommandId"]

    assert [(one["Name"], one["Timeout"]) for one in listed(program, **{"commandid.1": pk})] == [("disk", 90)]


def test_of_a_parameter_in_two_spellings_the_declared_one_counts(program):
    asked = {"Timeout": 80, "TimeOut": 90, "timeout": 100}

    create(program, **asked)

    assert [one["Timeout"] for one in listed(program)] == [80]


@pytest.mark.parametrize("name", ["action", "ACTION"])
def test_actions_and_what_is_signed_are_named_exactly(program, name):
    said = program.client.get(f"/?Signature=x&{name}=DescribeCommands&Version=2014-05-26").json()

    assert (said["Code"], said["Message"]) == ("MissingParameter", "The parameter Action is missing.")


def test_a_command_is_changed_and_deleted(program):
    pk = create(program)["CommandId"]

    program.call("ModifyCommand", CommandId=pk, Name="disks", Timeout=90, WorkingDir="/", CommandContent="x")
    [told] = listed(program, ContentEncoding="PlainText")
    assert (told["Name"], told["Timeout"], told["WorkingDir"]) == ("disks", 90, "/")
    assert told["CommandContent"] == "df -h"

    assert set(program.call("DeleteCommand", CommandId=pk)) == {"RequestId"}
    assert listed(program) == []


@pytest.mark.parametrize("action", ["ModifyCommand", "DeleteCommand"])
def test_a_command_that_is_none_is_not_found(program, action):
    response = program.send_v3(action, CommandId="c-none")

    assert (response.json()["Code"], response.status_code) == ("InvalidCmdId.NotFound", 404)


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        ({"Name": "n" * 129}, "CmdName.ExceedLimit", 403),
        ({"Description": "d" * 513}, "CmdDesc.ExceedLimit", 403),
        ({"WorkingDir": "d" * 201}, "InvalidParameter.WorkingDir", 400),
        ({"Timeout": 86_401}, "InvalidTimeout.ExceedLimit", 403),
        ({"Launcher": "perl"}, "InvalidParameter.Launcher", 400),
    ],
)
def test_a_change_that_cannot_be_is_refused(program, asked, code, status):
    pk = create(program)["CommandId"]

    response = program.send_v3("ModifyCommand", CommandId=pk, **asked)

    assert (response.json()["Code"], response.status_code) == (code, status)


def test_a_command_with_a_run_that_goes_on_stays(program, olga):
    ran(olga)
    command = Command.objects.get()
    command.kept = True
    command.save(update_fields=["kept"])

    response = program.send_v3("DeleteCommand", CommandId=command.pk)

    assert (response.json()["Code"], response.status_code) == ("InvalidOperation", 403)


FOUND = [
    ({}, {"disk usage", "disk free", "mail"}),
    ({"Name": "disk*"}, {"disk usage", "disk free"}),
    ({"Name": "*free"}, {"disk free"}),
    ({"Name": "*k*"}, {"disk usage", "disk free"}),
    ({"Name": "disk"}, set()),
    ({"Name": "mail"}, {"mail"}),
    ({"Description": "of mail"}, {"mail"}),
    ({"Type": "RunBatScript"}, {"mail"}),
    ({"Tag.1.Key": "env"}, set()),
    ({"ResourceGroupId": "rg"}, set()),
]


@pytest.mark.parametrize(("asked", "names"), FOUND)
def test_commands_are_found(program, asked, names):
    create(program, Name="disk usage")
    create(program, Name="disk free")
    create(program, Name="mail", Description="of mail", Type="RunBatScript")

    assert {one["Name"] for one in listed(program, **asked)} == names


def test_common_commands_are_asked_for_by_their_provider(program):
    create(program)
    everybodys = listed(program, Provider="AlibabaCloud", PageSize=50)
    disks = listed(program, Provider="AlibabaCloud.ECS.Disk", PageSize=50)

    assert {one["Name"] for one in everybodys} == set(sorted(catalogue())[:50])
    assert {one["Category"] for one in disks} == {"Disk"}
    assert listed(program, Provider="CloudAssistant.ECS.Disk", PageSize=50) == disks
    assert listed(program, Provider="Somebody") == []
    name = disks[0]["CommandId"]
    assert [one["CommandId"] for one in listed(program, CommandId=name)] == [name]
    assert all(one["Latest"] for one in listed(program, Provider="AlibabaCloud", Latest="True"))


def test_who_sees_no_command_is_shown_none(program_of, somebody, program):
    create(program)
    wanted = "acs:ecs:*:*:command/c-none"
    neil = somebody(
        "neil",
        {"Effect": "Allow", "Action": ["ecs:DescribeCommands", "ecs:DeleteCommand"], "Resource": wanted},
    )

    theirs = program_of(neil.user)

    assert listed(theirs) == []
    refused = theirs.send_v3("DeleteCommand", CommandId=Command.objects.get().pk)
    assert (refused.json()["Code"], refused.status_code) == ("Forbidden.RAM", 403)
    assert Command.objects.kept().exists()


def test_the_list_takes_the_same_queries_however_long_it_is(program, django_assert_max_num_queries, olga):
    for number in range(10):
        create(program, Name=f"{number}")

    with django_assert_max_num_queries(10):
        assert len(listed(program)) == 10

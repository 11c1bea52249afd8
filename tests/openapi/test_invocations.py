"""Runs and their results as programs see them."""

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest

from access.models import AuditEntry
from access.rules.quotas import RUNS
from assistant.commands.models import Command
from assistant.invocations.limits import OUTPUT_VIEW_BYTES
from assistant.invocations.models import Guard, Invocation, Target
from assistant.invocations.rules.guard import DEFAULT_PATTERNS
from assistant.invocations.states import InvokeStatus
from console.kit.clock import to_milliseconds
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import planned, ran, report, started, target_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance(db):
    return InstanceFactory()


def run(program, instance, **more):
    return program.call("RunCommand", **asked_of(instance, **more))


def asked_of(instance, **more):
    asked = {"Type": "RunShellScript", "CommandContent": "echo hi", "InstanceId.1": instance.pk}
    return {**asked, **more}


def results(program, **asked):
    return program.call("DescribeInvocationResults", **asked)["Invocation"]["InvocationResults"][
        "InvocationResult"
    ]


def runs(program, **asked):
    return program.call("DescribeInvocations", **asked)["Invocations"]["Invocation"]


def refused(program, action, **asked):
    response = program.send_v3(action, **asked)
    return response.json()["Code"], response.status_code


# --- RunCommand and InvokeCommand ---


def test_a_script_is_run_and_its_result_is_read(program, instance):
    said = run(program, instance)
    target = target_of(Invocation.objects.get(pk=said["InvokeId"]))
    [pending] = results(program, InvokeId=said["InvokeId"])
    assert (pending["InvocationStatus"], pending["InvokeRecordStatus"]) == ("Pending", "Running")
    assert "ExitCode" not in pending
    assert (pending["Repeats"], pending["Output"], pending["StartTime"]) == (0, "", "")

    started(target)
    report(target, body=b"hi\n")

    [ended] = results(program, InvokeId=said["InvokeId"])
    assert (ended["InvocationStatus"], ended["InvokeRecordStatus"]) == ("Success", "Finished")
    assert (ended["ExitCode"], ended["Dropped"], ended["Repeats"]) == (0, 0, 1)
    assert b64decode(ended["Output"]) == b"hi\n"
    assert ended["CommandId"] == said["CommandId"]
    assert ended["FinishedTime"].endswith("Z")
    assert results(program, InvokeId=said["InvokeId"], ContentEncoding="PlainText")[0]["Output"] == "hi\n"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [(None, "ZWNobw=="), ("PlainText", "ZWNobw=="), ("whatever", "ZWNobw=="), ("BASE64", "echo")],
)
def test_a_script_to_be_run_comes_as_it_is(program, instance, encoding, content):
    run(program, instance, CommandContent="ZWNobw==", ContentEncoding=encoding)

    assert Command.objects.get().content == content


@pytest.mark.parametrize(("asked", "given"), [({}, 60), ({"Timeout": 5}, 10)])
def test_a_run_has_a_minute_unless_it_says_otherwise(program, instance, asked, given):
    run(program, instance, **asked)

    assert runs(program)[0]["Timeout"] == given


def test_a_run_has_parameters_and_the_command_may_be_kept(program, instance):
    asked = {"CommandContent": "echo {{word}}", "EnableParameter": "true", "Parameters": '{"WORD":7}'}
    run(
        program, instance, **asked, KeepCommand="True", Name="say", Timeout=30, WorkingDir="/", Username="bob"
    )

    [told] = runs(program, ContentEncoding="PlainText")
    assert (told["CommandName"], told["CommandContent"]) == ("say", "echo {{word}}")
    assert told["Parameters"] == '{"word":"7"}'
    assert (told["Timeout"], told["WorkingDir"], told["Username"]) == (30, "/", "bob")
    assert Command.objects.get().kept


def test_a_saved_command_is_run_on_terms_of_its_own(program, instance, olga):
    made = program.call("CreateCommand", Name="x", Type="RunShellScript", CommandContent="ZWNobyBoaQ==")
    asked = {"CommandId": made["CommandId"], "InstanceId.1": instance.pk}

    program.call("InvokeCommand", **asked)
    program.call("InvokeCommand", **asked, Timeout=90, WorkingDir="/srv")

    own, saved = runs(program)
    assert (saved["Timeout"], saved["WorkingDir"]) == (60, "")
    assert (own["Timeout"], own["WorkingDir"]) == (90, "/srv")
    [command] = program.call("DescribeCommands")["Commands"]["Command"]
    assert (command["InvokeTimes"], command["Timeout"]) == (2, 60)


def test_a_common_command_is_run_by_its_name(program, instance):
    said = program.call(
        "InvokeCommand", **{"CommandId": "CA-ECS-HealthCheck.sh", "InstanceId.1": instance.pk, "Timeout": 99}
    )

    [told] = runs(program, InvokeId=said["InvokeId"])
    assert (told["CommandName"], told["Timeout"]) == ("CA-ECS-HealthCheck.sh", 99)


def test_servers_are_meant_by_their_tags(program, instance):
    instance.tags.create(key="env", value="prod")
    InstanceFactory()

    said = program.call(
        "RunCommand",
        Type="RunShellScript",
        CommandContent="true",
        **{"ResourceTag.1.Key": "env", "ResourceTag.1.Value": "prod"},
    )

    assert [one["InstanceId"] for one in results(program, InvokeId=said["InvokeId"])] == [instance.pk]


@pytest.mark.parametrize(
    ("asked", "mode", "timed"),
    [
        ({}, "Once", False),
        ({"RepeatMode": "Once", "Timed": "false"}, "Once", False),
        ({"Frequency": "rate(5m)"}, "Period", True),
        ({"Frequency": "0 0 12 * * ?", "Timed": "true"}, "Period", True),
        ({"RepeatMode": "NextRebootOnly"}, "NextRebootOnly", True),
        ({"RepeatMode": "EveryReboot"}, "EveryReboot", True),
    ],
)
def test_a_run_is_planned(program, asked, mode, timed):
    run(program, InstanceFactory(own_agent=True), **asked)

    [told] = runs(program)
    assert (told["RepeatMode"], told["Timed"]) == (mode, timed)
    assert runs(program, Timed=timed) == [told]
    assert runs(program, Timed=not timed) == []


REFUSED = [
    ({"InstanceId.1": "i-none"}, "InvalidInstance.NotFound", 404),
    ({"InstanceId.2": "mi-elsewhere"}, "InvalidInstance.NotFound", 404),
    ({"InstanceId.1": None}, "MissingParam.InstanceId", 400),
    ({f"InstanceId.{n}": f"i-{n}" for n in range(1, 102)}, "InstanceIds.ExceedLimit", 403),
    ({"ResourceTag.1.Key": "env"}, "InvalidResourceTag.ConflictWithInstanceIds", 400),
    ({"InstanceId.1": None, "ResourceTag.1.Key": "no"}, "InvalidResourceTag.InstanceNotFound", 400),
    ({"ResourceTag.1.Value": "env"}, "MissingParameter.ResourceTagKey", 400),
    ({"ResourceTag.1.Key": "a", "ResourceTag.2.Key": "a"}, "Duplicate.ResourceTagKey", 400),
    ({f"ResourceTag.{n}.Key": f"k{n}" for n in range(1, 23)}, "NumberExceed.ResourceTags", 400),
    ({"Type": "RunBatScript"}, "InvalidInstance.NotMatch", 400),
    ({"Type": "RunPerlScript"}, "InvalidCmdType.NotFound", 404),
    ({"CommandContent": None}, "MissingParameter", 400),
    ({"CommandContent": "?", "ContentEncoding": "Base64"}, "CmdContent.DecodeError", 400),
    ({"CommandContent": "x" * 40_000}, "CmdContent.ExceedLimit", 403),
    ({"Frequency": "rate(5)"}, "InvalidParam.Frequency", 400),
    ({"Frequency": "rate(30s)"}, "InvalidParam.Frequency", 400),
    ({"Frequency": "rate(5m)", "Timeout": 300}, "InvalidParam.Frequency", 400),
    ({"RepeatMode": "Period"}, "MissingParam.Frequency", 400),
    ({"Timed": "true"}, "MissingParam.Frequency", 400),
    ({"RepeatMode": "Sometimes"}, "InvalidRepeatMode.NotFound", 404),
    ({"Parameters": "{"}, "InvalidParameter.Parameters", 400),
    ({"Parameters": '["a"]'}, "InvalidParameter.Parameters", 400),
    ({"Parameters": '{"a":"b"}'}, "Parameter.Disabled", 400),
    ({"Parameters": '{"a":{}}'}, "ParameterType.NotSupported", 403),
    ({"Parameters": '{"a":"1","A":"2"}'}, "ParameterKey.Duplicate", 403),
    ({"Parameters": '{"a":"b"}', "EnableParameter": "true"}, "Parameter.NotMatched", 403),
    ({"Parameters": '{"%s":"b"}' % ("k" * 65)}, "ParameterKey.ExceedLimit", 403),
    (
        {"Parameters": "{{{}}}".format(",".join(f'"k{n}":""' for n in range(11)))},
        "ParameterCount.ExceedLimit",
        403,
    ),
    ({"Username": "u" * 256}, "Username.ExceedLimit", 403),
    ({"TerminationMode": "Gently"}, "InvalidTerminationMode.NotFound", 404),
    ({"ContainerId": "abc"}, "InvalidContainerId.Malformed", 400),
    ({"ContainerId": "docker://" + "a" * 64}, "RegionId.ApiNotSupported", 400),
    ({"ContainerName": "web"}, "RegionId.ApiNotSupported", 400),
    ({"OssOutputDelivery": "oss://bucket/x"}, "RegionId.ApiNotSupported", 400),
    ({"WindowsPasswordName": "axt"}, "ParameterStore.NotSupported", 403),
    ({"ResourceGroupId": "rg-1"}, "InvalidResourceGroup.NotFound", 404),
    ({"Tag.1.Key": "env"}, "InvalidParameter.Tag", 400),
    ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound", 404),
    ({"RepeatMode": "DryRun"}, "DryRunOperation", 400),
    ({"RepeatMode": "dryrun", "Frequency": "rate(5m)"}, "DryRunOperation", 400),
    ({"RepeatMode": "DryRun", "Frequency": "rate(5)"}, "InvalidParam.Frequency", 400),
    ({"RepeatMode": "DryRun", "InstanceId.1": "i-none"}, "InvalidInstance.NotFound", 404),
]


@pytest.mark.parametrize(("asked", "code", "status"), REFUSED)
def test_a_run_that_cannot_be_is_refused_and_nothing_is_made(program, instance, asked, code, status):
    InstanceFactory(id="mi-elsewhere", region=RegionFactory(id="remote", name="Far", code="fa"))

    assert refused(program, "RunCommand", **asked_of(instance, **asked)) == (code, status)

    assert not Invocation.objects.exists()
    assert not Command.objects.exists()


def test_a_dry_run_uses_up_no_quota_and_says_who_may_not(program, program_of, somebody, instance):
    run(program, instance, RepeatMode="DryRun")
    elsewhere = {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": "acs:ecs:*:*:instance/i-none"}
    theirs = program_of(somebody("dora", elsewhere).user)

    assert run(theirs, instance, RepeatMode="DryRun")["Code"] == "Forbidden.RAM"

    told = program.call("DescribeAccountAttributes", **{"AttributeName.1": RUNS.name})
    assert "Code" not in told
    entries = AuditEntry.objects.filter(action="ecs:RunCommand")
    assert [entry.outcome for entry in entries] == [AuditEntry.Outcome.REFUSED]


def test_programs_are_not_asked_what_they_cannot_answer(program, instance):
    assert run(program, instance, CommandContent="shutdown -r now")["InvokeId"]


def test_programs_that_are_asked_too_go_on_with_the_digest(program, instance):
    Guard.objects.create(patterns=DEFAULT_PATTERNS, asks_programs=True)
    question = run(program, instance, CommandContent="rm -rf /")
    assert question["Code"] == "ConfirmationRequired"

    digest = question["Message"].rstrip(".").rpartition(" ")[2]
    said = run(program, instance, CommandContent="rm -rf /", Confirmation=digest)

    assert said["InvokeId"]


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        ({"CommandId": "c-none"}, "InvalidCmdId.NotFound", 404),
        ({"CommandId": None}, "MissingParameter", 400),
        ({"WorkingDir": "d" * 201}, "InvalidParameter.WorkingDir", 400),
        ({"Launcher": "perl"}, "InvalidParameter.Launcher", 400),
        ({"Parameters": '{"a":"b"}'}, "Parameter.Disabled", 400),
        ({"InstanceId.1": "i-none"}, "InvalidInstance.NotFound", 404),
    ],
)
def test_a_saved_command_that_cannot_be_run_is_refused(program, instance, asked, code, status):
    made = program.call("CreateCommand", Name="x", Type="RunShellScript", CommandContent="ZWNobyBoaQ==")
    wanted = {"CommandId": made["CommandId"], "InstanceId.1": instance.pk, **asked}

    assert refused(program, "InvokeCommand", **wanted) == (code, status)


def test_who_may_run_there_alone_runs_nowhere_else(program_of, somebody, instance):
    other = InstanceFactory()
    here = f"acs:ecs:*:*:instance/{instance.pk}"
    theirs = program_of(
        somebody("ina", {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": here}).user
    )

    assert run(theirs, instance)["InvokeId"]
    both = asked_of(instance, **{"InstanceId.2": other.pk})
    assert refused(theirs, "RunCommand", **both) == ("Forbidden.RAM", 403)


def test_the_same_run_asked_for_twice_is_one(program, instance):
    first, second = (run(program, instance, ClientToken="one") for _ in range(2))

    assert first["InvokeId"] == second["InvokeId"]
    assert Invocation.objects.count() == 1


# --- Stopping, and adding to plans ---


def test_a_run_is_stopped_and_stopping_it_again_is_no_mistake(program, instance):
    invoke_id = run(program, instance)["InvokeId"]

    assert set(program.call("StopInvocation", InvokeId=invoke_id)) == {"RequestId"}

    assert results(program, InvokeId=invoke_id)[0]["InvokeRecordStatus"] == "Stopped"
    assert set(program.call("StopInvocation", InvokeId=invoke_id)) == {"RequestId"}


def test_a_run_is_stopped_on_some_servers(program, instance, olga):
    other = InstanceFactory()
    invocation = ran(olga, instance, other)

    program.call("StopInvocation", **{"InvokeId": invocation.pk, "InstanceId.1": other.pk})

    assert target_of(invocation, other).status == "Cancelled"
    assert target_of(invocation, instance).status == "Pending"


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        ({"InvokeId": "t-none"}, "InvalidInvokeId.NotFound", 404),
        ({"InstanceId.1": "i-none"}, "InvalidInstanceId.NotFound", 404),
        ({f"InstanceId.{n}": f"i-{n}" for n in range(1, 52)}, "InstanceIds.ExceedLimit", 403),
        ({"InvokeId": None}, "MissingParameter", 400),
    ],
)
def test_a_stop_that_cannot_be_is_refused(program, instance, asked, code, status):
    invoke_id = run(program, instance)["InvokeId"]

    assert refused(program, "StopInvocation", **{"InvokeId": invoke_id, **asked}) == (code, status)


def test_a_plan_takes_more_servers(program, olga):
    first, second = InstanceFactory(own_agent=True), InstanceFactory(own_agent=True)
    plan = planned(olga, first, frequency="rate(5m)")

    said = program.call("ModifyInvocationAttribute", **{"InvokeId": plan.pk, "InstanceId.1": second.pk})

    assert said["CommandId"] == plan.command_id
    assert {target.instance_id for target in plan.targets.all()} == {first.pk, second.pk}
    again = program.call("ModifyInvocationAttribute", **{"InvokeId": plan.pk, "InstanceId.1": second.pk})
    assert again["CommandId"] == plan.command_id
    assert plan.targets.count() == 2


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        ({"InvokeId": "t-none"}, "InvalidInvokeId.NotFound", 404),
        ({"InstanceId.1": "i-none"}, "InvalidInstanceId.NotFound", 404),
        ({"Frequency": "rate(6m)"}, "InvalidParameter.Frequency", 400),
        ({"CommandContent": "true"}, "InvalidParameter.CommandContent", 400),
        ({}, "InvalidOperation.RepeatModeUnsupported", 403),
    ],
)
def test_a_change_of_a_plan_that_cannot_be_is_refused(program, instance, asked, code, status):
    """The run is none that goes on, so that without any other mistake that is one."""
    invoke_id = run(program, instance)["InvokeId"]
    wanted = {"InvokeId": invoke_id, "InstanceId.1": instance.pk, **asked}

    assert refused(program, "ModifyInvocationAttribute", **wanted) == (code, status)


# --- Results ---


def ended_with(olga, instance, body, **facts):
    invocation = ran(olga, instance)
    report(started(target_of(invocation)), body=body, **facts)
    return invocation


@pytest.mark.parametrize(
    ("body", "shown", "dropped"),
    [
        (b"x" * OUTPUT_VIEW_BYTES, b"x" * OUTPUT_VIEW_BYTES, 0),
        (b"x" * (OUTPUT_VIEW_BYTES + 49_259), b"x" * OUTPUT_VIEW_BYTES, 49_259),
        # A character is not split.
        ("é".encode() * OUTPUT_VIEW_BYTES, "é".encode() * (OUTPUT_VIEW_BYTES // 2), OUTPUT_VIEW_BYTES),
        (
            b"x" + "é".encode() * OUTPUT_VIEW_BYTES,
            b"x" + "é".encode() * (OUTPUT_VIEW_BYTES // 2 - 1),
            OUTPUT_VIEW_BYTES + 2,
        ),
        (b"\xff\x00", b"\xff\x00", 0),
    ],
)
def test_of_an_output_the_first_24_kb_are_told(program, instance, olga, body, shown, dropped):
    invocation = ended_with(olga, instance, body)

    [told] = results(program, InvokeId=invocation.pk)

    assert (b64decode(told["Output"]), told["Dropped"]) == (shown, dropped)
    [plain] = results(program, InvokeId=invocation.pk, ContentEncoding="PlainText")
    assert plain["Output"] == shown.decode(errors="replace").replace("\x00", "\u2400")


def test_every_run_of_a_plan_is_told_with_its_history(program, olga):
    instance = InstanceFactory(own_agent=True)
    plan = planned(olga, instance, frequency="rate(5m)")
    target = target_of(plan)
    for number in (1, 2, 3):
        start = plan.created_at + number * timedelta(minutes=5)
        report(
            target, body=b"run %d" % number, start=to_milliseconds(start), started_at=start, ended_at=start
        )

    [last] = results(program, InvokeId=plan.pk)
    history = results(program, InvokeId=plan.pk, IncludeHistory="true")

    assert (last["Repeats"], last["InvokeRecordStatus"]) == (3, "Running")
    assert [b64decode(one["Output"]) for one in history] == [b"run 3", b"run 2", b"run 1"]
    assert [one["Repeats"] for one in history] == [3, 2, 1]
    assert {one["InvokeRecordStatus"] for one in history} == {"Finished"}
    first = program.call("DescribeInvocationResults", InvokeId=plan.pk, IncludeHistory="true", MaxResults=2)
    assert len(first["Invocation"]["InvocationResults"]["InvocationResult"]) == 2
    token = first["Invocation"]["NextToken"]
    rest = results(program, InvokeId=plan.pk, IncludeHistory="true", MaxResults=2, NextToken=token)
    assert [one["Repeats"] for one in rest] == [1]


def test_a_history_is_that_of_a_run(program, instance, olga):
    invocation = ran(olga, instance)

    assert refused(program, "DescribeInvocationResults", IncludeHistory="true") == ("MissingParameter", 400)
    assert len(results(program, InvokeId=invocation.pk, IncludeHistory="true")) == 1


def test_results_are_found(program, instance, olga):
    first = ended_with(olga, instance, b"")
    other = InstanceFactory()
    second = ran(olga, other)

    def found(**asked):
        return {one["InvokeId"] for one in results(program, **asked)}

    assert found() == {first.pk, second.pk}
    assert found(InstanceId=other.pk) == {second.pk}
    assert found(CommandId=first.command_id) == {first.pk}
    assert found(InvokeRecordStatus="Finished") == {first.pk}
    assert found(InvokeRecordStatus="running") == {second.pk}
    assert found(InvokeRecordStatus="Failed") == set()
    assert found(InvokeId="t-none") == set()
    assert found(**{"Tag.1.Key": "x"}) == set()
    assert refused(program, "DescribeInvocationResults", InvokeRecordStatus="Odd")[1] == 400


def test_runs_are_told_with_their_servers_and_outputs(program, instance, olga):
    invocation = ended_with(olga, instance, b"hi")

    [told] = runs(program, InvokeId=invocation.pk, IncludeOutput="True", ContentEncoding="PlainText")
    [there] = told["InvokeInstances"]["InvokeInstance"]

    assert (told["InvocationStatus"], told["InvokeStatus"]) == ("Success", "Finished")
    assert (there["InstanceId"], there["Output"], there["ExitCode"]) == (instance.pk, "hi", 0)
    assert (there["InstanceInvokeStatus"], there["Timed"]) == ("Finished", False)
    assert there["FinishTime"]
    assert there["UpdateTime"] >= there["CreationTime"]
    [brief] = runs(program)
    assert b64decode(brief["CommandContent"]) == b"echo hi"
    assert brief["InvokeInstances"]["InvokeInstance"][0]["Output"] == ""
    assert refused(program, "DescribeInvocations", IncludeOutput="true") == ("MissingParameter", 400)


def test_runs_are_found(program, instance, olga):
    first = ended_with(olga, instance, b"")
    other = InstanceFactory()
    second = ran(olga, other, name="second")

    def found(**asked):
        return {one["InvokeId"] for one in runs(program, **asked)}

    assert found() == {first.pk, second.pk}
    assert found(InstanceId=other.pk) == {second.pk}
    assert found(InstanceId=other.pk, CommandName="nothing") == {second.pk}
    assert found(CommandName="sec*") == {second.pk}
    assert found(CommandId=first.command_id) == {first.pk}
    assert found(CommandType="RunBatScript") == set()
    assert found(RepeatMode="Period") == set()
    assert found(InvokeStatus="Finished") == {first.pk}


STATES = [
    ["Success"],
    ["Success", "Timeout"],
    ["Success", "Cancelled"],
    ["Timeout", "Terminated"],
    ["Cancelled"],
    ["Stopping", "Success"],
    ["Stopping", "Pending"],
    ["Scheduled"],
    ["Failed", "Error"],
]


@pytest.mark.parametrize("states", STATES, ids=" ".join)
def test_runs_are_found_by_the_state_that_they_are_told_with(program, olga, states):
    invocation = ran(olga)
    counts = dict.fromkeys(("n_pending",), 0) | {f"n_{state.lower()}": 1 for state in states}
    Invocation.objects.filter(pk=invocation.pk).update(**counts)

    [told] = runs(program)

    found = {state for state in InvokeStatus.values if runs(program, InvokeStatus=state)}
    assert found == {told["InvokeStatus"]}


def test_who_may_not_see_a_server_sees_nothing_of_it(program_of, somebody, instance, olga):
    other = InstanceFactory()
    both = ran(olga, instance, other)
    seen = {
        "Effect": "Allow",
        "Action": ["ecs:DescribeInvocations", "ecs:DescribeInvocationResults"],
        "Resource": [f"acs:ecs:*:*:instance/{instance.pk}", "acs:ecs:*:*:command/*"],
    }
    theirs = program_of(somebody("sid", seen).user)

    assert [one["InstanceId"] for one in results(theirs, InvokeId=both.pk)] == [instance.pk]
    assert runs(theirs) == []


def test_the_lists_take_the_same_queries_however_long_they_are(
    program, django_assert_max_num_queries, instance, olga
):
    for number in range(10):
        ended_with(olga, instance if number else InstanceFactory(), b"hi")
    # By this the use of the key is noted, for some minutes.
    results(program)

    # Key (twice), region, number, rows, outputs.
    with django_assert_max_num_queries(6):
        assert len(results(program)) == 10
    # The same, the servers, and whose outputs may be read.
    with django_assert_max_num_queries(8):
        assert len(runs(program, InstanceId=instance.pk, IncludeOutput="true")) == 9


def test_a_run_takes_the_same_queries_on_however_many_servers(program, django_assert_max_num_queries):
    many = [InstanceFactory() for _ in range(9)]
    ids = {f"InstanceId.{number}": one.pk for number, one in enumerate(many, start=1)}

    asked = {"Type": "RunShellScript", "CommandContent": "true", **ids}
    # The first one notes the use of the key and begins the day's count.
    program.call("RunCommand", **asked)

    with django_assert_max_num_queries(20):
        program.call("RunCommand", **asked)

    assert Target.objects.count() == 18


def test_base64_with_line_breaks_is_base64(program, instance):
    content = b64encode(b"echo " + b"x" * 90).decode()

    run(program, instance, CommandContent=f"{content[:76]}\n{content[76:]}", ContentEncoding="Base64")

    assert Command.objects.get().content == "echo " + "x" * 90

"""Restarting servers as programs do: they are told, are Starting, and are back when their agents are (CA-274)."""

import pytest
from django.utils import timezone

from assistant.invocations.models import Invocation, Target
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, fresh, report

pytestmark = pytest.mark.django_db


def named(*instances):
    return {f"InstanceId.{number}": one.pk for number, one in enumerate(instances, start=1)}


def states_of(program, *instances):
    told = program.call("DescribeInstanceStatus", **named(*instances))["InstanceStatuses"]["InstanceStatus"]
    states = {one["InstanceId"]: one["Status"] for one in told}
    return [states[one.pk] for one in instances]


def test_the_way_of_the_specification_run_restart_and_wait(program):
    web, db = InstanceFactory.create_batch(2)

    told = program.call("RebootInstances", ForceReboot="false", **named(web, db))

    assert [one["Code"] for one in told["InstanceResponses"]["InstanceResponse"]] == ["200", "200"]
    assert states_of(program, web, db) == ["Starting", "Starting"]
    for target in Target.objects.all():
        fetch(target)
        report(target, "running", started_at=timezone.now())
        report(target, body=b"Restarts in 5 seconds.\n")
    assert states_of(program, web, db) == ["Starting", "Starting"], "the script has ended, nobody is back"
    fetch(Target.objects.get(instance=web), is_startup=True, cold_start=True)
    assert states_of(program, web, db) == ["Running", "Starting"]
    assert fresh(Target.objects.get(instance=web)).status == "Success"


@pytest.mark.parametrize(
    ("status", "names"), [("Running", ["calm"]), ("Starting", ["restarts"]), ("Stopped", ["gone"])]
)
def test_servers_are_found_by_their_state(program, status, names):
    restarts, _calm, _gone = (
        InstanceFactory(name=name, offline=name == "gone") for name in ("restarts", "calm", "gone")
    )
    program.call("RebootInstance", InstanceId=restarts.pk)

    told = program.call("DescribeInstances", Status=status)["Instances"]["Instance"]

    assert [(one["InstanceName"], one["Status"]) for one in told] == [(name, status) for name in names]


def test_one_server_is_restarted_with_force(program):
    answer = program.call("RebootInstance", InstanceId=InstanceFactory().pk, ForceStop="true")

    assert list(answer) == ["RequestId"]
    run = Invocation.objects.get()
    assert run.is_restart
    assert "reboot -f" in run.command.content
    assert not run.command.kept


def test_windows_and_linux_restart_with_one_call(program):
    linux, windows = InstanceFactory(), InstanceFactory(os_type="windows")

    program.call("RebootInstances", **named(linux, windows))

    kinds = Target.objects.order_by("pk").values_list("instance_id", "invocation__command__type")
    assert dict(kinds) == {linux.pk: "RunShellScript", windows.pk: "RunBatScript"}


def test_one_that_cannot_be_reached_keeps_all_up_or_is_left_out(program):
    there, gone = InstanceFactory(), InstanceFactory(name="gone", offline=True)

    refused = program.send_v3("RebootInstances", **named(there, gone))
    assert (refused.status_code, refused.json()["Code"]) == (403, "IncorrectInstanceStatus")
    assert not Invocation.objects.exists()

    told = program.call("RebootInstances", BatchOptimization="SuccessFirst", **named(there, gone))
    answers = told["InstanceResponses"]["InstanceResponse"]
    assert [(one["InstanceId"], one["Code"], one["CurrentStatus"]) for one in answers] == [
        (there.pk, "200", "Starting"),
        (gone.pk, "IncorrectInstanceStatus", "Stopped"),
    ]


@pytest.mark.parametrize(
    ("action", "said", "code"),
    [
        ("RebootInstance", {"DryRun": "true"}, "DryRunOperation"),
        ("RebootInstances", {"DryRun": "true"}, "DRYRUN.SUCCESS"),
        ("RebootInstance", {"InstanceId": "mi-nobody"}, "InvalidInstanceId.NotFound"),
        ("RebootInstances", {"InstanceId.2": "mi-nobody"}, "InvalidInstanceId.NotFound"),
        ("RebootInstances", {"BatchOptimization": "Perhaps"}, "InvalidParameter.BatchOptimization"),
    ],
)
def test_what_is_checked_or_refused_restarts_nothing(program, action, said, code):
    name = "InstanceId" if action == "RebootInstance" else "InstanceId.1"

    answer = program.call(action, **{name: InstanceFactory().pk, **said})

    assert answer["Code"] == code
    assert not Invocation.objects.exists()


def test_an_agent_that_is_not_root_cannot_restart_its_server(program):
    answer = program.call("RebootInstance", InstanceId=InstanceFactory(is_privileged=False).pk)

    assert answer["Code"] == "Operation.Forbidden"


def test_who_may_run_commands_may_not_restart_by_that(program_of, somebody):
    paul = somebody(
        "paul", {"Effect": "Allow", "Action": ["ecs:RunCommand", "ecs:Describe*"], "Resource": "*"}
    )

    answer = program_of(paul.user).call("RebootInstances", **named(InstanceFactory()))

    assert answer["Code"] == "Forbidden.RAM"
    assert not Invocation.objects.exists()

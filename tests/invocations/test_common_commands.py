"""Common commands: seen by everybody who may look, run by name, copied, and never part of one's own."""

import base64
import re

import pytest

from access.models import AuditEntry
from assistant.commands.models import Command
from assistant.commands.rules.catalogue import catalogue
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation
from assistant.invocations.operations.common_commands import invoke_common_command
from console.kit.errors import InvalidParameter, NotAllowed
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import fetch, target_of

pytestmark = pytest.mark.django_db

DISK = catalogue()["CA-ECS-DiskUsage.sh"]
RESTART = catalogue()["CA-ECS-ServiceRestart.sh"]


def invoked(principal, common, *instances, **how):
    region = instances[0].region if instances else RegionFactory()
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    return invoke_common_command(principal, common, region, targets=targets, **how)


def test_a_run_keeps_the_script_as_it_was(olga):
    invocation = invoked(olga, DISK, InstanceFactory(), parameters={"limit": "70"}, username="backup")

    command = invocation.command
    assert (command.name, command.provider, command.version, command.kept) == (
        "CA-ECS-DiskUsage.sh",
        "CloudAssistant.ECS.Disk",
        1,
        False,
    )
    assert (command.content, command.timeout) == (DISK.content, DISK.timeout)
    assert (invocation.parameters, invocation.username) == ({"limit": "70"}, "backup")
    assert not Command.objects.kept().exists()
    assert AuditEntry.objects.filter(action="ecs:InvokeCommand", resource=invocation.pk).exists()


@pytest.mark.parametrize("given", [{}, {"limit": ""}, None])
def test_what_is_not_said_is_the_default(olga, given):
    invocation = invoked(olga, DISK, InstanceFactory(), parameters=given)

    assert invocation.parameters == {"limit": "85"}


def test_the_agent_gets_the_script_with_its_values(olga):
    invocation = invoked(olga, DISK, InstanceFactory(), parameters={"limit": "70"})

    [task] = fetch(target_of(invocation)).runs

    assert b"limit='70'" in base64.b64decode(task.content)


@pytest.mark.parametrize(
    ("common", "values", "field"),
    [
        (DISK, {"limit": "'; id; '"}, "parameter-limit"),
        (DISK, {"limit": "many"}, "parameter-limit"),
        (DISK, {"colour": "red"}, "parameters"),
        (RESTART, {}, "parameter-name"),
        (RESTART, {"name": "nginx", "apply": "perhaps"}, "parameter-apply"),
        (RESTART, {"name": "a b"}, "parameter-name"),
    ],
)
def test_values_that_do_not_fit_are_refused_and_change_nothing(olga, common, values, field):
    with pytest.raises(InvalidParameter) as refusal:
        invoked(olga, common, InstanceFactory(), parameters=values)

    assert refusal.value.field == field
    assert not Command.objects.exists()


def test_a_linux_command_is_not_run_on_windows(olga):
    with pytest.raises(InvalidParameter, match="cannot run on"):
        invoked(olga, DISK, InstanceFactory(windows=True))


def allow(action, *resources, **condition):
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **condition}


@pytest.mark.parametrize(
    ("resources", "is_allowed"),
    [
        (["acs:ecs:*:*:command/CA-ECS-*", "acs:ecs:*:*:instance/*"], True),
        (["acs:ecs:local:*:command/CA-ECS-DiskUsage.sh", "acs:ecs:*:*:instance/*"], True),
        (["acs:ecs:*:*:command/CA-ECS-OpenPorts.sh", "acs:ecs:*:*:instance/*"], False),
        (["acs:ecs:elsewhere:*:command/*", "acs:ecs:*:*:instance/*"], False),
        (["acs:ecs:*:*:command/c-*", "acs:ecs:*:*:instance/*"], False),
        (["acs:ecs:*:*:command/CA-ECS-*"], False),
        (["acs:ecs:*:*:instance/*"], False),
    ],
)
def test_who_may_run_a_common_command(somebody, resources, is_allowed):
    instance = InstanceFactory()
    paul = somebody("paul", allow("ecs:InvokeCommand", *resources))

    if is_allowed:
        assert invoked(paul.principal, DISK, instance).n_total == 1
    else:
        with pytest.raises(NotAllowed):
            invoked(paul.principal, DISK, instance)


# --- Pages ---


def test_all_are_listed_and_can_be_searched(as_operator):
    page = as_operator.get("/console/commands/common/").content.decode()
    found = as_operator.get("/console/commands/common/?q=certificate&category=Security").content.decode()
    nothing = as_operator.get("/console/commands/common/?q=nonsense&category=Nonsense").content.decode()

    assert all(name in page for name in catalogue())
    assert "CA-ECS-CertificateExpiry.sh" in found
    assert "CA-ECS-DiskUsage.sh" not in found
    assert "No common command matches" in nothing


def test_the_lists_page_and_its_part_share_the_markup(as_operator):
    part = as_operator.get("/console/commands/common/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert 'id="common-commands"' in part


def test_those_that_change_something_are_marked(as_operator):
    rows = as_operator.get("/console/commands/common/?category=Services").content.decode().split("<tr>")

    [restart] = [row for row in rows if RESTART.name in row]
    [status] = [row for row in rows if "CA-ECS-ServiceStatus.sh" in row]
    assert "Changes something" in restart
    assert "Only looks" in status


def test_a_page_shows_script_and_parameters(as_operator):
    page = as_operator.get(f"/console/commands/common/{DISK.name}/").content.decode()

    assert "/bin/sh" in page
    assert "limit=" in page
    assert f"/console/run/?common={DISK.name}" in page
    assert as_operator.get("/console/commands/common/CA-ECS-Nothing.sh/").status_code == 404
    assert as_operator.get("/console/run/?common=CA-ECS-Nothing.sh").status_code == 404


def test_it_is_run_from_the_panel(as_operator):
    instance = InstanceFactory()

    form = as_operator.get(f"/console/run/?common={DISK.name}").content.decode()
    fields = {"common": DISK.name, "instance": instance.pk, "username": ""}
    refused = as_operator.post("/console/run/", fields | {"parameter-limit": "x"})
    response = as_operator.post("/console/run/", fields | {"parameter-limit": "80"})

    invocation = Invocation.objects.get()
    assert 'name="common"' in form
    assert re.search(r'name="parameter-limit"[^>]*value="85"', form)
    assert (refused.status_code, "limit cannot be x" in refused.content.decode()) == (422, True)
    assert response["Location"] == invocation.get_absolute_url()
    assert invocation.parameters == {"limit": "80"}
    assert DISK.name in as_operator.get(f"/console/invocations/?q={DISK.name}").content.decode()


def test_a_copy_is_a_command_of_ones_own(as_operator):
    RegionFactory()
    address = f"/console/commands/common/{DISK.name}/copy/"

    form = as_operator.get(address).content.decode()
    fields = {"name": "My disks", "language": "shell", "content": DISK.content, "timeout": 60}
    as_operator.post(address, fields | {"region": "local", "enable_parameter": "on"})

    assert DISK.title in form
    [copy] = Command.objects.kept()
    assert (copy.name, copy.content, copy.provider) == ("My disks", DISK.content, "")


def test_who_may_run_one_command_alone_finds_its_button(somebody):
    RegionFactory()
    paul = somebody(
        "paul", allow("ecs:InvokeCommand", f"acs:ecs:*:*:command/{DISK.name}", "acs:ecs:*:*:instance/*")
    )

    page = paul.client.get("/console/commands/common/").content.decode()

    assert f'href="/console/run/?common={DISK.name}"' in page
    assert 'href="/console/run/?common=CA-ECS-OpenPorts.sh"' not in page
    assert paul.client.get(f"/console/commands/common/{DISK.name}/copy/").status_code == 403


def test_it_goes_to_the_instances_that_may_be_chosen(somebody):
    instance = InstanceFactory()
    paul = somebody(
        "paul",
        allow("ecs:InvokeCommand", "*"),
        allow("ecs:DescribeInstances", "*"),
        allow("ecs:DescribeManagedInstances", "*"),
    )

    choices = paul.client.get(f"/console/run/targets/?common={DISK.name}").content.decode()
    paul.client.post("/console/run/", {"common": DISK.name, "instance": instance.pk, "parameter-limit": "80"})

    assert instance.pk in choices
    assert Invocation.objects.get().command.name == DISK.name


def test_the_list_costs_the_same_however_many_there_are(as_operator, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        as_operator.get("/console/commands/common/")

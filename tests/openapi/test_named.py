"""What a call names has to be permitted: it is refused, and not answered as if it were not there (CA-246)."""

import json

import pytest

from access.models import AuditEntry, PolicyAttachment
from assistant.instances.models import Tag
from tests.conftest import put_policy
from tests.instances.factories import ActivationFactory, InstanceFactory, RegionFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db

NOBODYS = "mi-lo0000000000zzz"


@pytest.fixture
def mine(db):
    RegionFactory()
    return InstanceFactory(name="mine")


@pytest.fixture
def yours(mine):
    return InstanceFactory(name="yours")


@pytest.fixture
def program(program_of, django_user_model):
    """Of somebody who may do what the test allows, and nothing else."""
    user = django_user_model.objects.create_user("nils")
    program = program_of(user)

    def allow(action, *resources, **condition):
        said = {"Condition": condition} if condition else {}
        statement = {"Effect": "Allow", "Action": action, "Resource": list(resources), **said}
        policy = put_policy(f"{user.username}{PolicyAttachment.objects.count()}", statement)
        PolicyAttachment.objects.create(policy=policy, user=user)

    program.allow = allow
    return program


def instance(row):
    return f"acs:ecs:*:*:instance/{row.pk}"


LISTS_OF_INSTANCES = [
    ("DescribeInstances", lambda pk: {"InstanceIds": json.dumps([pk])}),
    ("DescribeInstanceStatus", lambda pk: {"InstanceId.1": pk}),
    ("DescribeManagedInstances", lambda pk: {"InstanceId.1": pk}),
    ("DescribeCloudAssistantStatus", lambda pk: {"InstanceId.1": pk}),
    ("ListTagResources", lambda pk: {"ResourceType": "instance", "ResourceId.1": pk}),
    ("DescribeInvocations", lambda pk: {"InstanceId": pk}),
    ("DescribeInvocationResults", lambda pk: {"InstanceId": pk}),
]


@pytest.mark.parametrize(("action", "naming"), LISTS_OF_INSTANCES)
def test_a_list_that_names_a_server_is_answered_or_refused_as_a_whole(program, mine, yours, action, naming):
    program.allow(f"ecs:{action}", instance(mine), "acs:ecs:*:*:command/*")

    assert "Code" not in program.call(action, **naming(mine.pk))
    for pk in (yours.pk, NOBODYS):
        response = program.send_v3(action, **naming(pk))
        assert (response.status_code, response.json()["Code"]) == (403, "Forbidden.RAM"), pk
        assert response.json()["AccessDeniedDetail"]["AuthAction"] == f"ecs:{action}"
    assert AuditEntry.objects.filter(outcome=AuditEntry.Outcome.REFUSED, action=f"ecs:{action}").count() == 2


@pytest.mark.parametrize(("action", "naming"), LISTS_OF_INSTANCES[2:4])
def test_one_that_is_not_permitted_spoils_all(program, mine, yours, action, naming):
    program.allow(f"ecs:{action}", instance(mine))

    said = program.call(action, **{"InstanceId.1": mine.pk, "InstanceId.2": yours.pk})

    assert said["Code"] == "Forbidden.RAM"
    assert yours.pk in said["Message"]


def test_each_action_shows_what_it_is_allowed_on_itself(program, mine, yours):
    program.allow("ecs:DescribeManagedInstances", instance(mine))
    program.allow("ecs:DescribeCloudAssistantStatus", instance(yours))

    listed = program.call("DescribeManagedInstances")["Instances"]
    statuses = program.call("DescribeCloudAssistantStatus")["InstanceCloudAssistantStatusSet"]

    assert [one["InstanceId"] for one in listed] == [mine.pk]
    assert [one["InstanceId"] for one in statuses["InstanceCloudAssistantStatus"]] == [yours.pk]


def test_a_servers_tags_count(program, mine, yours):
    Tag.objects.create(instance=mine, key="env", value="test")
    program.allow("ecs:DescribeManagedInstances", "*", StringEquals={"ecs:tag/env": "test"})

    said = program.call("DescribeManagedInstances", **{"InstanceId.1": mine.pk})
    refused = program.call("DescribeManagedInstances", **{"InstanceId.1": yours.pk})

    assert [one["InstanceId"] for one in said["Instances"]] == [mine.pk]
    assert refused["Code"] == "Forbidden.RAM"


@pytest.mark.parametrize(
    ("action", "kind", "parameter"),
    [
        ("DescribeCommands", "command", "CommandId"),
        ("DescribeInvocations", "command", "CommandId"),
        ("DescribeInvocationResults", "command", "CommandId"),
        ("DescribeActivations", "activation", "ActivationId"),
    ],
)
def test_a_list_that_names_something_else_is_refused_as_well(program, mine, action, kind, parameter):
    program.allow(f"ecs:{action}", f"acs:ecs:*:*:{kind}/allowed", "acs:ecs:*:*:instance/*")

    assert "Code" not in program.call(action, **{parameter: "allowed"})
    assert program.call(action, **{parameter: "other"})["Code"] == "Forbidden.RAM"


@pytest.mark.parametrize("action", ["DescribeInvocations", "DescribeInvocationResults"])
def test_a_run_is_seen_with_its_servers_or_refused(olga, program, mine, yours, action):
    seen, hidden = ran(olga, mine), ran(olga, yours)
    report(started(target_of(seen)))
    program.allow(f"ecs:{action}", instance(mine), "acs:ecs:*:*:command/*")

    assert program.call(action, InvokeId=hidden.pk)["Code"] == "Forbidden.RAM"
    for more in ({}, {"InvokeStatus": "Failed", "InvokeRecordStatus": "Failed"}):
        assert "Code" not in program.call(action, InvokeId=seen.pk, **more)
    assert "Code" not in program.call(action, InvokeId="t-lo000000000000")


def test_an_administrator_names_what_is_not_there_and_gets_nothing(program_of, django_user_model, mine):
    boss = program_of(django_user_model.objects.create_superuser("otto"))

    assert boss.call("DescribeManagedInstances", **{"InstanceId.1": NOBODYS})["Instances"] == []
    assert boss.call("DescribeActivations", ActivationId=str(ActivationFactory().pk))["ActivationList"]

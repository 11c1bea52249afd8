"""Servers, activation codes, tags and quotas as programs see them."""

import pytest
from django.utils import timezone

from assistant.instances.models import Activation, Instance
from tests.instances.factories import ActivationFactory, InstanceFactory, RegionFactory
from tests.invocations.factories import ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance():
    instance = InstanceFactory(name="web-1", intranet_ip="10.0.0.7", internet_ip="192.0.2.8")
    instance.tags.create(key="env", value="prod")
    return instance


# --- Instances ---


def test_a_managed_instance_is_told_with_all_its_facts(program, instance, olga):
    ran(olga, instance)

    [told] = program.call("DescribeManagedInstances")["Instances"]

    assert told["InstanceId"] == instance.pk
    assert (told["InstanceName"], told["Connected"]) == ("web-1", True)
    assert (told["IntranetIp"], told["InternetIp"]) == ("10.0.0.7", "192.0.2.8")
    assert told["InvocationCount"] == 1
    assert told["LastInvokedTime"].endswith("Z")
    assert told["Tags"] == [{"TagKey": "env", "TagValue": "prod"}]


FOUND = [
    ({}, ["db", "web-1"]),
    ({"InstanceName": "web-1"}, ["web-1"]),
    ({"InstanceName": "web*"}, ["web-1"]),
    ({"InstanceName": "*b"}, ["db"]),
    ({"InstanceName": "*b*"}, ["db", "web-1"]),
    ({"InstanceName": "we"}, []),
    ({"InstanceIp": "192.0.2.8"}, ["web-1"]),
    ({"Connected": "false"}, ["db"]),
    ({"Connected": "True"}, ["web-1"]),
    ({"OsType": "Linux"}, ["db", "web-1"]),
    ({"Tag.1.Key": "env"}, ["web-1"]),
    ({"Tag.1.Key": "env", "Tag.1.Value": "prod"}, ["web-1"]),
    ({"Tag.1.Key": "env", "Tag.1.Value": "test"}, []),
    ({"OwnerId": "1", "Nonsense": "x"}, ["db", "web-1"]),
]


@pytest.mark.parametrize(("filters", "names"), FOUND)
def test_instances_are_found(program, instance, filters, names):
    InstanceFactory(name="db", offline=True)

    told = program.call("DescribeManagedInstances", **filters)

    assert sorted(one["InstanceName"] for one in told["Instances"]) == names
    assert told["TotalCount"] == len(names)


def test_instances_by_id_and_those_of_other_regions(program, instance):
    other = InstanceFactory(region=RegionFactory(id="north", name="North", code="no"))

    named = {"InstanceId.1": instance.pk, "InstanceId.2": other.pk}
    assert len(program.call("DescribeManagedInstances", **named)["Instances"]) == 1
    north = program.call("DescribeManagedInstances", RegionId="north")["Instances"]
    assert [one["InstanceId"] for one in north] == [other.pk]
    assert program.call("DescribeManagedInstances", RegionId="mars")["Code"] == "InvalidRegionId.NotFound"


def test_pages_by_number_and_by_token_hold_everybody_once(program):
    pks = {InstanceFactory().pk for _ in range(7)}

    by_number = [
        one["InstanceId"]
        for number in (1, 2, 3)
        for one in program.call("DescribeManagedInstances", PageNumber=number, PageSize=3)["Instances"]
    ]
    by_token, token = [], None
    while token != "":
        told = program.call("DescribeManagedInstances", MaxResults=3, NextToken=token or None)
        by_token += [one["InstanceId"] for one in told["Instances"]]
        token = told["NextToken"]

    assert sorted(by_number) == sorted(by_token) == sorted(pks)


def test_the_number_of_queries_does_not_grow(program, django_assert_max_num_queries):
    for _ in range(20):
        InstanceFactory().tags.create(key="env", value="prod")

    with django_assert_max_num_queries(14):
        assert len(program.call("DescribeManagedInstances", PageSize=50)["Instances"]) == 20


def test_as_an_instance_every_list_is_there(program, instance):
    [told] = program.call("DescribeInstances", InstanceIds=f'["{instance.pk}"]')["Instances"]["Instance"]

    assert told["Status"] == "Running"
    assert told["PublicIpAddress"]["IpAddress"] == ["192.0.2.8"]
    assert told["VpcAttributes"]["PrivateIpAddress"]["IpAddress"] == ["10.0.0.7"]
    assert told["SecurityGroupIds"]["SecurityGroupId"] == []
    assert told["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "prod"}]


@pytest.mark.parametrize("text", ["nonsense", "{}", "[1]", '["a' + chr(0) + '"]', "[" * 3000])
def test_ids_that_are_no_list_are_refused(program, text):
    assert program.call("DescribeInstances", InstanceIds=text)["Code"] == "InvalidParameter.InstanceIds"


def test_a_dry_run_says_that_it_was_one(program):
    assert program.call("DescribeInstances", DryRun="true")["Code"] == "DryRunOperation"


def test_whether_servers_can_be_reached(program, instance):
    away = InstanceFactory(offline=True)

    told = program.call("DescribeInstanceStatus")["InstanceStatuses"]["InstanceStatus"]

    assert {one["InstanceId"]: one["Status"] for one in told} == {instance.pk: "Running", away.pk: "Stopped"}


def test_how_an_agent_is(program, instance):
    told = program.call("DescribeCloudAssistantStatus", **{"InstanceId.1": instance.pk})

    [status] = told["InstanceCloudAssistantStatusSet"]["InstanceCloudAssistantStatus"]
    assert (status["CloudAssistantStatus"], status["OSType"]) == ("true", "Linux")
    assert status["SupportSessionManager"] is False


@pytest.mark.parametrize("action", ["DescribeCloudAssistantStatus", "InstallCloudAssistant"])
def test_an_unknown_id_is_said(program, action):
    told = program.call(action, **{"InstanceId.1": "mi-nobody"})

    assert told["Code"] == "InvalidInstance.NotFound"


def test_nothing_is_installed_where_an_agent_is(program, instance):
    assert set(program.call("InstallCloudAssistant", **{"InstanceId.1": instance.pk})) == {"RequestId"}
    assert program.call("InstallCloudAssistant")["Code"] == "MissingParam.InstanceId"


def test_too_many_ids_are_refused(program):
    ids = {f"InstanceId.{number}": f"mi-{number}" for number in range(1, 52)}

    assert program.call("DescribeManagedInstances", **ids)["Code"] == "InstanceIds.ExceedLimit"


def test_a_server_is_renamed_and_let_go(program, instance):
    renamed = program.call("ModifyManagedInstance", InstanceId=instance.pk, InstanceName="web-2")
    assert renamed["Instance"] == {"InstanceId": instance.pk, "InstanceName": "web-2"}

    gone = program.call("DeregisterManagedInstance", InstanceId=instance.pk, ClientToken="once")
    again = program.call("DeregisterManagedInstance", InstanceId=instance.pk, ClientToken="once")

    assert gone["Instance"] == again["Instance"]
    assert gone["RequestId"] != again["RequestId"]
    assert Instance.objects.get(pk=instance.pk).is_released
    told = program.call("DeregisterManagedInstance", InstanceId=instance.pk)
    assert told["Code"] == "InvalidInstanceId.NotFound"


@pytest.mark.parametrize("name", ["", "\x07bell", "x" * 300])
def test_a_name_that_is_none_changes_nothing(program, instance, name):
    told = program.call("ModifyManagedInstance", InstanceId=instance.pk, InstanceName=name)

    assert told["Code"] in ("MissingParameter", "InstanceName.InvalidPattern")
    assert Instance.objects.get().name == "web-1"


# --- Activations ---


def test_an_activation_from_its_making_to_its_end(program):
    made = program.call(
        "CreateActivation", InstanceName="web", InstanceCount=3, IpAddressRange="10.0.0.0/8,192.0.2.1"
    )
    assert made["ActivationCode"].startswith("a-lo")

    [told] = program.call("DescribeActivations", ActivationId=made["ActivationId"])["ActivationList"]
    assert (told["InstanceName"], told["InstanceCount"], told["Disabled"]) == ("web", 3, False)
    assert told["IpAddressRange"] == "10.0.0.0/8,192.0.2.1/32"
    assert "ActivationCode" not in told

    off = program.call("DisableActivation", ActivationId=made["ActivationId"])["Activation"]
    assert off["Disabled"] is True
    gone = program.call("DeleteActivation", ActivationId=made["ActivationId"])["Activation"]
    assert gone["ActivationId"] == made["ActivationId"]
    assert (
        program.call("DeleteActivation", ActivationId=made["ActivationId"])["Code"] == "ActivationId.NotFound"
    )


REFUSED = [
    ({"InstanceName": "9web"}, "InstanceName.InvalidPattern"),
    ({"InstanceCount": 0}, "ActivationLimitation.Invalid"),
    ({"InstanceCount": "many"}, "InvalidParameter.InstanceCount"),
    ({"TimeToLiveInHours": 100_000}, "ActivationTTL.ExceedLimit"),
    ({"Description": "x" * 300}, "ActivationDesc.ExceedLimit"),
    ({"IpAddressRange": "everywhere"}, "AddressRange.InvalidPattern"),
    ({"Tag.1.Key": "env"}, "InvalidParameter.Tag"),
    ({"ClientToken": "é"}, "InvalidParameter.ClientToken"),
]


@pytest.mark.parametrize(("parameters", "code"), REFUSED)
def test_an_activation_that_cannot_be_is_refused(program, parameters, code):
    assert program.call("CreateActivation", **parameters)["Code"] == code
    assert not Activation.objects.exists()


def test_an_activation_that_is_in_use_stays(program, instance):
    told = program.call("DeleteActivation", ActivationId=instance.activation_id)

    assert told["Code"] == "Activation.InUse"
    assert Activation.objects.filter(pk=instance.activation_id).exists()


def test_activations_are_found_by_what_names_begin_with(program):
    ActivationFactory(instance_name="web", created_at=timezone.now())
    ActivationFactory(instance_name="db", created_at=timezone.now())

    told = program.call("DescribeActivations", InstanceName="we")["ActivationList"]

    assert [one["InstanceName"] for one in told] == ["web"]


# --- Tags, quotas ---


def test_tags_are_put_on_listed_and_taken_off(program, instance):
    named = {"ResourceType": "instance", "ResourceId.1": instance.pk}
    program.call("TagResources", **named, **{"Tag.1.Key": "team", "Tag.1.Value": "blue"})

    told = program.call("ListTagResources", **named)["TagResources"]["TagResource"]
    assert [(one["TagKey"], one["TagValue"]) for one in told] == [("env", "prod"), ("team", "blue")]

    program.call("UntagResources", **named, **{"TagKey.1": "team"})
    assert [tag.key for tag in instance.tags.all()] == ["env"]
    program.call("UntagResources", **named, All="true")
    assert not instance.tags.exists()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"ResourceType": "disk"}, "InvalidResourceType.NotFound"),
        ({"ResourceId.1": "mi-nobody"}, "InvalidResourceId.NotFound"),
        ({"Tag.1.Key": "http://x"}, "InvalidTagKey.Malformed"),
        ({"Tag.1.Key": "a", "Tag.2.Key": "a"}, "Duplicate.TagKey"),
    ],
)
def test_tags_that_cannot_be_are_refused(program, instance, parameters, code):
    asked = {"ResourceType": "instance", "ResourceId.1": instance.pk, "Tag.1.Key": "team", **parameters}

    assert program.call("TagResources", **asked)["Code"] == code
    assert [tag.key for tag in instance.tags.all()] == ["env"]


def test_quotas_are_told_by_their_names(program):
    told = program.call("DescribeAccountAttributes", **{"AttributeName.1": "max-axt-command-count"})

    [item] = told["AccountAttributeItems"]["AccountAttributeItem"]
    assert item["AttributeValues"]["ValueItem"] == [{"Value": "100", "Count": 0}]
    assert program.call("DescribeAccountAttributes", **{"AttributeName.1": "x"})["Code"] == (
        "InvalidParameter.AttributeName"
    )


# --- Permission ---


def test_who_may_see_one_tag_sees_its_instances_only(program_of, somebody, instance):
    InstanceFactory(name="db")
    allowed = {
        "Effect": "Allow",
        "Action": "ecs:Describe*",
        "Resource": "*",
        "Condition": {"StringEquals": {"ecs:tag/env": "prod"}},
    }
    program = program_of(somebody("nils", allowed).user)

    told = program.call("DescribeManagedInstances")

    assert [one["InstanceName"] for one in told["Instances"]] == ["web-1"]
    renamed = program.call("ModifyManagedInstance", InstanceId=instance.pk, InstanceName="x")
    assert renamed["Code"] == "Forbidden.RAM"

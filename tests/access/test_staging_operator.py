"""May run only as user01, only on instances tagged env=staging, only in one region: exactly that."""

import pytest
from django.urls import reverse

from access.models import AuditEntry, PolicyAttachment
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation, Target
from console import live
from console.kit.errors import NotAllowed
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db

REGION = "cn-hangzhou"
STATEMENT = {
    "Effect": "Allow",
    "Action": [
        "ecs:DescribeManagedInstances",
        "ecs:DescribeInvocations",
        "ecs:DescribeInvocationResults",
        "ecs:RunCommand",
        "ecs:StopInvocation",
    ],
    "Resource": [f"acs:ecs:{REGION}:*:instance/*", f"acs:ecs:{REGION}:*:command/*"],
    "Condition": {"StringEquals": {"ecs:tag/env": "staging", "ecs:CommandRunAs": "user01"}},
}


@pytest.fixture
def sam(somebody):
    return somebody("sam", STATEMENT)


@pytest.fixture
def servers():
    """One that sam may use, and three that differ in one thing each."""
    here, there = RegionFactory(id=REGION, name="Hangzhou", code="hz"), RegionFactory()
    made = {
        "staging": InstanceFactory(region=here, name="staging-1"),
        "prod": InstanceFactory(region=here, name="prod-1"),
        "elsewhere": InstanceFactory(region=there, name="elsewhere-1"),
        "untagged": InstanceFactory(region=here, name="untagged-1"),
    }
    for name, env in (("staging", "staging"), ("prod", "prod"), ("elsewhere", "staging")):
        made[name].tags.create(key="env", value=env)
    return made


OTHERS = ["prod", "elsewhere", "untagged"]


def test_the_list_the_counts_and_the_search_show_the_one_instance(sam, servers):
    listed = sam.client.get("/console/instances/").content.decode()
    overview = sam.client.get("/console/").content.decode()

    assert "staging-1" in listed
    assert not any(f"{name}-1" in listed for name in OTHERS)
    assert "1 match" in listed
    assert "<b>1</b>managed instances" in overview
    for name in OTHERS:
        found = sam.client.get("/console/search/", {"q": f"{name}-1"}).content.decode()
        assert servers[name].pk not in found


@pytest.mark.parametrize("name", OTHERS)
def test_what_sam_may_not_see_is_not_there(sam, servers, name):
    pk = servers[name].pk

    assert sam.client.get(f"/console/instances/{pk}/").status_code == 404
    assert f"{name}-1" not in sam.client.get(f"/console/run/?instance={pk}").content.decode()


def run_form(instance, **fields):
    return {"language": "shell", "content": "id -un", "timeout": 60, "instance": instance.pk, **fields}


def test_sam_runs_as_user01_on_the_staging_server(sam, servers):
    response = sam.client.post("/console/run/", run_form(servers["staging"], username="user01"))

    assert response.status_code == 302
    invocation = Invocation.objects.get()
    assert response["Location"] == invocation.get_absolute_url()
    assert sam.client.get(response["Location"]).status_code == 200
    entry = AuditEntry.objects.get(action="ecs:RunCommand")
    assert (entry.principal, entry.outcome, entry.decided_by) == ("sam", "Done", "of-sam/Statement[0]")


@pytest.mark.parametrize("username", ["", "root", "User01", "user02"])
def test_sam_runs_as_nobody_else(sam, servers, username):
    response = sam.client.post("/console/run/", run_form(servers["staging"], username=username))

    assert response.status_code == 403
    page = response.content.decode()
    assert "ecs:RunCommand" in page
    assert servers["staging"].pk in page
    assert not Invocation.objects.exists()
    refused = AuditEntry.objects.get(outcome="Refused")
    assert (refused.principal, refused.action, refused.resource) == (
        "sam",
        "ecs:RunCommand",
        servers["staging"].arn,
    )


@pytest.mark.parametrize("name", OTHERS)
def test_an_operation_refuses_what_the_page_does_not_show(sam, servers, name):
    with pytest.raises(NotAllowed):
        ran(sam.principal, servers[name], username="user01")
    with pytest.raises(NotAllowed):
        ran(sam.principal, servers[name], servers["staging"], username="user01")

    assert not Invocation.objects.exists()


def test_all_that_match_are_all_that_sam_may_run_on(sam, servers):
    fields = {**run_form(servers["prod"], username="user01"), "all": "1"}
    del fields["instance"]

    sam.client.post("/console/run/", fields)

    assert [target.instance_id for target in Target.objects.all()] == [servers["staging"].pk]


def test_of_a_run_on_more_than_that_sam_sees_the_own_result_alone(sam, servers, olga):
    invocation = ran(olga, servers["staging"], servers["prod"], content="hostname")
    for name in ("staging", "prod"):
        report(started(target_of(invocation, servers[name])), body=f"{name} says\n".encode())

    def seen(name):
        return sam.client.get(f"/console/invocations/{invocation.pk}/instances/{servers[name].pk}/")

    assert invocation.pk not in sam.client.get("/console/invocations/").content.decode()
    assert sam.client.get(invocation.get_absolute_url()).status_code == 404
    assert "staging says" in seen("staging").content.decode()
    assert seen("prod").status_code == 404
    output = f"/console/invocations/{invocation.pk}/instances/{servers['prod'].pk}/output/"
    assert sam.client.get(output).status_code == 404
    assert "hostname" in sam.client.get(f"/console/instances/{servers['staging'].pk}/").content.decode()


def test_sam_stops_on_the_own_server_a_run_that_goes_on_elsewhere_too(sam, servers, olga):
    invocation = ran(olga, servers["staging"], servers["prod"], content="sleep 600")
    address = reverse("invocations:invocation_stop", args=[invocation.pk])

    asked = sam.client.get(address).content.decode()
    sam.client.post(address)

    assert "staging-1" in asked
    assert "prod-1" not in asked
    states = dict(Target.objects.values_list("instance__name", "status"))
    assert states == {"staging-1": "Cancelled", "prod-1": "Pending"}


def test_buttons_that_are_not_sams_say_what_they_need(sam, servers):
    page = sam.client.get(f"/console/instances/{servers['staging'].pk}/").content.decode()

    assert "You need ecs:DeregisterManagedInstance" in page
    assert "You need ecs:ModifyManagedInstance" in page
    assert "You need ecs:RunCommand" not in page


@pytest.mark.parametrize("path", ["/console/activations/", "/console/activations/create/"])
def test_a_page_that_nothing_opens_says_which_action_is_missing(sam, path):
    response = sam.client.get(path)

    assert response.status_code == 403
    assert "Activation" in response.content.decode()


def test_other_regions_are_not_named(sam, servers):
    assert "Local" not in sam.client.get("/console/instances/").content.decode()


def test_a_stream_tells_of_what_may_be_seen(sam, servers, olga):
    mine, theirs = ran(olga, servers["staging"]), ran(olga, servers["prod"])
    topics = {
        "instances",
        "activations",
        f"instance-{servers['staging'].pk}",
        f"instance-{servers['prod'].pk}",
        f"invocation-{mine.pk}",
        f"invocation-{theirs.pk}",
        "nonsense",
    }

    seen = set(live.visible(sam.principal, topics))

    assert seen == {"instances", f"instance-{servers['staging'].pk}", f"invocation-{mine.pk}"}


def test_a_withdrawn_policy_counts_at_the_next_request(sam, servers):
    assert sam.client.get("/console/instances/").status_code == 200

    PolicyAttachment.objects.all().delete()

    assert sam.client.get("/console/instances/").status_code == 403
    assert "Nothing is open to you yet" in sam.client.get("/console/").content.decode()


def test_a_tag_that_is_taken_off_closes_the_instance(sam, servers):
    servers["staging"].tags.all().delete()

    assert sam.client.get(f"/console/instances/{servers['staging'].pk}/").status_code == 404
    assert Instance.objects.visible_to(sam.principal).count() == 0

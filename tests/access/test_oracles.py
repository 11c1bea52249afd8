"""What a review found: ways to learn, or to do, more than a policy allows."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from access.models import AuditEntry, Policy, PolicyAttachment, PolicyVersion, User
from access.operations.attachments import attach_policy
from access.operations.groups import add_user_to_group, create_group, delete_group
from access.operations.identities import InForce, Memory
from access.principals import SYSTEM
from assistant.commands.models import Command
from assistant.instances.errors import MachineElsewhere
from assistant.instances.models import Instance
from assistant.instances.operations.registrations import Registration, register_instance
from assistant.invocations.models import Invocation
from console import live
from console.kit.errors import NotAllowed
from console.live import Visitor
from tests.commands.factories import saved
from tests.conftest import put_policy
from tests.instances.factories import CODE, ActivationFactory, InstanceFactory, RegionFactory
from tests.invocations.factories import ran

pytestmark = pytest.mark.django_db


def registered(activation, machine_id):
    said = Registration(activation.pk, CODE, machine_id=machine_id, public_key="-")
    return register_instance(SYSTEM, said, source_ip="192.0.2.1")


def statement(*actions, on="*", effect="Allow", **condition):
    one = {"Effect": effect, "Action": list(actions), "Resource": on}
    return one | ({"Condition": condition} if condition else {})


@pytest.mark.parametrize(
    "path", ["/console/access/password-policy/", "/console/access/quotas/", "/console/access/audit/"]
)
@pytest.mark.parametrize(
    "statements",
    [
        [statement("*:*"), statement("*:*", effect="Deny")],
        [statement("*:*", Bool={"acs:MFAPresent": "true"})],
    ],
)
def test_a_page_without_resources_asks_deny_and_conditions(somebody, path, statements):
    assert somebody("paul", *statements).client.get(path).status_code == 403


def test_what_somebody_wanted_to_do_is_remembered_where_the_door_was_closed(somebody):
    paul = somebody("paul", statement("ecs:Describe*"))

    paul.client.get("/console/run/")
    paul.client.post("/console/run/", {"content": "id"})

    refused = AuditEntry.objects.filter(outcome="Refused").values_list("principal", "action")
    assert list(refused) == [("paul", "ecs:RunCommand")]


def test_the_stop_panel_names_what_may_be_seen(somebody, olga):
    mine, hidden = InstanceFactory(name="mine-1"), InstanceFactory(name="hidden-1")
    invocation = ran(olga, mine, hidden)
    paul = somebody(
        "paul",
        statement("ecs:Describe*", on=[mine.arn, "acs:ecs:*:*:command/*"]),
        statement("ecs:StopInvocation"),
    )

    page = paul.client.get(f"/console/invocations/{invocation.pk}/stop/").content.decode()
    done = paul.client.post(f"/console/invocations/{invocation.pk}/stop/")

    assert "mine-1" in page
    assert "hidden-1" not in page
    assert "1</b> run of" in page
    assert paul.client.get(done["Location"]).status_code == 200
    assert sorted(invocation.targets.values_list("status", flat=True)) == ["Cancelled", "Pending"]


def test_a_new_version_in_between_does_not_lose_a_deny(olga):
    policy = put_policy("closing", statement("ecs:*", effect="Deny"))
    before = InForce(policy.name, policy.version, policy.updated_at)
    PolicyVersion.objects.create(policy=policy, number=2, document="{}", created_by="olga")
    Policy.objects.filter(pk=policy.pk).update(version=2)

    read = Memory().policies((before,))

    assert [one.name for one in read.policies] == ["closing"]


def heard(client, topic, *, is_secure):
    """Whether a browser's stream would tell of a topic, asked in a thread as the console does."""
    visitor = Visitor(client.cookies["sessionid"].value, "192.0.2.9", is_secure)

    def ask():
        try:
            return topic in live.seen_topics(visitor, frozenset({topic}))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


@pytest.mark.django_db(transaction=True)
def test_a_stream_over_tls_is_one(somebody):
    paul = somebody("paul", statement("ecs:Describe*", Bool={"acs:SecureTransport": "true"}))

    topic = f"instance-{InstanceFactory().pk}"

    assert heard(paul.client, topic, is_secure=True)
    assert not heard(paul.client, topic, is_secure=False)


@pytest.mark.django_db(transaction=True)
def test_who_has_something_to_do_first_hears_nothing(somebody):
    paul = somebody("paul", statement("ecs:Describe*"))
    assert heard(paul.client, "instances", is_secure=True)

    User.objects.update(must_use_second_factor=True)

    assert not heard(paul.client, "instances", is_secure=True)


def test_a_group_that_forbids_is_not_deleted_to_be_free_of_it(somebody, olga):
    paul = somebody("paul", statement("ram:DeleteGroup", "ecs:*"))
    group = create_group(olga, "fenced")
    attach_policy(olga, put_policy("fence", statement("ecs:RunCommand", effect="Deny")), group=group)
    add_user_to_group(olga, paul.user, group)

    with pytest.raises(NotAllowed, match="ram:DetachPolicyFromGroup"):
        delete_group(paul.principal, group, confirmed=True)

    assert PolicyAttachment.objects.filter(group=group).exists()


def test_a_code_of_one_region_takes_no_server_from_another():
    here, there = RegionFactory(), RegionFactory(id="cn-hangzhou", code="hz")
    theirs = registered(ActivationFactory(region=here), machine_id="the-same")

    with pytest.raises(MachineElsewhere, match="another region"):
        registered(ActivationFactory(region=there), machine_id="the-same")

    assert list(Instance.objects.registered()) == [theirs]


def test_the_trail_names_the_record_that_a_new_registration_closes():
    activation = ActivationFactory()
    first = registered(activation, machine_id="the-same")

    registered(activation, machine_id="the-same")

    newest = AuditEntry.objects.filter(action="ecs:RegisterManagedInstance").latest("pk")
    assert newest.facts["replaces"] == [first.pk]


@pytest.mark.parametrize("fields", [{"tags": "a=b"}, {"tags": "a=b", "instance": "mi-none"}])
def test_tagging_nothing_says_what_to_choose(somebody, fields):
    response = somebody("paul", statement("ecs:*")).client.post("/console/instances/tag/", fields)

    assert response.status_code == 422
    assert "Choose at least one instance." in response.content.decode()


RUN = {"language": "shell", "content": "true", "timeout": 60}
LONG = "a%" * 30_000


@pytest.mark.parametrize(
    "path",
    [
        f"/console/instances/?q={LONG}",
        f"/console/search/?q={LONG}",
        f"/console/invocations/?q={LONG}",
        f"/console/commands/?q={LONG}",
        "/console/access/audit/?begin=9999-12-31T23:59:59-12:00",
        "/console/access/audit/?end=0001-01-01T00:00:00%2B12:00",
    ],
)
def test_no_address_breaks_a_list(as_operator, path):
    assert as_operator.get(path).status_code in (200, 400, 422)


def test_a_filter_that_is_too_long_does_not_widen_a_choice(as_operator, olga):
    InstanceFactory()

    page = as_operator.post("/console/run/", RUN | {"all": "1", "q": LONG})

    assert page.status_code == 422
    assert not Invocation.objects.exists()


def test_other_regions_are_in_no_form_and_no_filter(somebody):
    RegionFactory(name="Hidden town")
    RegionFactory(id="cn-hangzhou", code="hz", name="Hangzhou")
    paul = somebody(
        "paul", statement("ecs:*", on=["acs:ecs:cn-hangzhou:*:*/*", "acs:ecs:cn-hangzhou:*:activation/*"])
    )

    form = paul.client.get("/console/activations/create/").content.decode()
    hidden = paul.client.get("/console/instances/?region=local").content
    unknown = paul.client.get("/console/instances/?region=loca1").content

    assert "Hidden town" not in form
    assert len(hidden) == len(unknown)


def test_the_command_list_counts_no_runs_that_may_not_be_seen(somebody, olga):
    saved(olga)
    paul = somebody(
        "paul", statement("ecs:DescribeCommands"), statement("ecs:DescribeInvocations", on="acs:ecs:x:*:*/*")
    )

    [seen] = Command.objects.visible_to(paul.principal).for_table(paul.principal)

    assert (seen.n_invocations, seen.last_invoked_at) == (None, None)

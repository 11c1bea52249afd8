"""May somebody do something, and why not: asked by operation, page and command."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from access.models import AuditEntry, Policy, Role, User
from access.operations.attachments import attach_policy
from access.operations.policies import create_policy, put_policy
from access.operations.simulations import simulate
from access.rules import documents
from access.rules.documents import DocumentFault
from access.rules.policies import Effect, Statement
from access.rules.policies import Policy as Statements
from access.scopes import arn
from console.kit.errors import InvalidParameter, NotAllowed
from tests.instances.factories import InstanceFactory, RegionFactory

pytestmark = pytest.mark.django_db

RUN_AS = "ecs:CommandRunAs"
CASES = json.loads((Path(__file__).parents[1] / "data" / "ram_policy_cases.json").read_text())
DECISIONS = [case for case in CASES if case["kind"] == "decision"]
# What the checker refuses, given to the engine as it would be without the checker.
MISSPELT = {"ram-043", "ram-089"}


@pytest.fixture(autouse=True)
def account(settings):
    settings.ACCOUNT_ID = "1609980000000001"


def allow(action="ecs:RunCommand", resource="acs:ecs:*:*:instance/*", **condition):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


STAGING = {"StringEquals": {RUN_AS: "user01", "ecs:tag/env": "staging"}}


@pytest.fixture
def paul(somebody):
    return somebody("paul", allow("ecs:Describe*", "*"), allow(**STAGING))


@pytest.fixture
def staging(db):
    instance = InstanceFactory(id="mi-staging", default_username="deploy")
    instance.tags.create(key="env", value="staging")
    return arn("ecs", "instance", instance.pk, region=instance.region_id)


# --- All cases of the data file ---


def spelled_statement(index, members):
    """A statement as the engine has it, for documents that the checker refuses."""
    action, resource = members["Action"], members["Resource"]
    return Statement(
        policy="case-0",
        index=index,
        effect=Effect(members["Effect"]),
        actions=(action,) if isinstance(action, str) else tuple(action),
        is_except=False,
        resources=(resource,) if isinstance(resource, str) else tuple(resource),
    )


def misspelt(case):
    [members] = case["policies"]
    return [Statements("case-0", tuple(map(spelled_statement, range(9), members["Statement"])))]


def subject(case, olga):
    """Through the same operations as the pages: the policies put, and attached to a user of their own."""
    if case["id"] in MISSPELT:
        with pytest.raises(DocumentFault):
            documents.build(case["policies"][0])
        return {"policies": misspelt(case)}
    user = User.objects.create_user("case", is_superuser=case["principal"] == "root")
    for number, members in enumerate(case["policies"]):
        policy = put_policy(olga, f"case-{number}", document=json.dumps(members))
        attach_policy(olga, policy, user=user)
    return {"user": user}


@pytest.mark.parametrize("case", DECISIONS, ids=lambda case: case["id"])
def test_every_case_is_decided_and_explained(case, olga):
    request = case["request"]

    simulation = simulate(
        olga,
        **subject(case, olga),
        action=request["action"],
        resources=request["resources"],
        context=request["context"],
        resource_contexts=request.get("resource_context"),
    )

    assert simulation.decision == case["expect"].lower()
    assert simulation.reason
    assert bool(simulation.missing) is (case["expect"] == "Deny")
    if case["principal"] != "root" and case["expect"] == "Allow":
        assert all(answer.statement.effect == "Allow" for answer in simulation.answers)


# --- Who may ask ---


def test_everybody_may_ask_about_themselves(paul, staging):
    simulation = simulate(
        paul.principal, action="ecs:RunCommand", resources=[staging], context={RUN_AS: "user01"}
    )

    assert simulation.is_allowed
    assert (simulation.statement.policy, simulation.statement.index) == ("of-paul", 1)
    assert simulation.reason.startswith("May run commands on any instance, only as user01")


def test_asking_about_others_is_a_permission(paul, reader):
    with pytest.raises(NotAllowed):
        simulate(paul.principal, user=reader, action="ecs:RunCommand")

    assert simulate(paul.principal, user=paul.user, action="ecs:RunCommand").decision == "deny"


def test_the_permission_may_be_for_some_users(olga, reader, somebody):
    asks = allow("ram:SimulatePolicy", "acs:ram:*:*:user/r*")
    sara = somebody("sara", asks).principal

    assert simulate(sara, user=reader, action="ecs:DescribeInstances", resources=["*"])
    with pytest.raises(NotAllowed):
        simulate(sara, user=User.objects.get(username="olga"), action="ecs:RunCommand")


def test_an_administrator_is_allowed_because_nothing_restricts_the_account(olga, operator):
    simulation = simulate(olga, user=operator, action="ecs:DeleteCommand")

    assert (simulation.decision, simulation.statement) == ("allow", None)
    assert "no policy restricts the account" in simulation.reason


def test_a_role_is_asked_about_by_its_policies(olga):
    role = Role.objects.create(name="helper")
    attach_policy(olga, Policy.objects.get(name="AliyunECSReadOnlyAccess"), role=role)

    assert simulate(olga, role=role, action="ecs:DescribeInstances").is_allowed
    assert not simulate(olga, role=role, action="ecs:RunCommand").is_allowed


def test_policies_that_nobody_has_can_be_tried(paul):
    policy = documents.read(json.dumps({"Version": "1", "Statement": [allow("ecs:*", "*")]}), name="draft")

    simulation = simulate(paul.principal, policies=[policy], action="ecs:DeleteCommand")

    assert (simulation.decision, simulation.statement.policy) == ("allow", "draft")


def test_asking_leaves_no_trace_but_a_refusal_does(paul, reader):
    asked_about = AuditEntry.objects.filter(action="ram:SimulatePolicy")

    simulate(paul.principal, action="ecs:RunCommand")
    before = asked_about.count()
    with pytest.raises(NotAllowed):
        simulate(paul.principal, user=reader, action="ecs:RunCommand")

    assert before == 0
    assert asked_about.get().outcome == "Refused"


# --- What the request carries ---


def test_tags_and_account_of_an_instance_that_one_may_see_are_filled_in(paul, staging):
    [answer] = simulate(paul.principal, action="ecs:RunCommand", resources=[staging]).answers

    assert answer.context == {RUN_AS: "deploy", "ecs:tag/env": "staging"}
    assert answer.missing == (f"of-paul, Statement[1] allows it only as user01; here {RUN_AS} is deploy.",)


def test_what_one_may_not_see_is_as_if_it_were_not_there(somebody, staging):
    blind = somebody("bert", allow(**STAGING)).principal

    [answer] = simulate(blind, action="ecs:RunCommand", resources=[staging]).answers

    assert answer.context == {RUN_AS: "root"}


def test_an_instance_under_the_name_of_another_region_is_none(paul, staging):
    RegionFactory(id="cn-a", code="ca")

    [answer] = simulate(
        paul.principal, action="ecs:RunCommand", resources=[staging.replace("local", "cn-a")]
    ).answers

    assert answer.context == {RUN_AS: "root"}


def test_what_is_given_counts_before_what_is_known(paul, staging):
    given = {RUN_AS: "user01", "ecs:tag/env": "prod"}

    [answer] = simulate(paul.principal, action="ecs:RunCommand", resources=[staging], context=given).answers

    assert answer.context == given
    assert not answer.is_allowed


def test_the_account_is_asked_of_runs_alone(somebody, staging):
    kim = somebody("kim", allow(["ecs:StopInvocation", "ecs:RunCommand"], StringEquals={RUN_AS: "user01"}))

    assert simulate(kim.principal, action="ecs:StopInvocation", resources=[staging]).is_allowed
    assert not simulate(kim.principal, action="ecs:RunCommand", resources=[staging]).is_allowed


def test_ones_own_request_carries_where_it_came_from(somebody):
    near = somebody("nora", allow("ecs:DescribeInstances", "*", IpAddress={"acs:SourceIp": "192.0.2.0/24"}))

    own = simulate(near.principal, action="ecs:DescribeInstances")
    named = simulate(near.principal, user=near.user, action="ecs:DescribeInstances")

    assert own.is_allowed
    assert "the request carries no acs:SourceIp" in named.reason


def test_a_resource_without_an_account_is_of_the_only_one(olga, somebody, staging):
    user = somebody("lou", allow(resource=staging)).user
    asked_for = staging.replace("1609980000000001", "*")

    simulation = simulate(olga, user=user, action="ecs:RunCommand", resources=[asked_for])

    assert simulation.is_allowed
    assert simulation.answers[0].resource == asked_for


def test_all_resources_have_to_be_allowed(olga, somebody):
    one, other = (arn("ecs", "instance", name, region="local") for name in ("i-a", "i-b"))
    user = somebody("paul", allow(resource=one)).user

    simulation = simulate(olga, user=user, action="ecs:RunCommand", resources=[one, other])

    assert [answer.is_allowed for answer in simulation.answers] == [True, False]
    assert (simulation.decision, simulation.statement) == ("deny", None)
    assert simulation.missing == (
        f"of-paul, Statement[0] allows ecs:RunCommand only on {one}, not on {other}.",
    )


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"action": ""}, "action"),
        ({"action": "RunCommand"}, "action"),
        ({"action": "ecs:*"}, "action"),
        ({"action": "ecs:RunCommand", "resources": []}, "resource"),
        ({"action": "ecs:RunCommand", "resources": ["i-a"]}, "resource"),
        ({"action": "ecs:RunCommand", "resources": ["acs::ecs:*:*:instance/*"]}, "resource"),
        ({"action": "ecs:RunCommand", "resources": ["*"] * 101}, "resource"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(olga, words, field):
    with pytest.raises(InvalidParameter) as refusal:
        simulate(olga, **words)

    assert refusal.value.field == field


# --- The page ---


def asked(client, **query):
    response = client.get(reverse("access:simulator"), query)
    return response.status_code, response.content.decode()


def test_the_page_asks_first(as_reader):
    status, content = asked(as_reader)

    assert status == 200
    assert "Who may do what, and why not?" in content
    assert 'value="ecs:RunCommand"' in content
    assert "You need ram:SimulatePolicy" in content


def test_why_can_i_not(paul, staging):
    _status, content = asked(paul.client, action="ecs:RunCommand", resource=staging)

    assert "Denied" in content
    assert "of-paul, Statement[1] allows it only as user01" in content
    assert "Send this address to an administrator" in content
    assert "user=paul" in content


def test_the_address_asks_a_colleague_the_same(paul, staging, as_operator):
    own = paul.client.get(reverse("access:simulator"), {"action": "ecs:RunCommand", "resource": staging})

    answer = as_operator.get(own.context["address"].partition(":8443")[2] or own.context["address"])

    assert own.context["simulation"].missing == answer.context["simulation"].missing
    assert answer.context["simulation"].name == "paul"


def test_several_resources_come_one_by_one_or_as_lines(paul, staging):
    by_one = paul.client.get(
        reverse("access:simulator"), {"action": "ecs:RunCommand", "resource": [staging, "*"]}
    )
    as_lines = paul.client.get(
        reverse("access:simulator"), {"action": "ecs:RunCommand", "resource": f"{staging}\n*\n"}
    )

    assert len(by_one.context["simulation"].answers) == 2
    assert len(as_lines.context["simulation"].answers) == 2


def test_the_deciding_policy_is_a_link_for_those_who_may_see_it(olga, as_operator, paul):
    _status, seen = asked(as_operator, user="paul", action="ecs:DescribeInstances")
    _status, own = asked(paul.client, action="ecs:DescribeInstances")

    assert 'href="/console/access/policies/of-paul/"' in seen
    assert "of-paul" in own
    assert "/console/access/policies/of-paul/" not in own


def test_the_page_asks_about_others_only_with_the_permission(paul, reader, somebody):
    hidden, _content = asked(paul.client, user="rita", action="ecs:RunCommand")
    looks = somebody("lea", allow("ram:ListUsers", "*")).client

    refused, content = asked(looks, user="rita", action="ecs:RunCommand")

    assert hidden == 422
    assert refused == 403
    assert "ram:SimulatePolicy" in content


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"action": "nonsense"}, "Say which action"),
        ({"action": "ecs:RunCommand", "resource": "x"}, "no resource"),
        ({"action": "ecs:RunCommand", "context": "x"}, "key=value"),
        ({"action": "ecs:RunCommand", "user": "nobody"}, "no user nobody"),
        ({"action": "ecs:RunCommand", "role": "nobody"}, "no role nobody"),
        ({"action": "ecs:RunCommand", "role": "a", "user": "b"}, "not both"),
        ({"action": ""}, "required"),
    ],
)
def test_the_page_says_what_is_wrong_at_the_field(as_operator, query, said):
    status, content = asked(as_operator, **query)

    assert status == 422
    assert said in content


# --- The command ---


def said(*words):
    out = StringIO()
    call_command("simulate", *words, "--as", "olga", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_says_the_decision_and_what_made_it(operator, paul, staging):
    answer = said(
        *("--user", "paul", "--action", "ecs:RunCommand", "--resource", staging),
        *("--context", f"{RUN_AS}=user01"),
    )

    assert answer["decision"] == "allow"
    assert answer["missing"] == []
    statement = answer["statement"]
    assert (statement["policy"], statement["index"], statement["effect"]) == ("of-paul", 1, "Allow")
    assert statement["sentence"].startswith("May run commands")
    assert [row["decision"] for row in answer["resources"]] == ["allow"]


def test_the_command_says_what_is_missing(operator, paul, staging):
    answer = said("--user", "paul", "--action", "ecs:DeleteCommand", "--resource", staging, "--resource", "*")

    assert (answer["decision"], answer["statement"]) == ("deny", None)
    assert len(answer["missing"]) == 2
    assert len(answer["resources"]) == 2


def test_the_command_asks_about_a_role_and_about_oneself(operator, olga):
    role = Role.objects.create(name="helper")
    everything = json.dumps({"Version": "1", "Statement": [allow("*", "*")]})
    attach_policy(olga, create_policy(olga, "everything", document=everything), role=role)

    assert said("--role", "helper", "--action", "ecs:RunCommand")["statement"]["policy"] == "everything"
    assert said("--action", "ecs:RunCommand")["decision"] == "allow"


def test_people_read_the_reason(operator, paul):
    out = StringIO()

    call_command("simulate", "--user", "paul", "--action", "ecs:DeleteCommand", "--as", "olga", stdout=out)

    assert out.getvalue().startswith("deny: No attached policy allows ecs:DeleteCommand.")


@pytest.mark.parametrize(
    "words",
    [
        ("--user", "nobody", "--action", "ecs:RunCommand"),
        ("--role", "nobody", "--action", "ecs:RunCommand"),
        ("--user", "olga", "--role", "r", "--action", "ecs:RunCommand"),
        ("--user", "olga"),
        ("--user", "olga", "--action", "Run"),
        ("--user", "olga", "--action", "ecs:RunCommand", "--resource", "i-a"),
        ("--user", "olga", "--action", "ecs:RunCommand", "--context", "x"),
    ],
)
def test_a_question_that_is_none_ends_with_status_1_and_a_sentence(operator, words):
    err = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("simulate", *words, "--as", "olga", "--json", stdout=StringIO(), stderr=err)

    assert end.value.code == 1
    assert len(err.getvalue().strip().splitlines()) == 1

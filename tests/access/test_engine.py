"""The policy engine: the table of cases, and what the table leaves out."""

import json
import time
from pathlib import Path

import pytest

from access.rules.conditions import OPERATORS
from access.rules.documents import DocumentFault, build
from access.rules.globs import residuals
from access.rules.policies import PolicySet

CASES = json.loads((Path(__file__).parent.parent / "data" / "ram_policy_cases.json").read_text())
ACCOUNT = "1609980000000001"


def named(case):
    return f"{case['id']} {case['title']}"


def of_kind(kind):
    return [pytest.param(case, id=named(case)) for case in CASES if case["kind"] == kind]


def policy_set(*documents):
    """The policies that these documents are; one that the checker refuses grants nothing."""
    policies = []
    for number, document in enumerate(documents):
        try:
            policies.append(build(document, name=f"policy-{number}"))
        except DocumentFault:
            continue
    return PolicySet(policies)


@pytest.mark.parametrize("case", of_kind("decision"))
def test_a_call_is_allowed_when_each_of_its_resources_is(case):
    request = case["request"]
    policies = policy_set(*case["policies"])

    def decided(resource):
        context = request["context"] | request.get("resource_context", {}).get(resource, {})
        return policies.decide(request["action"], resource, context).is_allowed

    is_allowed = case["principal"] == "root" or all(decided(one) for one in request["resources"])
    assert is_allowed is (case["expect"] == "Allow"), case["why"]


@pytest.mark.parametrize("case", of_kind("filter"))
def test_a_list_shows_what_may_be_seen(case):
    request = case["request"]
    policies = policy_set(*case["policies"])

    visible = [one for one in request["candidates"] if policies.decide(request["action"], one, {}).is_allowed]

    assert visible == case["expect_visible"], case["why"]


@pytest.mark.parametrize("case", of_kind("validate"))
def test_a_document_is_taken_or_refused(case):
    try:
        build(case["policy"])
    except DocumentFault:
        outcome = "invalid"
    else:
        outcome = "valid"
    assert outcome == case["expect"], case["why"]


def allow(action="ecs:RunCommand", resource="*", effect="Allow", **condition):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return {"Version": "1", "Statement": [statement]}


INSTANCE = f"acs:ecs:cn-hangzhou:{ACCOUNT}:instance/i-a"
COMMAND = f"acs:ecs:cn-hangzhou:{ACCOUNT}:command/c-a"


@pytest.mark.parametrize(
    ("operator", "values", "given", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringEqualsIgnoreCase", "ä", "Ä", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "web-?", "web-1", True),
        ("StringLike", "web-?", "web-10", False),
        ("StringLike", "[ab]", "a", False),
        ("StringNotLike", "web-*", "db-1", True),
        ("NumericEquals", 10, "10.0", True),
        ("NumericEquals", "10", "ten", False),
        ("NumericNotEquals", "10", "ten", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "9", "10", True),
        ("NumericGreaterThanEquals", "10", "9.99", False),
        ("DateEquals", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00+01:00", True),
        ("DateNotEquals", "2026-11-21", "2026-11-22", True),
        ("DateLessThan", "2026-11-21T10:00:00Z", "2026-11-21T09:59:59Z", True),
        ("DateLessThanEquals", "2026-11-21T10:00:00Z", "2026-11-21T10:00:01Z", False),
        ("DateGreaterThan", "2026-11-21", "2026-11-21T00:00:01Z", True),
        ("DateGreaterThanEquals", "2026-11-21", "2026-11-21T00:00:00Z", True),
        ("Bool", "true", "True", True),
        ("Bool", True, "false", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "nowhere", False),
        ("NotIpAddress", ["10.0.0.0/8", "2001:db8::/32"], "192.0.2.1", True),
        ("NotIpAddress", ["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", False),
    ],
)
def test_operators(operator, values, given, holds):
    policies = policy_set(allow(**{operator: {"acs:Key": values}}))

    assert policies.decide("ecs:RunCommand", INSTANCE, {"acs:Key": given}).is_allowed is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [("StringEquals", False), ("IpAddress", False), ("StringNotEquals", True), ("NotIpAddress", True)],
)
def test_a_key_that_is_not_there_fails_what_is_positive_and_passes_what_is_negative(operator, holds):
    policies = policy_set(allow(**{operator: {"acs:SourceIp": "10.0.0.1"}}))

    assert policies.decide("ecs:RunCommand", INSTANCE, {}).is_allowed is holds


@pytest.mark.parametrize(
    ("effect", "resource", "is_allowed"),
    [
        ("Allow", COMMAND, True),
        ("Allow", INSTANCE, False),
        ("Deny", COMMAND, True),
        ("Deny", INSTANCE, True),
    ],
)
def test_a_tag_is_asked_of_instances_alone(effect, resource, is_allowed):
    """A command has no tags: an Allow on both is not narrowed for it, a Deny does not hit it."""
    wanted = allow("ecs:DescribeInvocations", effect=effect, StringEquals={"ecs:tag/env": "staging"})
    policies = policy_set(wanted) if effect == "Allow" else policy_set(allow("ecs:*"), wanted)

    assert policies.decide("ecs:DescribeInvocations", resource, {}).is_allowed is is_allowed


def test_not_action_is_about_every_other_action():
    policy = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "NotAction": ["ecs:Delete*", "ram:*"], "Resource": "*"}],
    }
    policies = policy_set(policy)

    assert policies.decide("ecs:RunCommand", INSTANCE, {}).is_allowed
    assert not policies.decide("ecs:DeleteCommand", COMMAND, {}).is_allowed
    assert not policies.decide("RAM:ListUsers", "*", {}).is_allowed


def test_the_decision_says_which_statement_decided():
    policies = policy_set(
        allow("ecs:*"),
        allow(resource="acs:ecs:*:*:instance/i-*", effect="Deny", Bool={"acs:MFAPresent": "false"}),
    )

    denied = policies.decide("ecs:RunCommand", INSTANCE, {"acs:MFAPresent": "false"})
    allowed = policies.decide("ecs:RunCommand", INSTANCE, {"acs:MFAPresent": "true"})
    nothing = policies.decide("ram:ListUsers", "*", {})

    assert denied.statement_name == "policy-1/Statement[0]"
    assert allowed.statement_name == "policy-0/Statement[0]"
    assert (nothing.is_allowed, nothing.statement) == (False, None)


@pytest.mark.parametrize(
    ("condition", "context", "could"),
    [
        ({"StringEquals": {"ecs:CommandRunAs": "user01"}}, {}, True),
        ({"StringEquals": {"ecs:CommandRunAs": "user01"}}, {"ecs:CommandRunAs": "root"}, False),
        ({"StringEquals": {"ecs:CommandRunAs": "user01", "ecs:tag/env": "x"}}, {}, False),
        ({"StringEquals": {"ecs:CommandRunAs": "user01", "ecs:tag/env": "x"}}, {"ecs:tag/env": "x"}, True),
    ],
)
def test_a_button_is_open_before_it_is_said_whom_a_command_runs_as(condition, context, could):
    policies = policy_set(allow(**condition))

    assert policies.could("ecs:RunCommand", INSTANCE, context) is could


def test_a_pattern_of_many_stars_takes_no_longer_than_its_text():
    pattern = f"acs:ecs:*:*:instance/{'*a' * 60}*b"
    policies = policy_set(allow(resource=pattern), allow(StringLike={"acs:Key": "*a" * 60 + "*b"}))

    begun = time.process_time()
    policies.decide("ecs:RunCommand", f"acs:ecs:r:1:instance/{'a' * 4000}", {"acs:Key": "a" * 4000})

    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("pattern", "resource", "is_allowed"),
    [
        ("acs:ram::*:user/vic", "acs:ram:*:1:user/vic", True),
        ("acs:ram::*:user/vic", "acs:ram:*:1:user/victor", False),
        ("acs:r?m::*:user/vic", "acs:ram:*:1:user/vic", True),
        ("acs:*::*:user/vic", "acs:ram:*:1:user/vic", True),
        ("acs:sts::1:role/*", "acs:sts:*:1:role/ops", True),
        ("acs:ecs::*:instance/*", "acs:ecs:local:1:instance/i-1", False),
        ("acs:*::*:instance/*", "acs:ecs:local:1:instance/i-1", False),
    ],
)
def test_a_region_left_empty_is_any_where_the_service_has_none(pattern, resource, is_allowed):
    policies = policy_set(allow("*", resource=pattern))

    assert policies.decide("ram:DeleteUser", resource, {}).is_allowed is is_allowed


@pytest.mark.parametrize(
    "given", ["\0", "\ud800", "1\0", "2026-01-01\0", "0001-01-01T00:00:00+23:59", "9" * 5000]
)
@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_a_value_that_cannot_be_printed_is_compared_like_any_other(operator, given):
    values = {"Numeric": "10", "Date": "2026-01-01T00:00:00+01:00", "Bool": "true", "IpAddr": "10.0.0.0/8"}
    wanted = next((value for kind, value in values.items() if kind in operator), "a")
    condition = {operator: {"acs:Key": wanted}}
    policies = policy_set(allow(resource="acs:ecs:*:*:instance/*", **condition))

    decision = policies.decide("ecs:RunCommand", f"{INSTANCE}{given}", {"acs:Key": given})

    assert decision.is_allowed is policies.policies[0].statements[0].conditions[0].holds({"acs:Key": given})


@pytest.mark.parametrize(
    ("pattern", "prefix", "rests"),
    [
        ("instance/i-1", "instance/", ["i-1"]),
        ("instance/*", "instance/", ["*"]),
        ("*", "instance/", ["*"]),
        ("inst*1", "instance/", ["*1"]),
        ("*/i-1", "instance/", ["*/i-1", "i-1"]),
        ("?nstance/i-?", "instance/", ["i-?"]),
        ("*" * 6000, "instance/", ["*"]),
        ("inst***1", "instance/", ["*1"]),
        ("instance/*?**?", "instance/", ["??*"]),
        ("*?" * 3000, "instance/", ["?" * 2991 + "*"]),
        ("command/*", "instance/", []),
        ("instance/", "instance/", [""]),
    ],
)
def test_what_is_left_of_a_pattern_after_a_prefix(pattern, prefix, rests):
    assert residuals(pattern, prefix) == rests

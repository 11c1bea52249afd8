"""Statements in words, what looks wrong in them, and what is missing where something is denied."""

import time

import pytest

from access.rules import documents
from access.rules.actions import ALL
from access.rules.cautions import cautions, explained
from access.rules.conditions import OPERATORS
from access.rules.losses import lost
from access.rules.missing import missing
from access.rules.policies import PolicySet
from access.rules.sentences import sentence
from tests.access.nasty import NASTY

ACCOUNT = "1609980000000001"
ANY_INSTANCE = "acs:ecs:*:*:instance/*"
HERE = f"acs:ecs:local:{ACCOUNT}:instance/mi-1"


def statement(
    effect="Allow", action="ecs:RunCommand", resource=ANY_INSTANCE, condition=None, *, excepted=None
):
    members = {"Effect": effect, "Resource": resource, "Condition": condition or {}}
    members |= {"NotAction": excepted} if excepted else {"Action": action}
    return members


def policy(*statements, name="P"):
    return documents.build({"Version": "1", "Statement": list(statements)}, name=name)


def words(*arguments, **named):
    [one] = policy(statement(*arguments, **named)).statements
    return sentence(one, account=ACCOUNT)


RUN = "May run commands on any instance"
RUN_AS = "ecs:CommandRunAs"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (statement(), f"{RUN}."),
        (statement("Deny"), "May never run commands on any instance."),
        (
            statement(action="ram:DeleteUser", resource="acs:ram::*:user/vic"),
            "May delete users on the user vic.",
        ),
        (statement(resource="acs:ecs::*:instance/*"), "May run commands on any instance in no region."),
        (statement(action="ECS:runcommand"), f"{RUN}."),
        (
            statement(action=["ecs:StopInvocation", "ecs:RunCommand"]),
            "May run commands and stop runs on any instance.",
        ),
        (
            statement(action="ecs:*Command"),
            "May run commands, run saved commands, create commands and 2 more on any instance.",
        ),
        (statement(action="*", resource="*"), "May do everything on anything."),
        (statement("Deny", "*", "*"), "May never do anything on anything."),
        (statement(action="ecs:*"), "May do everything with instances and commands on any instance."),
        (statement(action="oos:GetParameter", resource="*"), "May do oos:GetParameter on anything."),
        (statement(action="actiontrail:LookupEvents", resource="*"), "May read the audit trail."),
        (
            statement(excepted=["ecs:DeleteCommand", "ram:*"], resource="*"),
            "May do everything except do anything with users and policies and delete commands on anything.",
        ),
        (
            statement("Deny", excepted="ecs:DescribeManaged*", resource="*"),
            "May never do anything except see managed instances on anything.",
        ),
        (statement(resource=HERE), "May run commands on the instance mi-1 in the region local."),
        (
            statement(resource=["acs:ecs:*:*:instance/i-a", "acs:ecs:*:*:instance/i-b"]),
            "May run commands on the instances i-a or i-b.",
        ),
        (statement(resource="acs:ecs:*:*:instance/mi-*"), "May run commands on instances like mi-*."),
        (
            statement(resource=["acs:ecs:cn-a:*:instance/*", "acs:ecs:cn-a:*:command/*"]),
            "May run commands on any instance or any command in the region cn-a.",
        ),
        (
            statement(resource=["acs:ecs:cn-a:*:instance/*", "acs:ecs:cn-?:*:instance/*"]),
            "May run commands on any instance in the region cn-a or any instance in regions like cn-?.",
        ),
        (statement(resource="acs:ecs:*:999:instance/*"), f"{RUN} of the account 999."),
        (statement(resource="acs:ecs:*:*:*"), "May run commands on acs:ecs:*:*:*."),
        (
            statement(condition={"StringEquals": {RUN_AS: ["user01", "user02"]}}),
            f"{RUN}, only as user01 or user02.",
        ),
        (statement(condition={"StringNotEquals": {RUN_AS: "root"}}), f"{RUN}, only as anybody but root."),
        (
            statement(condition={"StringEquals": {"ecs:tag/env": "staging"}}),
            f"{RUN}, only where the tag env is staging.",
        ),
        (
            statement("Deny", condition={"StringLike": {"ecs:tag/env": "prod*"}}),
            "May never run commands on any instance where the tag env is like prod*.",
        ),
        (
            statement(
                condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}, "Bool": {"acs:MFAPresent": "true"}}
            ),
            f"{RUN}, only from 10.0.0.0/8, only with a second factor.",
        ),
        (
            statement(
                "Deny", condition={"Bool": {"acs:SecureTransport": False}, "StringEquals": {RUN_AS: "root"}}
            ),
            "May never run commands on any instance over a connection that is not encrypted and as root.",
        ),
        (
            statement(condition={"DateLessThan": {"acs:CurrentTime": "2030-01-01"}}),
            f"{RUN}, only before 2030-01-01.",
        ),
        (
            statement(
                action=["ecs:RunCommand", "ecs:StopInvocation"],
                condition={"StringEquals": {RUN_AS: "user01"}},
            ),
            (
                "May run commands and stop runs on any instance, only as user01. ecs:CommandRunAs counts only when"
                " one wants to run commands; the rest is allowed whatever it is."
            ),
        ),
        (
            statement("Deny", "ecs:*", "*", {"StringEquals": {RUN_AS: "root"}}),
            (
                "May never do anything with instances and commands on anything as root. ecs:CommandRunAs counts only"
                " when one wants to run commands or run saved commands; the rest is not denied by this."
            ),
        ),
    ],
)
def test_a_statement_in_words(made, said):
    [one] = policy(made).statements

    assert sentence(one, account=ACCOUNT) == said


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize(
    "key", [RUN_AS, "ecs:tag/env", "acs:SourceIp", "acs:CurrentTime", "acs:MFAPresent", "x:y"]
)
def test_every_operator_has_words_for_every_key(operator, key):
    value = {"Bool": "true", "IpAddress": "10.0.0.1", "NotIpAddress": "10.0.0.1"}.get(operator, "2030")
    value = "2030-01-01" if operator.startswith("Date") else value

    said = words(condition={operator: {key: value}})

    assert said.startswith(f"{RUN}, only ")
    assert value in said or operator == "Bool"


@pytest.mark.parametrize("action", ALL, ids=lambda one: one.name)
def test_every_action_has_words(action):
    assert words(action=action.name, resource="*").startswith(f"May {action.label}")


@pytest.mark.parametrize(
    ("made", "path", "said"),
    [
        (statement(action="*", resource="*"), "Statement[0]", "almost everything"),
        (statement(excepted="ecs:DeleteCommand", resource="*"), "Statement[0]", "almost everything"),
        (
            statement(action="ram:AttachPolicyToUser", resource="*"),
            "Statement[0]",
            "attach policies to users",
        ),
        (
            statement(action="ram:CreatePolicyVersion", resource="acs:ram:*:*:policy/*"),
            "Statement[0]",
            "themselves",
        ),
        (statement(action="sts:AssumeRole", resource="acs:ram:*:*:role/*"), "Statement[0].Action", "role/…"),
        (statement(action="ecs:RunComand"), "Statement[0].Action", "ecs:RunComand names nothing"),
        (statement(action="ecs:CreateActivation"), "Statement[0].Action", "activation/…"),
        (statement(action="ecs:DescribeRegions"), "Statement[0].Action", "asked for on *"),
        (
            statement(action="ecs:RunCommand", resource=[ANY_INSTANCE, "acs:ecs:*:*:activation/*"]),
            "Statement[0].Resource",
            "acs:ecs:*:*:activation/*",
        ),
        (statement(resource="acs:ecs:*:999:instance/*"), "Statement[0].Resource", "another account"),
        (
            statement(resource="acs:ecs::*:instance/*"),
            "Statement[0].Resource",
            "acs:ecs::*:instance/* names no region, so it matches nothing",
        ),
        (
            statement(condition={"StringEquals": {"ecs:commandrunas": "user01"}}),
            "Statement[0].Condition.StringEquals.ecs:commandrunas",
            "is ecs:CommandRunAs meant?). So this statement never allows anything",
        ),
        (
            statement(condition={"StringEquals": {"ecs:tags/env": "prod"}}),
            "Statement[0].Condition.StringEquals.ecs:tags/env",
            "is ecs:tag/env meant?",
        ),
        (
            statement("Deny", condition={"StringEquals": {"acs:SourceIP": "10.0.0.1"}}),
            "Statement[0].Condition.StringEquals.acs:SourceIP",
            "never denies anything",
        ),
        (
            statement(condition={"StringNotEquals": {"x:y": "1"}}),
            "Statement[0].Condition.StringNotEquals.x:y",
            "always holds",
        ),
        (
            statement(action="ecs:StopInvocation", condition={"StringEquals": {RUN_AS: "user01"}}),
            "Statement[0].Condition.StringEquals.ecs:CommandRunAs",
            "as if the condition were not there",
        ),
        (
            statement(
                action="ecs:CreateActivation",
                resource="acs:ecs:*:*:activation/*",
                condition={"StringEquals": {"ecs:tag/env": "staging"}},
            ),
            "Statement[0].Condition.StringEquals.ecs:tag/env",
            "as if the condition were not there",
        ),
        (
            statement(condition={"StringEquals": {"ram:ServiceName": "x"}}),
            "Statement[0].Condition.StringEquals.ram:ServiceName",
            "No request for these actions carries",
        ),
    ],
)
def test_what_looks_wrong_is_said_with_its_place(made, path, said):
    [one] = policy(made).statements

    found = [caution for caution in cautions(one, account=ACCOUNT) if said in caution.text]

    assert [caution.path for caution in found] == [path]


@pytest.mark.parametrize(
    "made",
    [
        statement(),
        statement(action="ecs:*Command", resource=[ANY_INSTANCE, "acs:ecs:*:*:command/*"]),
        statement(
            action=["ecs:RunCommand", "ecs:StopInvocation"], condition={"StringEquals": {RUN_AS: "user01"}}
        ),
        statement(action="*:Describe*", resource="*"),
        statement("Deny", "*", "*"),
        statement(resource=f"acs:ecs:cn-a:{ACCOUNT}:instance/i-*"),
        statement(action="ram:DeleteUser", resource="acs:ram::*:user/vic"),
        statement(action="ram:DeleteUser", resource="acs:r*::*:user/vic"),
        statement(
            action="ram:AttachPolicyToUser", resource=["acs:ram:*:*:policy/Reader", "acs:ram:*:*:user/*"]
        ),
        statement(condition={"Bool": {"acs:MFAPresent": "true"}}),
    ],
)
def test_an_ordinary_statement_is_warned_about_in_nothing(made):
    [one] = policy(made).statements

    assert list(cautions(one, account=ACCOUNT)) == []


def test_wildcards_are_explained_by_what_they_cover_here():
    [one] = explained(policy(statement(action=["ecs:*Activation", "ecs:RunCommand"], resource="*")))

    assert one.is_long
    assert [(each.pattern, each.labels) for each in one.covered] == [
        (
            "ecs:*Activation",
            ["create activation codes", "disable activation codes", "delete activation codes"],
        ),
        ("ecs:RunCommand", ["run commands"]),
    ]


def lacks(*statements, action="ecs:RunCommand", resource=HERE, **context):
    policies = PolicySet([policy(*statements)] if statements else [])
    return missing(
        policies, action, resource, {key.replace("__", ":"): value for key, value in context.items()}
    )


def test_nothing_is_missing_where_it_is_allowed():
    assert lacks(statement()) == []


def test_without_a_policy_one_is_missing():
    assert lacks() == [f"No policy is attached. One that allows ecs:RunCommand on {HERE} is missing."]


def test_policies_that_name_other_actions_do_not_help():
    [said] = lacks(statement(action="ecs:Describe*"))

    assert said == f"No attached policy allows ecs:RunCommand. One that does, on {HERE}, is missing."


def test_the_right_action_on_another_resource_comes_nearer():
    [said] = lacks(statement(action="ecs:Describe*"), statement(resource="acs:ecs:*:*:instance/i-a"))

    assert said == f"P, Statement[1] allows ecs:RunCommand only on acs:ecs:*:*:instance/i-a, not on {HERE}."


def test_a_condition_that_fails_comes_nearest_with_what_it_was():
    narrow = statement(condition={"StringEquals": {RUN_AS: ["user01", "user02"]}})

    [said] = lacks(statement(resource="acs:ecs:*:*:instance/i-a"), narrow, ecs__CommandRunAs="root")

    assert said == "P, Statement[1] allows it only as user01 or user02; here ecs:CommandRunAs is root."


def test_a_condition_on_what_the_request_does_not_carry():
    [said] = lacks(statement(condition={"StringEquals": {"ecs:tag/env": "staging"}}))

    assert said == (
        "P, Statement[0] allows it only where the tag env is staging; the request carries no ecs:tag/env."
    )


def test_every_condition_that_fails_is_named():
    condition = {"StringEquals": {RUN_AS: "user01"}, "IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}

    said = lacks(statement(condition=condition), ecs__CommandRunAs="root", acs__SourceIp="192.0.2.1")

    assert [text.rpartition("; ")[2] for text in said] == [
        "here ecs:CommandRunAs is root.",
        "here acs:SourceIp is 192.0.2.1.",
    ]


def test_a_deny_is_what_stands_in_the_way():
    [said] = lacks(statement(), statement("Deny"))

    assert said == (
        "P, Statement[1] denies it, and a Deny wins over every Allow: May never run commands on any instance."
    )


def test_a_deny_says_what_its_conditions_met():
    narrow = {"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}, "StringEquals": {RUN_AS: "root"}}

    [said] = lacks(statement(), statement("Deny", condition=narrow), ecs__CommandRunAs="root")

    assert said.endswith(" The request carries no acs:SourceIp. Here ecs:CommandRunAs is root.")


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ([statement()], [], ["ecs:RunCommand"]),
        ([statement()], [statement()], []),
        ([statement()], [statement(resource="*")], []),
        ([statement(resource="*")], [statement()], ["ecs:RunCommand"]),
        ([statement()], [statement(condition={"StringEquals": {RUN_AS: "user01"}})], ["ecs:RunCommand"]),
        ([statement(condition={"StringEquals": {RUN_AS: "user01"}})], [statement()], []),
        ([statement()], [statement(), statement("Deny", resource=HERE)], ["ecs:RunCommand"]),
        ([statement(), statement("Deny", resource=HERE)], [statement()], []),
        (
            [statement(action="ecs:*Command")],
            [statement(action=["ecs:RunCommand", "ecs:InvokeCommand"])],
            None,
        ),
        ([statement("Deny")], [statement("Deny"), statement("Deny", "ecs:SendFile")], []),
    ],
)
def test_what_is_lost_between_two_sets_of_policies(before, after, gone):
    found = [one.name for one in lost(sets(before), sets(after))]

    assert found == (
        ["ecs:CreateCommand", "ecs:ModifyCommand", "ecs:DeleteCommand"] if gone is None else gone
    )


def sets(statements):
    return PolicySet([policy(*statements)] if statements else [])


@pytest.mark.parametrize("document", NASTY.values(), ids=NASTY)
def test_whatever_a_document_is_like_it_is_soon_explained_and_compared(document):
    begun = time.process_time()
    one = documents.read(document, name="one")
    explained(one, account=ACCOUNT)
    lost(PolicySet([one]), PolicySet([documents.read(document, name="other")]))

    assert time.process_time() - begun < 2

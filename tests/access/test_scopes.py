"""Lists and single decisions agree: whatever the policies, whatever the rows."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.models import User
from access.principals import Door, Principal
from access.rules.documents import read
from access.rules.policies import PolicySet
from access.scopes import USERS, arn, scope
from assistant.instances.models import Instance, Region, Tag
from assistant.instances.querysets import INSTANCES
from tests.access.factories import UserFactory
from tests.access.nasty import NASTY, SIGNS, like, longest, statement, written
from tests.instances.factories import InstanceFactory, RegionFactory

ACTIONS = ["ecs:DescribeManagedInstances", "ecs:DescribeInstances", "ecs:RunCommand"]
IDS = ["mi-a", "mi-A", "mi-ab", "mi_a", "mi%a", "mi[a]", "i-b*", "mi-a/b", "m:a"]
REGIONS = ["local", "cn-hangzhou", "cn-hangzhou-b"]
TAGS = {
    "env": ["prod", "Prod", "PROD", "staging", "", "10", "9.5", "true", "2026-01-01", "10.1.2.3", "ä", "Ä"]
}

PATTERN_CHARACTERS = st.sampled_from([*"mia-A_%[]*?/b:", "mi-", "instance/", "*", "***", "*?**?"])
patterns = st.one_of(
    st.sampled_from([*IDS, "*", "mi-*", "mi-?", "MI-*", "*a", "?i*", "mi[a]", "mi_?", "***", "mi-**a"]),
    st.lists(PATTERN_CHARACTERS, min_size=1, max_size=5).map("".join),
)
region_patterns = st.sampled_from(["*", *REGIONS, "cn-*", "cn-hangzhou-?", "CN-HANGZHOU", "", "**", "cn-***"])
services = st.sampled_from(["ecs", "ecs", "ecs", "*", "e**", "ram"])
accounts = st.sampled_from(["*", "1000000000000001", "999", "1*"])
types = st.sampled_from(["instance/", "instance/", "instance/", "command/", "inst*", "*/", ""])


@st.composite
def resources(draw):
    if draw(st.integers(0, 5)) == 0:
        return "*"
    return f"acs:{draw(services)}:{draw(region_patterns)}:{draw(accounts)}:{draw(types)}{draw(patterns)}"


values_of = {
    "StringEquals": TAGS["env"],
    "StringNotEquals": TAGS["env"],
    "StringEqualsIgnoreCase": TAGS["env"],
    "StringNotEqualsIgnoreCase": TAGS["env"],
    "StringLike": ["p*", "?rod", "*", "[pP]rod", "sta*g", "**r***d", "prod"],
    "StringNotLike": ["p*", "?rod"],
    "NumericEquals": ["10", "9.50"],
    "NumericNotEquals": ["10"],
    "NumericLessThan": ["10"],
    "DateGreaterThan": ["2025-12-31"],
    "DateNotEquals": ["2026-01-01T00:00:00Z"],
    "Bool": ["true"],
    "IpAddress": ["10.0.0.0/8"],
    "NotIpAddress": ["10.1.0.0/16"],
}


@st.composite
def conditions(draw):
    operator = draw(st.sampled_from(sorted(values_of)))
    values = [one for one in values_of[operator] if one] or [""]
    key = draw(
        st.sampled_from(["ecs:tag/env", "ecs:tag/env", "ecs:tag/Env", "acs:SourceIp", "ecs:CommandRunAs"])
    )
    if key != "ecs:tag/env" and not operator.startswith("String"):
        key = "ecs:tag/env"
    return {operator: {key: draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))}}


@st.composite
def documents(draw):
    def statement():
        one = {
            "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
            draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(
                st.lists(
                    st.sampled_from(
                        [*ACTIONS, "ecs:*", "*", "ecs:Describe*", "ECS:runcommand", "ecs:?unCommand"]
                    ),
                    min_size=1,
                    max_size=2,
                )
            ),
            "Resource": draw(
                st.lists(resources().filter(lambda text: not text.endswith(":")), min_size=1, max_size=3)
            ),
        }
        merged = {}
        for condition in draw(st.lists(conditions(), max_size=2)):
            merged |= condition
        return one | ({"Condition": merged} if merged else {})

    return {"Version": "1", "Statement": [statement() for _number in range(draw(st.integers(1, 4)))]}


@pytest.fixture
def rows(db):
    """Instances with every id in every region, some with tags."""
    for number, region_id in enumerate(REGIONS):
        region = RegionFactory(id=region_id, code=f"a{'abc'[number]}")
        for place, name in enumerate(IDS):
            pk = name if region_id == "local" else f"{name}{region_id[3]}{number}"
            instance = InstanceFactory(id=pk, region=region)
            value = TAGS["env"][(place + number * 5) % len(TAGS["env"])]
            if place % 4:
                Tag.objects.create(instance=instance, key="env", value=value)
            if place % 3 == 0:
                Tag.objects.create(instance=instance, key="Env", value="prod")
    return list(Instance.objects.prefetch_related("tags"))


def facts(instance):
    return {f"ecs:tag/{tag.key}": tag.value for tag in instance.tags.all()}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies=st.lists(documents(), min_size=1, max_size=3), address=st.sampled_from(["", "10.1.2.3"]))
def test_a_list_shows_exactly_the_rows_that_single_decisions_allow(rows, policies, address):
    read_policies = [read(json.dumps(one), name=str(number)) for number, one in enumerate(policies)]
    policy_set = PolicySet(read_policies)
    principal = Principal(
        "paul", Door.CONSOLE, user_id=1, source_ip=address, load_policies=lambda: policy_set
    )

    for action in ACTIONS:
        listed = set(
            scope(principal, Instance.objects.all(), action, on=[INSTANCES]).values_list("pk", flat=True)
        )
        decided = {
            one.pk
            for one in rows
            if principal.may(action, arn("ecs", "instance", one.pk, region=one.region_id), facts(one))
        }
        assert listed == decided, action


def seen(principal):
    return set(Instance.objects.visible_to(principal).values_list("pk", flat=True))


def principal_with(*statements):
    document = {"Version": "1", "Statement": list(statements)}
    policies = PolicySet([read(json.dumps(document), name="p")])
    return Principal("paul", Door.CONSOLE, user_id=1, load_policies=lambda: policies)


def test_a_deny_of_either_way_to_see_instances_hides_them(db):
    one, other = InstanceFactory(), InstanceFactory()
    everything = {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}
    hidden = {"Effect": "Deny", "Action": "ecs:DescribeInstances", "Resource": one.arn}

    assert seen(principal_with(everything)) == {one.pk, other.pk}
    assert seen(principal_with(everything, hidden)) == {other.pk}


@pytest.mark.parametrize(
    ("resource", "regions"),
    [
        ("*", {"local", "cn-hangzhou"}),
        ("acs:ecs:cn-hangzhou:*:instance/*", {"cn-hangzhou"}),
        ("acs:ecs:cn-*:*:command/*", {"cn-hangzhou"}),
        ("acs:ecs:us-west-1:*:instance/*", set()),
    ],
)
def test_regions_are_shown_where_something_is_allowed(db, resource, regions):
    RegionFactory()
    RegionFactory(id="cn-hangzhou", code="hz")
    principal = principal_with({"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": resource})

    assert set(Region.objects.visible_to(principal).values_list("pk", flat=True)) == regions


def test_nobody_sees_anything_without_a_policy(db):
    InstanceFactory()

    assert seen(Principal("paul", Door.CONSOLE, user_id=1)) == set()


def set_of(*written):
    return PolicySet([read(document, name=str(number)) for number, document in enumerate(written)])


def with_policies(policies, **more):
    return Principal("paul", Door.CONSOLE, user_id=1, load_policies=lambda: policies, **more)


def tagged(value):
    instance = InstanceFactory()
    instance.tags.create(key="e", value=value)
    return instance


@pytest.mark.parametrize("document", NASTY.values(), ids=NASTY)
def test_whatever_a_document_is_like_lists_and_decisions_are_soon_made(db, document):
    one = tagged(SIGNS[0])

    begun = time.process_time()
    principal = with_policies(set_of(document))
    listed = list(scope(principal, Instance.objects.all(), ACTIONS[0], on=[INSTANCES]))

    assert (one in listed) is principal.may(ACTIONS[0], one.arn, facts(one))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("service", ["ram", "r*", "*"])
def test_a_region_left_empty_means_users_in_lists_too(db, service):
    vic, rob = UserFactory(username="vic"), UserFactory(username="rob")
    principal = principal_with(
        {"Effect": "Allow", "Action": "ram:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ram:ListUsers", "Resource": f"acs:{service}::*:user/vic"},
    )

    users = scope(principal, User.objects.all(), "ram:ListUsers", on=[USERS])

    assert list(users) == [rob]
    assert not principal.may("ram:ListUsers", arn("ram", "user", vic.username))


def test_a_request_that_carries_what_cannot_be_printed_sees_what_it_may(db):
    one = InstanceFactory()
    condition = {
        "StringNotLike": {"acs:SourceIp": ["10.*", "a?"]},
        "StringNotEquals": {"ecs:CommandRunAs": "x"},
    }
    document = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    policies = set_of(json.dumps({"Version": "1", "Statement": [document]}))

    for address in ("\0", "\ud800"):
        principal = with_policies(policies, source_ip=address)
        assert seen(principal) == {one.pk}
        assert principal.may(ACTIONS[0], one.arn, {"ecs:CommandRunAs": address})


def twenty(write):
    """Twenty policies of full length, each with other pieces than those before it."""
    return set_of(*(longest(write, SIGNS[number * 290 :]) for number in range(20)))


@pytest.mark.parametrize(
    "write",
    [
        lambda signs: written(like([f"*{sign}*" for sign in signs])),
        lambda signs: written(like(signs, "StringEquals")),
        lambda signs: written(like(signs, "StringNotLike")),
        lambda signs: written(like(signs, "StringEqualsIgnoreCase")),
        lambda signs: written(statement("Allow", "ecs:*", [f"acs:ecs:*:*:instance/{one}" for one in signs])),
        lambda signs: written(statement("Allow", "ecs:*", [f"acs:ecs:*:*:*{one}*" for one in signs])),
        lambda signs: written(statement("Allow", "ecs:*", [f"acs:ecs:{one}*:*:*x" for one in signs])),
        lambda signs: written(*(statement("Allow", "*", f"acs:*:*:*:*{one}*") for one in signs)),
        lambda signs: written(
            statement(), *(statement("Deny", "ecs:*", f"acs:ecs:*:*:command/{one}*") for one in signs)
        ),
    ],
)
def test_twenty_policies_of_full_length_are_one_query(db, write, django_assert_num_queries):
    one = tagged(SIGNS[290 * 19])
    principal = with_policies(twenty(write))

    with django_assert_num_queries(1):
        listed = list(scope(principal, Instance.objects.all(), ACTIONS[0], on=[INSTANCES]))

    assert (one in listed) is principal.may(ACTIONS[0], one.arn, facts(one))

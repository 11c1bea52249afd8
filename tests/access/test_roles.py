"""Roles: what they are like, who may take them on, what goes with them."""

from datetime import timedelta

import pytest
from django.urls import reverse

from access.errors import EntityExists, NotConfirmed
from access.models import AuditEntry, Policy, PolicyAttachment, Role, User
from access.operations.attachments import attach_policy
from access.operations.holders import takers
from access.operations.identities import principal_for
from access.operations.roles import create_role, delete_role, update_role
from access.principals import Door
from console.kit.errors import InvalidParameter, NotAllowed
from tests.access.factories import GroupFactory, PolicyFactory, RoleFactory, UserFactory
from tests.conftest import attach, signed_in

pytestmark = pytest.mark.django_db


def as_principal(user):
    return principal_for(User.objects.get(pk=user.pk), Door.CONSOLE)


@pytest.fixture
def fixer():
    """A role that may run commands."""
    role = RoleFactory(name="fixer")
    PolicyAttachment.objects.create(policy=PolicyFactory(name="runs"), role=role)
    return role


@pytest.fixture
def manager():
    user = UserFactory(username="mia")
    attach(user, "AliyunRAMFullAccess")
    return user


def may_assume(user, resource="acs:ram:*:*:role/fixer", effect="Allow", **where):
    policy = PolicyFactory(action="sts:AssumeRole", resource=resource, effect=effect)
    PolicyAttachment.objects.create(policy=policy, **(where or {"user": user}))
    return policy


def test_a_role_is_made_without_policies(olga):
    role = create_role(olga, "fixer", description="Repairs at night", max_session=timedelta(hours=2))

    assert role.max_session == timedelta(hours=2)
    assert not role.attachments.exists()
    assert AuditEntry.objects.get().resource == "fixer"


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "fixer", "description": "x" * 257}, "description"),
        ({"name": "fixer", "max_session": timedelta(minutes=14)}, "max_session"),
        ({"name": "fixer", "max_session": timedelta(hours=12, seconds=1)}, "max_session"),
    ],
)
def test_what_cannot_be_taken_is_refused(olga, words, field):
    with pytest.raises(InvalidParameter) as refusal:
        create_role(olga, words.pop("name"), **words)

    assert refusal.value.field == field
    assert not Role.objects.exists()


@pytest.mark.parametrize("longest", [timedelta(minutes=15), timedelta(hours=12)])
def test_the_longest_session_has_its_bounds(olga, fixer, longest):
    update_role(olga, fixer, description="", max_session=longest)

    assert Role.objects.get().max_session == longest


def test_a_name_that_is_taken_is_refused(olga, fixer):
    with pytest.raises(EntityExists):
        create_role(olga, "Fixer")


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("ram:CreateRole", lambda mia, _role: create_role(mia, "new")),
        (
            "ram:UpdateRole",
            lambda mia, role: update_role(mia, role, description="x", max_session=timedelta(hours=1)),
        ),
        ("ram:DeleteRole", lambda mia, role: delete_role(mia, role, confirmed=True)),
    ],
)
def test_each_change_needs_its_action(fixer, manager, action, what):
    deny = PolicyFactory(effect="Deny", action=action)
    PolicyAttachment.objects.create(policy=deny, user=manager)

    with pytest.raises(NotAllowed) as refusal:
        what(as_principal(manager), fixer)
    PolicyAttachment.objects.filter(policy=deny).delete()
    what(as_principal(manager), fixer)

    assert refusal.value.facts["action"] == action


# --- Who may take it on ---


def test_those_whose_policies_say_so_may_take_it_on(olga, operator, fixer):
    may_assume(UserFactory(username="ana"))
    may_assume(UserFactory(username="ben"), "acs:ram:*:*:role/f*")
    may_assume(UserFactory(username="other"), "acs:ram:*:*:role/other")
    may_assume(UserFactory(username="gone", disabled=True))
    UserFactory(username="nobody")
    group = GroupFactory()
    UserFactory(username="carl").groups.add(group)
    may_assume(None, group=group)
    denied = UserFactory(username="dora")
    may_assume(denied)
    may_assume(denied, "*", effect="Deny")

    found = takers(fixer).values_list("username", flat=True)

    assert sorted(found) == ["ana", "ben", "carl"]
    assert all(
        as_principal(user).may("sts:AssumeRole", "acs:ram:*:1000000000000001:role/fixer")
        is (user.username in found)
        for user in User.objects.filter(is_superuser=False, is_active=True)
    )


def test_a_role_that_nobody_may_take_on_is_deleted_without_a_question(olga, fixer):
    delete_role(olga, fixer)

    assert not Role.objects.exists()
    assert AuditEntry.objects.get().facts == {"policies": ["runs"]}


def test_a_role_that_somebody_may_take_on_is_deleted_on_purpose(olga, fixer):
    may_assume(UserFactory())

    with pytest.raises(NotConfirmed) as refusal:
        delete_role(olga, fixer)
    delete_role(olga, fixer, confirmed=True)

    assert "fixer" in refusal.value.message
    assert not Role.objects.exists()


# --- Pages ---


def test_a_role_is_made_and_changed_on_pages(as_operator):
    as_operator.post(
        reverse("access:role_create"), {"name": "fixer", "description": "At night", "max_session": "120"}
    )
    address = reverse("access:role_update", args=["fixer"])
    shown = as_operator.get(address).content.decode()
    as_operator.post(address, {"description": "Always", "max_session": "30"})

    assert 'value="120"' in shown
    role = Role.objects.get()
    assert (role.description, role.max_session) == ("Always", timedelta(minutes=30))


@pytest.mark.parametrize("minutes", ["14", "721", "", "x"])
def test_a_session_out_of_bounds_is_said_at_the_field(as_operator, minutes):
    words = {"name": "fixer", "max_session": minutes}

    assert as_operator.post(reverse("access:role_create"), words).status_code == 422
    assert not Role.objects.exists()


def test_the_page_says_who_may_take_it_on_and_how_to_let_somebody(as_operator, fixer):
    nobody = as_operator.get(fixer.get_absolute_url()).content.decode()
    may_assume(UserFactory(username="ana"))
    somebody = as_operator.get(fixer.get_absolute_url())

    assert "&quot;sts:AssumeRole&quot;" in nobody
    assert [user.username for user in somebody.context["takers"]] == ["ana"]


def test_one_sees_the_roles_that_one_may_see(fixer):
    RoleFactory(name="secret")
    reader = UserFactory()
    policy = PolicyFactory(action="ram:ListRoles", resource="acs:ram:*:*:role/fixer")
    PolicyAttachment.objects.create(policy=policy, user=reader)
    may_assume(UserFactory(username="unseen"))
    client = signed_in(reader)

    listed = client.get(reverse("access:role_list")).context["listing"].page
    page = client.get(fixer.get_absolute_url())

    assert [role.name for role in listed] == ["fixer"]
    assert client.get(reverse("access:role_detail", args=["secret"])).status_code == 404
    assert "unseen" not in page.content.decode()
    assert page.context["n_takers"] == 1


def test_a_policy_at_a_role_counts_in_the_role_alone(olga, fixer):
    ana = UserFactory()
    attach_policy(olga, Policy.objects.get(name="ReadOnlyAccess"), role=fixer)

    assert not as_principal(ana).names("ecs:DescribeInstances")
    assert principal_for(ana, Door.CONSOLE, role=fixer).names("ecs:DescribeInstances")

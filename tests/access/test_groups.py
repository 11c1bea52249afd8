"""Groups: users who share policies, and what somebody loses with one."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from access.errors import EntityExists, NotConfirmed
from access.models import AuditEntry, Policy, PolicyAttachment, User
from access.operations.groups import (
    add_user_to_group,
    add_users_to_groups,
    create_group,
    delete_group,
    remove_user_from_group,
    rename_group,
)
from access.operations.identities import principal_for
from access.operations.losses import losses_of_group, losses_of_leaving, losses_of_policy
from access.principals import Door
from console.kit.errors import InvalidParameter, NotAllowed
from tests.access.factories import GroupFactory, PolicyFactory, RoleFactory, UserFactory
from tests.conftest import attach, signed_in

pytestmark = pytest.mark.django_db


def as_principal(user):
    return principal_for(User.objects.get(pk=user.pk), Door.CONSOLE)


@pytest.fixture
def ops():
    """A group that may run commands, with one member."""
    group = GroupFactory(name="ops")
    PolicyAttachment.objects.create(policy=PolicyFactory(name="runs"), group=group)
    return group


@pytest.fixture
def ana(ops):
    user = UserFactory(username="ana")
    user.groups.add(ops)
    return user


@pytest.fixture
def manager():
    user = UserFactory(username="mia")
    attach(user, "AliyunRAMFullAccess")
    return user


def test_a_group_is_made_empty(olga):
    group = create_group(olga, "ops")

    assert (group.user_set.count(), group.attachments.count()) == (0, 0)
    assert AuditEntry.objects.get().resource == "ops"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "*", "x" * 65, ".."])
def test_a_name_that_cannot_be_is_refused(olga, name):
    with pytest.raises(InvalidParameter):
        create_group(olga, name)


@pytest.mark.parametrize("name", ["ops", "OPS"])
def test_a_name_that_is_taken_is_refused(olga, ops, name):
    with pytest.raises(EntityExists):
        create_group(olga, name)


def test_a_group_keeps_members_and_policies_under_another_name(olga, ops, ana):
    rename_group(olga, ops, "operators")

    group = Group.objects.get(name="operators")
    assert (group.user_set.get(), group.attachments.count()) == (ana, 1)
    assert AuditEntry.objects.get().facts == {"renamed_to": "operators"}


def test_a_group_may_be_called_the_same_in_other_capitals(olga, ops):
    assert rename_group(olga, ops, "Ops").name == "Ops"


def test_a_members_policies_are_those_of_the_group_from_the_next_request_on(olga, ops):
    ben = UserFactory()
    before = as_principal(ben).names("ecs:RunCommand")
    add_user_to_group(olga, ben, ops)

    assert not before
    assert as_principal(ben).names("ecs:RunCommand")


def test_adding_twice_is_once(olga, ops, ana):
    add_user_to_group(olga, ana, ops)

    assert not AuditEntry.objects.exists()


def test_all_are_added_or_none(manager, ops):
    users = [UserFactory(), UserFactory(administrator=True)]

    with pytest.raises(NotAllowed):
        add_users_to_groups(as_principal(manager), users=users, groups=[ops])

    assert ops.user_set.count() == 0


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("ram:CreateGroup", lambda mia, _ops, _ana: create_group(mia, "new")),
        ("ram:UpdateGroup", lambda mia, ops, _ana: rename_group(mia, ops, "new")),
        ("ram:DeleteGroup", lambda mia, ops, _ana: delete_group(mia, ops, confirmed=True)),
        ("ram:AddUserToGroup", lambda mia, _ops, ana: add_user_to_group(mia, ana, GroupFactory())),
        (
            "ram:RemoveUserFromGroup",
            lambda mia, ops, ana: remove_user_from_group(mia, ana, ops, confirmed=True),
        ),
    ],
)
def test_each_change_needs_its_action(ops, ana, manager, action, what):
    deny = PolicyFactory(effect="Deny", action=action)
    PolicyAttachment.objects.create(policy=deny, user=manager)

    with pytest.raises(NotAllowed) as refusal:
        what(as_principal(manager), ops, ana)
    PolicyAttachment.objects.filter(policy=deny).delete()
    what(as_principal(manager), ops, ana)

    assert refusal.value.facts["action"] == action


@pytest.mark.parametrize("resource", ["acs:ram:*:*:user/ana", "acs:ram:*:*:group/ops"])
def test_membership_needs_the_user_and_the_group(ops, ana, resource):
    half = UserFactory()
    policy = PolicyFactory(action="ram:RemoveUserFromGroup", resource=resource)
    PolicyAttachment.objects.create(policy=policy, user=half)

    with pytest.raises(NotAllowed):
        remove_user_from_group(as_principal(half), ana, ops, confirmed=True)

    assert ana.groups.exists()


@pytest.mark.parametrize("what", [add_user_to_group, remove_user_from_group])
def test_administrators_are_put_into_groups_by_administrators_alone(manager, ops, what):
    with pytest.raises(NotAllowed):
        what(as_principal(manager), UserFactory(administrator=True), ops)


# --- Losses ---


def names_of(loss):
    return [action.name for action in loss.shrinkage.lost], [
        action.name for action in loss.shrinkage.narrowed
    ]


def test_it_is_told_what_a_member_loses(olga, ops, ana):
    [loss] = losses_of_leaving(olga, ana, ops).seen

    assert loss.name == "ana"
    assert names_of(loss) == (["ecs:RunCommand"], [])


@pytest.mark.parametrize(
    ("held_too", "told"),
    [
        (None, (["ecs:RunCommand"], [])),
        ({"action": "ecs:RunCommand", "resource": "*"}, None),
        ({"action": "*", "resource": "*"}, None),
        (
            {"action": "ecs:RunCommand", "resource": "acs:ecs:*:*:instance/mi-1"},
            ([], ["ecs:RunCommand"]),
        ),
        ({"action": "ecs:Describe*", "resource": "*"}, (["ecs:RunCommand"], [])),
        ({"effect": "Deny", "action": "ecs:*"}, (["ecs:RunCommand"], [])),
    ],
    ids=["nothing", "the same", "more", "less", "something else", "a denial"],
)
def test_what_is_held_otherwise_is_not_lost(olga, ops, ana, held_too, told):
    if held_too:
        PolicyAttachment.objects.create(policy=PolicyFactory(**held_too), user=ana)

    losses = losses_of_leaving(olga, ana, ops)

    assert [names_of(loss) for loss in losses.seen] == ([told] if told else [])


def test_the_same_policy_through_another_group_still_counts(olga, ops, ana):
    other = GroupFactory()
    PolicyAttachment.objects.create(policy=Policy.objects.get(name="runs"), group=other)
    ana.groups.add(other)

    assert not losses_of_leaving(olga, ana, ops)
    remove_user_from_group(olga, ana, ops)
    assert as_principal(ana).names("ecs:RunCommand")


def test_administrators_lose_nothing(olga, operator, ops):
    operator.groups.add(ops)

    assert not losses_of_group(olga, ops)


def test_who_may_not_be_seen_is_only_counted(ops, ana):
    reader = UserFactory(username="rob")
    reader.groups.add(ops)
    losses = losses_of_group(as_principal(reader), ops)

    assert [loss.name for loss in losses.seen] == ["rob"]
    assert losses.own.name == "rob"
    assert losses.n_hidden == 1
    assert losses.sentence == "rob and 1 more lose permissions."


def test_a_policy_is_missed_by_users_members_and_roles(olga, ops, ana):
    runs = Policy.objects.get(name="runs")
    PolicyAttachment.objects.create(policy=runs, user=UserFactory(username="ben"))
    PolicyAttachment.objects.create(policy=runs, role=RoleFactory(name="fixer"))

    losses = losses_of_policy(olga, runs)

    assert [loss.name for loss in losses.seen] == ["ana", "ben", "fixer"]


@pytest.mark.parametrize(
    "what",
    [
        lambda olga, ana, ops, **words: remove_user_from_group(olga, ana, ops, **words),
        lambda olga, _ana, ops, **words: delete_group(olga, ops, **words),
    ],
)
def test_who_loses_something_is_told_first(olga, ops, ana, what):
    with pytest.raises(NotConfirmed) as refusal:
        what(olga, ana, ops)
    kept = as_principal(ana).names("ecs:RunCommand")
    what(olga, ana, ops, confirmed=True)

    assert "ana" in refusal.value.message
    assert kept
    assert not as_principal(ana).names("ecs:RunCommand")


def test_an_empty_group_is_deleted_without_a_question(olga, ops):
    delete_group(olga, ops)

    assert not Group.objects.exists()
    assert AuditEntry.objects.get().facts == {"members": [], "policies": ["runs"]}


def test_one_leaves_the_group_that_gives_one_rights_only_on_purpose(ops):
    boss = UserFactory(username="lea")
    attached = Policy.objects.get(name="AliyunRAMFullAccess")
    PolicyAttachment.objects.create(policy=attached, group=ops)
    boss.groups.add(ops)

    with pytest.raises(NotConfirmed):
        remove_user_from_group(as_principal(boss), boss, ops)
    remove_user_from_group(as_principal(boss), boss, ops, confirmed=True)

    assert not as_principal(boss).names("ram:ListUsers")


# --- Pages ---


def test_a_group_is_made_on_a_page_and_filled(as_operator):
    UserFactory(username="ana")
    made = as_operator.post(reverse("access:group_create"), {"name": "ops"})
    as_operator.post(reverse("access:group_add_members", args=["ops"]), {"users": ["ana"]})
    as_operator.post(reverse("access:group_attach", args=["ops"]), {"policies": ["ReadOnlyAccess"]})

    assert made["Location"] == reverse("access:group_detail", args=["ops"])
    group = Group.objects.get()
    assert [user.username for user in group.user_set.all()] == ["ana"]
    assert [one.policy.name for one in group.attachments.all()] == ["ReadOnlyAccess"]


def test_members_to_add_are_found_by_typing_and_stay_ticked(as_operator, ops, ana):
    UserFactory(username="ben", display_name="Benedict")
    UserFactory(username="carl")
    address = reverse("access:group_add_members", args=["ops"])

    page = as_operator.get(address, {"q": "benedict", "users": "carl"})

    choices = page.context["choices"]
    assert [user.username for user in choices.ticked] == ["carl"]
    assert [user.username for user in choices.rows] == ["ben"]


@pytest.mark.parametrize("name", ["group_add_members", "group_attach"])
def test_nothing_ticked_is_said(as_operator, ops, name):
    response = as_operator.post(reverse(f"access:{name}", args=["ops"]), {})

    assert response.status_code == 422
    assert "Choose at least one" in response.content.decode()


@pytest.mark.parametrize(
    ("origin", "back"),
    [("", "/console/access/groups/ops/"), ("user", "/console/access/users/ana/")],
)
def test_one_is_told_confirms_and_comes_back_whence_one_came(as_operator, ops, ana, origin, back):
    address = reverse("access:group_remove_member", args=["ops", "ana"])
    told = as_operator.get(address, {"from": origin}).content.decode()
    done = as_operator.post(address, {"confirmed": "1", "from": origin})

    assert "run commands" in told
    assert 'name="confirmed"' in told
    assert done["Location"] == back
    assert not ana.groups.exists()


def test_a_group_whose_members_lose_something_is_not_deleted_unasked(as_operator, ops, ana):
    response = as_operator.post(reverse("access:group_delete", args=["ops"]))

    assert response.status_code == 409
    assert Group.objects.exists()


def test_one_sees_the_groups_that_one_may_see(ops):
    GroupFactory(name="secret")
    reader = UserFactory()
    policy = PolicyFactory(action="ram:ListGroups", resource="acs:ram:*:*:group/ops")
    PolicyAttachment.objects.create(policy=policy, user=reader)
    client = signed_in(reader)

    listed = client.get(reverse("access:group_list")).context["listing"].page

    assert [group.name for group in listed] == ["ops"]
    assert client.get(reverse("access:group_detail", args=["secret"])).status_code == 404

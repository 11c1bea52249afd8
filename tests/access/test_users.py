"""Users: what is refused, who may change whom, and that somebody is left who may do everything."""

import threading
from html import unescape

import pytest
from django.db import connections
from django.urls import reverse

from access.errors import EntityExists, LastAdministrator, NotConfirmed, PasswordRefused
from access.models import AuditEntry, Policy, PolicyAttachment, Session, User
from access.operations.access_keys import (
    create_access_key,
    delete_access_key,
    disable_access_key,
    enable_access_key,
    rotate_access_key,
)
from access.operations.attachments import attach_policy, detach_policy
from access.operations.external_identities import unlink
from access.operations.groups import add_user_to_group, remove_user_from_group
from access.operations.identities import principal_for
from access.operations.passwords import reset_password
from access.operations.second_factors import unbind_second_factor
from access.operations.sessions import sign_out_everywhere
from access.operations.users import (
    create_user,
    delete_user,
    disable_user,
    enable_user,
    update_user,
)
from access.principals import Door
from console.kit.errors import ConsoleError, InvalidParameter, NotAllowed, NotFound
from tests.access.factories import GroupFactory, PolicyFactory, RoleFactory, UserFactory
from tests.conftest import attach, signed_in
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db


def as_principal(user):
    """Anew, as every request has it."""
    return principal_for(User.objects.get(pk=user.pk), Door.CONSOLE)


@pytest.fixture
def ana():
    return UserFactory(username="ana")


@pytest.fixture
def manager():
    """May do everything with users, and is no administrator."""
    user = UserFactory(username="mia")
    attach(user, "AliyunRAMFullAccess")
    return user


# --- Creating ---


def test_a_user_is_made_with_groups_policies_and_a_password_that_is_known_once(olga):
    new = create_user(
        olga,
        "ana",
        generate_password=True,
        must_change_password=True,
        groups=[GroupFactory(name="ops")],
        policies=[Policy.objects.get(name="ReadOnlyAccess")],
        display_name="Ana Ruiz",
        email="ana@example.org",
        api_access=True,
    )

    user = User.objects.get(username="ana")
    assert user.check_password(new.password)
    assert (user.display_name, user.email, user.console_access, user.api_access) == (
        "Ana Ruiz",
        "ana@example.org",
        True,
        True,
    )
    assert user.must_change_password
    assert [group.name for group in user.groups.all()] == ["ops"]
    assert [one.policy.name for one in user.attachments.all()] == ["ReadOnlyAccess"]
    assert new.password not in repr(new)
    entries = AuditEntry.objects.order_by("pk").values_list("action", "resource")
    assert list(entries) == [
        ("ram:CreateUser", "ana"),
        ("ram:AddUserToGroup", "ana"),
        ("ram:AttachPolicyToUser", "ana"),
    ]
    assert new.password not in str(list(AuditEntry.objects.values()))


def test_without_a_password_nobody_signs_in_by_one(olga):
    new = create_user(olga, "ana")

    assert new.password == ""
    assert not User.objects.get(username="ana").has_usable_password()


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"username": ""}, "name"),
        ({"username": "a" * 65}, "name"),
        ({"username": "a/b"}, "name"),
        ({"username": "a b"}, "name"),
        ({"username": "ana*"}, "name"),
        ({"username": "añа"}, "name"),
        ({"username": "ana\n"}, "name"),
        ({"username": ".."}, "name"),
        ({"username": "system"}, "name"),
        ({"username": "Anonymous"}, "name"),
        ({"username": "ana", "display_name": "x" * 129}, "display_name"),
        ({"username": "ana", "email": "nobody"}, "email"),
        ({"username": "ana", "password": "short"}, "password"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_makes_nobody(olga, words, field):
    with pytest.raises(InvalidParameter) as refusal:
        create_user(olga, words.pop("username"), **words)

    assert refusal.value.field == field
    assert not User.objects.filter(email="").exclude(username="olga").exists()


@pytest.mark.parametrize("name", ["a", "a" * 64, "ana.ruiz@example.org", "A-1_b", "create"])
def test_names_that_can_be_taken_have_a_page(olga, as_operator, name):
    create_user(olga, name)

    assert as_operator.get(User.objects.get(username=name).get_absolute_url()).status_code == 200


@pytest.mark.parametrize("name", ["ana", "ANA", "Ana"])
def test_a_name_that_is_taken_is_refused_in_any_capitals(olga, ana, name):
    with pytest.raises(EntityExists):
        create_user(olga, name)


def test_a_weak_password_is_refused_as_the_policy_says(olga):
    with pytest.raises(PasswordRefused):
        create_user(olga, "ana", password="12345678")


# --- Who may ---


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("ram:CreateUser", lambda mia, _ana: create_user(mia, "ben")),
        ("ram:UpdateUser", lambda mia, ana: update_user(mia, ana, display_name="A")),
        ("ram:UpdateLoginProfile", lambda mia, ana: update_user(mia, ana, api_access=True)),
        ("ram:UpdateUser", lambda mia, ana: disable_user(mia, ana)),
        ("ram:UpdateUser", lambda mia, ana: enable_user(mia, ana)),
        ("ram:DeleteUser", lambda mia, ana: delete_user(mia, ana)),
        ("ram:UpdateLoginProfile", lambda mia, _ana: create_user(mia, "ben", email="b@example.org")),
        ("ram:AddUserToGroup", lambda mia, _ana: create_user(mia, "ben", groups=[GroupFactory()])),
        ("ram:AttachPolicyToUser", lambda mia, _ana: create_user(mia, "ben", policies=[PolicyFactory()])),
    ],
)
def test_each_change_needs_its_action_on_that_user(ana, manager, action, what):
    before = list(User.objects.order_by("pk").values())
    deny = PolicyFactory(name="not-this", effect="Deny", action=action)
    PolicyAttachment.objects.create(policy=deny, user=manager)

    with pytest.raises(NotAllowed) as refusal:
        what(as_principal(manager), ana)
    PolicyAttachment.objects.filter(policy=deny).delete()
    what(as_principal(manager), ana)

    assert refusal.value.facts["action"] == action
    assert list(User.objects.order_by("pk").values()) != before or action in (
        "ram:UpdateUser",
        "ram:AddUserToGroup",
    )
    assert AuditEntry.objects.filter(outcome="Refused", action=action).exists()


@pytest.mark.parametrize(
    "what",
    [
        lambda mia, _boss: create_user(mia, "ben", is_administrator=True),
        lambda mia, boss: update_user(mia, boss, display_name="Boss"),
        lambda mia, boss: update_user(mia, boss, is_administrator=False),
        lambda mia, boss: disable_user(mia, boss),
        lambda mia, boss: enable_user(mia, boss),
        lambda mia, boss: delete_user(mia, boss),
    ],
)
def test_administrators_are_made_and_changed_by_administrators_alone(operator, manager, what):
    boss = UserFactory(username="boss", administrator=True)

    with pytest.raises(NotAllowed):
        what(as_principal(manager), boss)

    assert User.objects.administrators().count() == 2


def test_who_manages_users_makes_nobody_an_administrator(ana, manager):
    with pytest.raises(NotAllowed):
        update_user(as_principal(manager), ana, is_administrator=True)


def test_an_administrator_in_a_role_changes_no_administrator(operator):
    role = RoleFactory()
    PolicyAttachment.objects.create(policy=Policy.objects.get(name="AdministratorAccess"), role=role)
    boss = UserFactory(administrator=True)

    with pytest.raises(NotAllowed):
        disable_user(principal_for(operator, Door.CONSOLE, role=role), boss)


# --- Changing ---


def test_only_what_is_given_is_changed_and_remembered(olga, ana):
    user = update_user(olga, ana, email="ana@example.org", console_access=True)

    assert (user.email, user.display_name) == ("ana@example.org", ana.display_name)
    assert AuditEntry.objects.get().facts == {"email": "ana@example.org"}


def test_a_change_to_what_is_so_already_is_none(olga, ana):
    update_user(olga, ana, display_name=ana.display_name)

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "what",
    [
        lambda olga, ana: disable_user(olga, ana),
        lambda olga, ana: update_user(olga, ana, console_access=False),
        lambda olga, ana: delete_user(olga, ana),
    ],
)
def test_who_is_shut_out_is_signed_out_at_once_and_for_good(olga, ana, what):
    client = signed_in(ana)
    what(olga, ana)

    User.objects.filter(pk=ana.pk).update(is_active=True, console_access=True)

    assert not Session.objects.exists()
    assert client.get("/console/").status_code == 302


def test_disabling_and_enabling_twice_is_once(olga, ana):
    for _time in range(2):
        assert not disable_user(olga, ana).is_active
    for _time in range(2):
        assert enable_user(olga, ana).is_active

    assert [entry.facts for entry in AuditEntry.objects.order_by("pk")] == [
        {"enabled": False},
        {"enabled": True},
    ]


def test_an_administrator_sees_the_admin_site_and_a_former_one_does_not(olga, ana):
    update_user(olga, ana, is_administrator=True)
    User.objects.filter(pk=ana.pk).update(must_change_password=False)
    during = signed_in(ana).get("/admin/").status_code
    update_user(olga, ana, is_administrator=False)
    after = signed_in(ana).get("/admin/").status_code

    assert during == 200
    assert after != 200


@pytest.mark.parametrize("password", ["correct horse battery", None])
def test_what_was_handed_out_before_opens_nothing_to_a_new_administrator(olga, ana, password):
    User.objects.filter(pk=ana.pk).update(api_access=True)
    ana.refresh_from_db()
    ana.set_password(password)
    ana.save()
    key = create_access_key(olga, ana).key
    client = signed_in(ana)

    user = update_user(olga, ana, is_administrator=True)

    key.refresh_from_db()
    assert key.disabled
    assert client.get("/console/").status_code == 302
    assert user.must_change_password is bool(password)
    assert AuditEntry.objects.get(action="ram:UpdateUser").facts == {
        "is_administrator": True,
        "sessions_ended": 1,
        "access_keys_disabled": [key.pk],
        "must_change_password": bool(password),
    }


def test_the_panel_says_what_becoming_an_administrator_takes(as_operator, ana):
    sentence = "their access keys are disabled"

    assert sentence in as_operator.get(reverse("access:user_update", args=["ana"])).content.decode()
    assert sentence not in as_operator.get(reverse("access:user_create")).content.decode()


PROMOTED_MEANWHILE = {
    "reset": lambda mia, ana, _key: reset_password(mia, ana),
    "unbind": lambda mia, ana, _key: unbind_second_factor(mia, ana),
    "sign out": lambda mia, ana, _key: sign_out_everywhere(mia, ana),
    "attach": lambda mia, ana, _key: attach_policy(mia, Policy.objects.get(name="ReadOnlyAccess"), user=ana),
    "detach": lambda mia, ana, _key: detach_policy(mia, Policy.objects.get(name="ReadOnlyAccess"), user=ana),
    "join": lambda mia, ana, _key: add_user_to_group(mia, ana, GroupFactory()),
    "leave": lambda mia, ana, _key: remove_user_from_group(mia, ana, GroupFactory()),
    "create a key": lambda mia, ana, _key: create_access_key(mia, ana),
    "rotate a key": lambda mia, _ana, key: rotate_access_key(mia, key),
    "disable a key": lambda mia, _ana, key: disable_access_key(mia, key),
    "enable a key": lambda mia, _ana, key: enable_access_key(mia, key),
    "delete a key": lambda mia, _ana, key: delete_access_key(mia, key),
    "unlink": lambda mia, ana, _key: unlink(mia, ana, "https://provider.example"),
}


@pytest.mark.parametrize("what", PROMOTED_MEANWHILE.values(), ids=PROMOTED_MEANWHILE.keys())
def test_who_became_an_administrator_a_moment_ago_is_guarded_as_one(olga, ana, manager, what):
    User.objects.filter(pk=ana.pk).update(api_access=True)
    stale = User.objects.get(pk=ana.pk)
    key = create_access_key(olga, stale).key
    User.objects.filter(pk=ana.pk).update(is_superuser=True)

    with pytest.raises(NotAllowed, match="Only administrators"):
        what(as_principal(manager), stale, key)


def test_who_is_gone_meanwhile_is_said_to_be(olga, ana):
    stale = User.objects.get(pk=ana.pk)
    ana.delete()

    with pytest.raises(NotFound, match="not there any more"):
        sign_out_everywhere(olga, stale)


def test_what_is_deleted_is_not_there_for_anybody(olga, ana):
    PolicyAttachment.objects.create(policy=PolicyFactory(), user=ana)
    delete_user(olga, ana)

    assert not User.objects.filter(username="ana").exists()
    with pytest.raises(NotFound):
        update_user(olga, ana, display_name="ghost")


def test_changes_are_rung_after_the_commit(olga, ana, bell, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        update_user(olga, ana, display_name="A")

    assert ("cloud-assistant:news", ["access"]) in bell.heard()


# --- Oneself, and the last administrator ---


@pytest.mark.parametrize(
    "what",
    [
        lambda olga, me, **words: disable_user(olga, me, **words),
        lambda olga, me, **words: delete_user(olga, me, **words),
        lambda olga, me, **words: update_user(olga, me, is_administrator=False, **words),
        lambda olga, me, **words: update_user(olga, me, console_access=False, **words),
        lambda olga, me, **words: update_user(olga, me, api_access=False, **words),
    ],
)
def test_one_takes_access_from_oneself_only_on_purpose(operator, what):
    UserFactory(administrator=True)
    User.objects.filter(pk=operator.pk).update(api_access=True)
    before = User.objects.filter(pk=operator.pk).values().get()

    with pytest.raises(NotConfirmed):
        what(as_principal(operator), operator)
    unchanged = User.objects.filter(pk=operator.pk).values().get()
    what(as_principal(operator), operator, confirmed=True)

    assert unchanged == before
    assert User.objects.filter(pk=operator.pk).values().first() != before


TAKING_AWAY = [
    lambda olga, last: disable_user(olga, last, confirmed=True),
    lambda olga, last: delete_user(olga, last, confirmed=True),
    lambda olga, last: update_user(olga, last, is_administrator=False, confirmed=True),
    lambda olga, last: update_user(olga, last, console_access=False, confirmed=True),
]


@pytest.mark.parametrize("what", TAKING_AWAY)
@pytest.mark.parametrize(
    "others",
    [[], [{"disabled": True}], [{"console_access": False}]],
    ids=["alone", "another who is disabled", "another who cannot sign in"],
)
def test_the_last_administrator_stays(operator, what, others):
    for other in others:
        UserFactory(administrator=True, **other)

    with pytest.raises(LastAdministrator):
        what(as_principal(operator), operator)

    operator.refresh_from_db()
    assert (operator.is_active, operator.is_superuser, operator.console_access) == (True, True, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", TAKING_AWAY)
def test_two_administrators_who_shut_each_other_out_at_once_leave_one(operator, what):
    boss = UserFactory(administrator=True)
    refusals = at_once(
        lambda: what(as_principal(operator), boss),
        lambda: what(as_principal(boss), operator),
    )

    can_come_in = User.objects.administrators().filter(console_access=True)
    assert can_come_in.count() == 1
    # One was too late; or, with a stale idea of who they are, not an administrator any more.
    assert [type(one) for one in refusals] in ([LastAdministrator], [NotAllowed])


def at_once(*calls):
    """Each in a thread of its own; what they refused."""
    begin = threading.Barrier(len(calls))
    refusals = []

    def run(call):
        try:
            begin.wait(PATIENCE_SECONDS)
            call()
        except ConsoleError as error:
            refusals.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return refusals


# --- Pages ---


def test_a_colleague_is_given_read_only_access_with_two_fields(as_operator):
    words = {
        "name": "ben",
        "console_access": "on",
        "password_choice": "generated",
        "must_change_password": "on",
        "policies": "AliyunECSAssistantReadonlyAccess",
    }
    response = as_operator.post(reverse("access:user_create"), words)

    user = User.objects.get(username="ben")
    page = response.content.decode()
    password = page.split("Password: ")[1].split("<")[0].strip()
    assert response["Cache-Control"] == "no-store"
    assert user.must_change_password
    assert "https://console.example:" in page
    assert user.check_password(unescape(password))
    assert [one.policy.name for one in user.attachments.all()] == ["AliyunECSAssistantReadonlyAccess"]


@pytest.mark.parametrize(
    ("words", "usable", "sentence"),
    [
        ({"console_access": "on", "password_choice": "none"}, False, "no password to show"),
        ({"password_choice": "generated"}, False, "no password to show"),
        (
            {"console_access": "on", "password_choice": "typed", "password": "correct horse battery"},
            True,
            "no password to show",
        ),
    ],
)
def test_a_user_is_made_without_a_made_password(as_operator, words, usable, sentence):
    page = as_operator.post(reverse("access:user_create"), {"name": "ben", **words}).content.decode()

    assert User.objects.get(username="ben").has_usable_password() is usable
    assert sentence in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"name": "olga"}, "The name olga is taken."),
        ({"name": "b/n"}, "The name has 1 to 64"),
        ({"name": "ben", "password_choice": "typed", "console_access": "on"}, "Type the password"),
        (
            {"name": "ben", "password_choice": "typed", "console_access": "on", "password": "1234"},
            "characters",
        ),
    ],
)
def test_what_is_wrong_is_said_at_the_field(as_operator, words, sentence):
    response = as_operator.post(reverse("access:user_create"), words)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not User.objects.filter(username="ben").exists()


def test_who_is_no_administrator_is_not_asked_for_administrators(manager):
    client = signed_in(manager)
    page = client.get(reverse("access:user_create")).content.decode()
    client.post(reverse("access:user_create"), {"name": "ben", "is_administrator": "on"})

    assert "is_administrator" not in page
    assert not User.objects.get(username="ben").is_superuser


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["olga", "ana", "bot", "gone", "mia"]),
        ({"q": "ANA"}, ["ana"]),
        ({"kind": "administrator"}, ["olga"]),
        ({"kind": "api"}, ["bot"]),
        ({"kind": "disabled"}, ["gone"]),
        ({"kind": "console"}, ["olga", "ana", "mia"]),
        ({"q": "nobody"}, []),
    ],
)
def test_users_are_found(as_operator, ana, manager, query, names):
    UserFactory(username="bot", program=True)
    UserFactory(username="gone", disabled=True)

    response = as_operator.get(reverse("access:user_list"), query)

    assert [user.username for user in response.context["listing"].page] == names


def test_one_sees_the_users_that_one_may_see(ana, manager):
    reader = UserFactory(username="rob")
    seen = PolicyFactory(action="ram:ListUsers", resource="acs:ram:*:*:user/a*")
    PolicyAttachment.objects.create(policy=seen, user=reader)
    client = signed_in(reader)

    listed = client.get(reverse("access:user_list")).context["listing"].page

    assert [user.username for user in listed] == ["ana"]
    assert client.get(ana.get_absolute_url()).status_code == 200
    assert client.get(manager.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("verb", ["update", "disable", "delete"])
def test_a_page_warns_who_is_about_to_shut_themselves_out(as_operator, operator, verb):
    UserFactory(administrator=True)
    address = reverse(f"access:user_{verb}", args=["olga"])
    told = as_operator.post(address, {"display_name": "O"})
    done = as_operator.post(address, {"display_name": "O", "confirmed": "1"})

    assert told.status_code in (200, 409)
    assert "Confirm that this is meant." in told.content.decode()
    assert done.status_code == 302


def test_a_users_page_shows_what_counts_and_through_what(as_operator, ana):
    group = GroupFactory(name="ops")
    ana.groups.add(group)
    PolicyAttachment.objects.create(policy=PolicyFactory(name="of-ops"), group=group)
    PolicyAttachment.objects.create(policy=PolicyFactory(name="of-ana"), user=ana)

    page = as_operator.get(ana.get_absolute_url())

    attached = [(one.policy.name, one.group_id) for one in page.context["attachments"]]
    assert attached == [("of-ana", None), ("of-ops", group.pk)]
    assert reverse("access:group_detail", args=["ops"]) in page.content.decode()


def test_an_administrators_page_offers_nothing_to_who_is_none(operator, manager):
    page = signed_in(manager).get(operator.get_absolute_url()).content.decode()

    assert "Only administrators may change an administrator." in page
    assert reverse("access:user_delete", args=["olga"]) not in page


@pytest.mark.parametrize("size", [3, 1000])
def test_the_pages_cost_the_same_with_a_thousand_users(size, operator, django_assert_max_num_queries):
    groups = GroupFactory.create_batch(3)
    users = UserFactory.create_batch(size, password="!")
    User.groups.through.objects.bulk_create(
        User.groups.through(user=user, group=groups[n % 3]) for n, user in enumerate(users)
    )
    policies = PolicyFactory.create_batch(200 if size > 100 else 3)
    PolicyAttachment.objects.bulk_create(
        [PolicyAttachment(policy=policies[n % len(policies)], user=user) for n, user in enumerate(users)]
        + [PolicyAttachment(policy=policy, group=groups[0]) for policy in policies]
    )
    role = RoleFactory()
    PolicyAttachment.objects.create(policy=policies[0], role=role)
    client = signed_in(operator)

    for name, words, most in [
        ("user_list", [], 5),
        ("user_detail", [users[0].username], 9),
        ("user_create", [], 6),
        ("user_attach", [users[0].username], 5),
        ("user_detach", [users[0].username, policies[0].name], 9),
        ("group_list", [], 5),
        ("group_detail", [groups[0].name], 7),
        ("group_add_members", [groups[0].name], 5),
        ("group_detach", [groups[0].name, policies[0].name], 9),
        ("group_delete", [groups[0].name], 9),
        ("role_detail", [role.name], 9),
        ("role_detach", [role.name, policies[0].name], 12),
    ]:
        with django_assert_max_num_queries(most):
            assert client.get(reverse(f"access:{name}", args=words)).status_code == 200

"""Access keys: two at most, shown once, sealed at rest; and what the programs' door learns of them."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from access import limits
from access.errors import AccessKeysExhausted, ApiAccessOff
from access.models import AccessKey, AuditEntry, PolicyAttachment, User
from access.operations import access_keys
from access.operations.access_keys import (
    create_access_key,
    delete_access_key,
    disable_access_key,
    enable_access_key,
    find_key,
    note_use,
    rotate_access_key,
    secret_of,
)
from access.operations.identities import principal_for
from access.principals import Door
from console.kit.errors import ConsoleError, NotAllowed
from tests.access.factories import PolicyFactory, UserFactory
from tests.conftest import attach, signed_in
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db

NOBODYS = "LTAI" + "x" * 20


def as_principal(user):
    return principal_for(User.objects.get(pk=user.pk), Door.CONSOLE)


@pytest.fixture
def bot():
    return UserFactory(username="bot", program=True)


@pytest.fixture
def manager():
    user = UserFactory(username="mia")
    attach(user, "AliyunRAMFullAccess")
    return user


def test_a_key_is_known_once_and_kept_sealed(olga, bot):
    new = create_access_key(olga, bot)

    stored = AccessKey.objects.get()
    assert re.fullmatch(r"LTAI[A-Za-z0-9]{20}", stored.pk)
    assert re.fullmatch(r"[A-Za-z0-9]{30}", new.secret)
    assert secret_of(stored) == new.secret
    assert new.secret not in str(AccessKey.objects.values().get())
    assert new.secret not in str(list(AuditEntry.objects.values()))
    assert new.secret not in repr(new)
    assert AuditEntry.objects.get().facts == {"access_key": stored.pk}


def test_a_user_has_two_keys_at_most(olga, bot):
    first = create_access_key(olga, bot).key
    create_access_key(olga, bot)

    with pytest.raises(AccessKeysExhausted):
        create_access_key(olga, bot)
    delete_access_key(olga, first)
    create_access_key(olga, bot)

    assert bot.access_keys.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_user_has_two_keys_at_most_however_many_ask_at_once(olga, bot):
    begin = threading.Barrier(5)
    refusals = []

    def ask():
        try:
            begin.wait(PATIENCE_SECONDS)
            create_access_key(olga, bot)
        except ConsoleError as error:
            refusals.append(type(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _each in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert bot.access_keys.count() == 2
    assert refusals == [AccessKeysExhausted] * 3


def test_who_may_not_use_the_api_gets_no_key(olga):
    ana = UserFactory()

    with pytest.raises(ApiAccessOff):
        create_access_key(olga, ana)

    assert not AccessKey.objects.exists()


def test_the_old_key_works_on_when_the_next_one_is_made(olga, bot):
    old = create_access_key(olga, bot).key
    new = rotate_access_key(olga, old)

    assert find_key(old.pk).key == old
    assert find_key(new.key.pk).key == new.key
    assert AuditEntry.objects.latest("pk").facts == {"access_key": new.key.pk, "follows": old.pk}
    with pytest.raises(AccessKeysExhausted):
        rotate_access_key(olga, old)


# --- Who may ---

CHANGES = [
    ("ram:CreateAccessKey", lambda who, key: create_access_key(who, key.user)),
    ("ram:CreateAccessKey", lambda who, key: rotate_access_key(who, key)),
    ("ram:UpdateAccessKey", lambda who, key: disable_access_key(who, key)),
    ("ram:UpdateAccessKey", lambda who, key: enable_access_key(who, key)),
    ("ram:DeleteAccessKey", lambda who, key: delete_access_key(who, key)),
]


@pytest.mark.parametrize(("action", "what"), CHANGES)
def test_everybody_manages_their_own_keys(olga, bot, action, what):
    key = create_access_key(olga, bot).key

    what(as_principal(bot), key)

    done = AuditEntry.objects.latest("pk")
    assert (done.principal, done.action, done.outcome) == (bot.username, action, "Done")


@pytest.mark.parametrize(("action", "what"), CHANGES)
def test_those_of_others_need_the_action(olga, bot, action, what):
    key = create_access_key(olga, bot).key
    other = UserFactory(api_access=True)

    with pytest.raises(NotAllowed) as refusal:
        what(as_principal(other), key)
    policy = PolicyFactory(action=action, resource="acs:ram:*:*:user/bot")
    PolicyAttachment.objects.create(policy=policy, user=other)
    what(as_principal(other), key)

    assert refusal.value.facts["action"] == action


@pytest.mark.parametrize(("_action", "what"), CHANGES)
def test_those_of_administrators_need_an_administrator(olga, manager, _action, what):
    boss = UserFactory(administrator=True, api_access=True)
    key = create_access_key(olga, boss).key

    with pytest.raises(NotAllowed):
        what(as_principal(manager), key)


# --- What the programs' door asks ---


def test_a_key_is_found_with_its_secret(olga, bot):
    new = create_access_key(olga, bot)

    found = find_key(new.key.pk)

    assert (found.key, found.secret, found.is_known) == (new.key, new.secret, True)
    assert new.secret not in repr(found)


@pytest.mark.parametrize("key_id", ["", "x", NOBODYS, "LTAI\0", "é" * 24, "L" * 10_000])
def test_for_an_unknown_id_there_is_a_secret_that_nobody_knows(olga, bot, key_id):
    real = create_access_key(olga, bot).secret
    found = find_key(key_id)

    assert not found.is_known
    assert len(found.secret) == len(real)
    assert found.secret != real


def test_an_unknown_id_costs_what_a_known_one_costs(olga, bot, django_assert_num_queries):
    known = create_access_key(olga, bot).key.pk
    for key_id in (known, NOBODYS):
        find_key(key_id)

    for key_id in (known, NOBODYS, ""):
        with django_assert_num_queries(1):
            find_key(key_id)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: AccessKey.objects.update(disabled=True),
        lambda key: User.objects.update(is_active=False),
        lambda key: User.objects.update(api_access=False),
    ],
)
def test_what_is_switched_off_opens_nothing(olga, bot, change):
    key = create_access_key(olga, bot).key
    change(key)

    assert not access_keys.counts(find_key(key.pk).key)


@pytest.mark.parametrize("change", [lambda key: key.delete(), lambda key: key.user.delete()])
def test_what_is_gone_is_unknown(olga, bot, change):
    key_id = create_access_key(olga, bot).key.pk
    change(AccessKey.objects.get())

    assert not find_key(key_id).is_known


def test_a_disabled_key_works_again_when_it_is_enabled(olga, bot):
    key = create_access_key(olga, bot).key
    disable_access_key(olga, key)
    disabled = access_keys.counts(AccessKey.objects.get())
    enable_access_key(olga, key)

    assert not disabled
    assert find_key(key.pk).key.user == bot


@pytest.mark.parametrize(
    ("before", "is_written"),
    [
        ({}, True),
        ({"used_at": timedelta(seconds=1), "used_from": "192.0.2.7"}, False),
        ({"used_at": timedelta(seconds=1), "used_from": "192.0.2.8"}, True),
        ({"used_at": limits.SEEN_EVERY + timedelta(seconds=1), "used_from": "192.0.2.7"}, True),
    ],
)
def test_its_last_use_is_written_now_and_then(olga, bot, before, is_written):
    key = create_access_key(olga, bot).key
    now = timezone.now()
    if before:
        AccessKey.objects.update(used_at=now - before["used_at"], used_from=before["used_from"])

    note_use(key, now, source_ip="192.0.2.7")

    assert (AccessKey.objects.get().used_at == now) is is_written


# --- Pages ---


def test_a_key_is_made_on_the_users_page_and_shown_once(as_operator, bot):
    address = reverse("access:access_key_create", args=["bot"])
    response = as_operator.post(address)
    page = as_operator.get(bot.get_absolute_url()).content.decode()

    key = AccessKey.objects.get()
    secret = secret_of(key)
    assert response["Cache-Control"] == "no-store"
    assert secret in response.content.decode()
    assert key.pk in page
    assert secret not in page


def test_one_manages_ones_own_without_any_policy():
    ana = UserFactory(username="ana", api_access=True)
    client = signed_in(ana)
    made = client.post(reverse("access:access_key_create", args=["ana"])).content.decode()
    key = AccessKey.objects.get()
    disabled = client.post(reverse("access:access_key_disable", args=[key.pk]))
    page = client.get(reverse("access:access_key_list")).content.decode()
    rotated = client.post(reverse("access:access_key_rotate", args=[key.pk])).content.decode()
    deleted = client.post(reverse("access:access_key_delete", args=[key.pk]))

    assert secret_of(key) in made
    assert disabled["Location"] == reverse("access:access_key_list")
    assert 'data-state="disabled"' in page
    assert f"The old key {key.pk} still works." in rotated
    assert deleted["Location"] == reverse("access:access_key_list")
    assert AccessKey.objects.count() == 1


@pytest.mark.parametrize("verb", ["disable", "enable", "rotate", "delete"])
def test_those_of_others_are_not_there_for_who_may_not_see_them(olga, bot, verb):
    key = create_access_key(olga, bot).key

    response = signed_in(UserFactory()).post(reverse(f"access:access_key_{verb}", args=[key.pk]))

    assert response.status_code == 404
    assert AccessKey.objects.get().disabled is False


def test_no_keys_are_made_for_who_may_not_be_seen(bot):
    response = signed_in(UserFactory()).post(reverse("access:access_key_create", args=["bot"]))

    assert response.status_code == 404


def test_who_has_two_keys_is_told_before_rotating(as_operator, olga, bot):
    key = create_access_key(olga, bot).key
    create_access_key(olga, bot)

    page = as_operator.get(reverse("access:access_key_rotate", args=[key.pk])).content.decode()

    assert "The user has two keys already" in page
    assert "Make the next key" not in page


def test_what_one_may_not_do_with_a_key_is_said_at_the_button(olga, bot):
    create_access_key(olga, bot)
    reader = UserFactory()
    attach(reader, "AliyunRAMReadOnlyAccess")

    page = signed_in(reader).get(bot.get_absolute_url()).content.decode()

    assert "You need ram:CreateAccessKey." in page
    assert "You need ram:DeleteAccessKey." in page
    assert "You need ram:UpdateAccessKey." in page


def test_who_may_not_see_keys_is_not_told_that_there_are_none(bot):
    reader = UserFactory()
    PolicyAttachment.objects.create(policy=PolicyFactory(action="ram:ListUsers"), user=reader)

    page = signed_in(reader).get(bot.get_absolute_url()).content.decode()

    assert 'id="access-keys"' not in page
    assert "In no group." not in page
    assert "No policy counts" not in page

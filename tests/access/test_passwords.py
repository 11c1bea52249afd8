"""Passwords: changing one's own, giving others one, and what all of them must be like."""

from datetime import timedelta
from typing import ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.errors import PasswordRefused, PasswordWrong
from access.models import AuditEntry, PasswordPolicy, Session, UsedPassword, User
from access.operations.identities import principal_for
from access.operations.passwords import (
    PolicyValidator,
    change_own_password,
    new_password_for,
    put_own_password,
    reset_password,
    set_password_policy,
)
from access.operations.users import create_user
from access.principals import Door
from console.kit.errors import InvalidParameter, NotAllowed
from tests.conftest import attach, signed_in

pytestmark = pytest.mark.django_db

OLD = "correct horse battery"
NEW = "a better one 77"
ANY = {
    "least_characters": 8,
    "needs_lower": False,
    "needs_upper": False,
    "needs_digit": False,
    "needs_symbol": False,
    "max_age_days": 0,
    "remembered": 0,
}


def change(principal, new=NEW, *, old=OLD):
    return change_own_password(principal, old_password=old, new_password=new, keeping="")


# --- One's own ---


def test_one_changes_ones_own(rita, reader):
    User.objects.update(must_change_password=True)
    change(rita)

    reader.refresh_from_db()
    assert reader.check_password(NEW)
    assert not reader.must_change_password
    assert reader.password_changed_at > timezone.now() - timedelta(minutes=1)
    entry = AuditEntry.objects.get(action="ram:ChangePassword")
    assert NEW not in str(entry.facts)


def test_the_old_one_has_to_be_right(rita, reader):
    with pytest.raises(PasswordWrong):
        change(rita, old="wrong")

    reader.refresh_from_db()
    assert reader.check_password(OLD)


@pytest.mark.parametrize("password", ["short", "password1", "ritaritarita", "x" * 1025])
def test_a_bad_one_is_refused_and_changes_nothing(rita, reader, password):
    User.objects.filter(pk=reader.pk).update(first_name="ritaritarita")

    with pytest.raises(PasswordRefused):
        change(rita, password)

    reader.refresh_from_db()
    assert reader.check_password(OLD)


@pytest.mark.parametrize("password", ["x7" * 20, "p4" * 64, "日本語のパスワードです九", "with  two  blanks "])
def test_a_long_or_unusual_one_is_taken(rita, reader, password):
    change(rita, password)

    reader.refresh_from_db()
    assert reader.check_password(password)


def test_changing_it_ends_all_other_sessions_with_their_rows(reader, as_reader):
    elsewhere = signed_in(reader)
    words = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}

    response = as_reader.post("/console/password/", words)

    assert response.status_code == 302
    assert as_reader.get("/console/account/").status_code == 200
    assert elsewhere.get("/console/account/").status_code == 302
    assert Session.objects.filter(user=reader).count() == 1


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"old_password": "wrong"}, "old_password"),
        ({"new_password1": "short", "new_password2": "short"}, "new_password1"),
        ({"new_password2": "another one 88"}, "new_password2"),
        ({"old_password": ""}, "old_password"),
    ],
)
def test_the_form_says_what_is_wrong_where_it_is(as_reader, words, field):
    good = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}

    response = as_reader.post("/console/password/", {**good, **words})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_wrong_old_passwords_close_the_form_too(as_reader, settings):
    settings.AXES_ENABLED = True
    for _try in range(5):
        response = as_reader.post(
            "/console/password/", {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
        )
    right = as_reader.post(
        "/console/password/", {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    )

    assert (response.status_code, right.status_code) == (429, 429)


def test_who_has_no_password_is_told_so(reader, as_reader):
    reader.set_unusable_password()
    reader.save()

    page = signed_in(reader).get("/console/password/").content.decode()

    assert "You have no password here" in page


def test_a_password_that_was_changed_meanwhile_is_not_overwritten(rita, reader):
    compared = User.objects.get(pk=reader.pk)
    before = compared.password
    compared.set_password(NEW)
    change(rita, "yet another 99")

    with pytest.raises(PasswordWrong):
        put_own_password(rita, compared, before=before, keeping="")

    reader.refresh_from_db()
    assert reader.check_password("yet another 99")


@pytest.fixture
def in_transactions(settings):
    """How deep in transactions each hash was made or compared, beyond the test's own."""
    settings.PASSWORD_HASHERS = ["tests.access.test_passwords.WatchingHasher"]
    WatchingHasher.depths = []
    return WatchingHasher.depths


class WatchingHasher(MD5PasswordHasher):
    depths: ClassVar[list[int]] = []

    def encode(self, password, salt):
        self.depths.append(len(connection.savepoint_ids))
        return super().encode(password, salt)


@pytest.mark.parametrize(
    "what",
    [
        lambda olga, _reader: change(olga),
        lambda olga, reader: reset_password(olga, reader),
        lambda olga, reader: reset_password(olga, reader, password=NEW),
        lambda olga, _reader: create_user(olga, "ana", password=NEW),
        lambda olga, _reader: create_user(olga, "ana", generate_password=True),
    ],
)
def test_no_password_is_hashed_while_others_wait_to_write(olga, operator, reader, what, in_transactions):
    set_password_policy(olga, **{**ANY, "remembered": 3})
    operator.set_password(OLD)
    operator.save()
    in_transactions.clear()

    what(olga, reader)

    assert in_transactions
    assert set(in_transactions) == {0}


# --- Those of others ---


def test_a_reset_password_is_thought_up_and_ends_the_sessions(olga, reader, as_reader):
    password = reset_password(olga, reader)

    reader.refresh_from_db()
    assert reader.check_password(password)
    assert reader.must_change_password
    assert as_reader.get("/console/account/").status_code == 302
    assert password not in str(list(AuditEntry.objects.values()))


def test_a_reset_password_may_be_given(olga, reader):
    assert reset_password(olga, reader, password=NEW, must_change=False) == NEW

    reader.refresh_from_db()
    assert not reader.must_change_password


def test_a_given_one_has_to_follow_the_rules(olga, reader):
    with pytest.raises(PasswordRefused):
        reset_password(olga, reader, password="short")


@pytest.mark.parametrize("password", [None, NEW, "short"])
def test_a_reader_resets_nobodys_and_learns_nothing_of_them(rita, reader, password):
    with pytest.raises(NotAllowed):
        reset_password(rita, reader, password=password)

    assert AuditEntry.objects.get(outcome="Refused").action == "ram:UpdateLoginProfile"


def test_only_administrators_reset_the_password_of_an_administrator(reader, operator):
    attach(reader, "AliyunRAMFullAccess")
    principal = principal_for(reader, Door.CONSOLE)
    reset_password(principal, User.objects.create_user("rolf"))

    with pytest.raises(NotAllowed):
        reset_password(principal, operator)


# --- What they must be like ---


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"least_characters": 12}, "twelve signs", "only eleven"),
        ({"least_characters": 40}, "x7" * 20, "x7" * 19),
        ({"needs_lower": True}, "WITh A SMALL ONE", "WITHOUT A SMALL"),
        ({"needs_upper": True}, "with A capital", "without capital"),
        ({"needs_digit": True}, "with 1 digit", "without digit"),
        ({"needs_symbol": True}, "with, comma", "withoutanysign7"),
        ({"needs_symbol": True}, "with blank", "Ünïcödelétters9"),
        ({"needs_digit": True, "needs_upper": True}, "Both 1 and A", "only one A"),
    ],
)
def test_the_rules_are_kept(olga, rita, rules, good, bad):
    set_password_policy(olga, **{**ANY, **rules})

    with pytest.raises(PasswordRefused):
        change(rita, bad)
    change(rita, good)


def test_everything_that_is_missing_is_said_at_once(olga):
    set_password_policy(olga, **{**ANY, "least_characters": 12, "needs_digit": True, "needs_upper": True})

    with pytest.raises(ValidationError) as refusal:
        PolicyValidator().validate("short")

    assert refusal.value.messages == ["A password needs 12 characters or more, a capital letter and a digit."]


@pytest.mark.parametrize("rules", [{}, {"least_characters": 60}])
def test_a_password_that_is_thought_up_follows_every_rule(rules):
    every = dict.fromkeys(("needs_lower", "needs_upper", "needs_digit", "needs_symbol"), True)
    policy = PasswordPolicy(**{**every, **rules})

    assert not any(policy.missing_in(new_password_for(policy)) for _each in range(50))


def test_none_of_the_last_ones_comes_again(olga, rita, reader):
    set_password_policy(olga, **{**ANY, "remembered": 3})
    with pytest.raises(PasswordRefused):
        change(rita, OLD)
    for number in range(3):
        change(rita, f"number {number} of mine", old=OLD if not number else f"number {number - 1} of mine")

    for number in range(3):
        with pytest.raises(PasswordRefused):
            change(rita, f"number {number} of mine", old="number 2 of mine")
    change(rita, OLD, old="number 2 of mine")
    assert UsedPassword.objects.filter(user=reader).count() == 3


def test_without_such_a_rule_nothing_is_kept(olga, rita):
    set_password_policy(olga, **{**ANY, "remembered": 3})
    change(rita)
    set_password_policy(olga, **ANY)
    change(rita, "yet another 99", old=NEW)

    assert not UsedPassword.objects.exists()


def test_the_passwords_of_others_may_be_the_same(olga, rita, operator):
    set_password_policy(olga, **{**ANY, "remembered": 3})
    change(rita, NEW)

    change_own_password(olga, old_password=OLD, new_password=NEW, keeping="")

    operator.refresh_from_db()
    assert operator.check_password(NEW)


@pytest.mark.parametrize(("age", "leads_to"), [(29, "/console/"), (31, "/console/password/")])
def test_a_password_that_grew_too_old_is_changed_at_the_next_sign_in(olga, reader, age, leads_to):
    set_password_policy(olga, **{**ANY, "max_age_days": 30})
    User.objects.filter(pk=reader.pk).update(password_changed_at=timezone.now() - timedelta(days=age))
    client = Client()

    response = client.post("/console/sign-in/", {"username": "rita", "password": OLD}, follow=True)

    assert response.request["PATH_INFO"] == leads_to


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("least_characters", 7),
        ("least_characters", 129),
        ("max_age_days", -1),
        ("max_age_days", 1096),
        ("remembered", -1),
        ("remembered", 25),
    ],
)
def test_a_rule_out_of_range_is_refused(olga, field, value):
    with pytest.raises(InvalidParameter) as refusal:
        set_password_policy(olga, **{**ANY, field: value})

    assert refusal.value.field == field
    assert not PasswordPolicy.objects.exists()


def test_a_reader_sets_no_rules(rita):
    with pytest.raises(NotAllowed):
        set_password_policy(rita, **ANY)


def test_the_rules_are_seen_and_set_on_their_page(as_operator):
    words = {**ANY, "least_characters": 14, "needs_digit": "on"}
    words = {name: value for name, value in words.items() if value is not False}

    response = as_operator.post("/console/access/password-policy/set/", words, follow=True)

    assert response.status_code == 200
    assert (PasswordPolicy.objects.get().least_characters, PasswordPolicy.objects.get().needs_digit) == (
        14,
        True,
    )
    assert "14" in response.content.decode()


@pytest.mark.parametrize("path", ["", "set/"])
def test_the_rules_page_is_closed_to_who_may_not_see_it(as_reader, path):
    assert as_reader.get(f"/console/access/password-policy/{path}").status_code == 403

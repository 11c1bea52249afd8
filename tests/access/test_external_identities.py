"""Links between users and the provider: made and removed by hand, and the words that they are found by."""

import pytest
from django.test import Client

from access.models import AuditEntry, Authenticator, ExternalIdentity, User
from access.rules.external_identities import Email, Identity, identity_in, is_same_email, usernames
from tests.access.provider import (
    QUIET,
    START,
    come_in,
    link,
    said,
    sign_in_there,
    user_of,
)
from tests.conftest import attach, signed_in

pytestmark = [pytest.mark.django_db, *QUIET]


def test_an_administrator_comes_in_after_linking_by_hand(provider, operator):
    own = signed_in(operator)
    asked = own.get(link(own)["Location"])
    assert "You are an administrator" in said(asked)
    assert not ExternalIdentity.objects.exists()

    response = own.post(f"{START}link/confirm/")

    assert response.status_code == 302
    assert ExternalIdentity.objects.get().linked_by_user
    client = Client()
    come_in(client)
    assert user_of(client) == operator


def test_a_link_by_address_is_confirmed_by_hand(provider, anna):
    come_in(Client())
    User.objects.filter(pk=anna.pk).update(is_superuser=True)
    own = signed_in(anna)
    link(own)
    own.post(f"{START}link/confirm/")

    client = Client()
    come_in(client)
    assert user_of(client) == anna


def test_nobody_links_whom_somebody_else_is(provider, anna, reader):
    come_in(Client())
    own = signed_in(reader)
    link(own)

    assert own.post(f"{START}link/confirm/").status_code == 409
    assert ExternalIdentity.objects.get().user == anna


def test_a_second_link_waits_for_the_end_of_the_first(provider, anna):
    come_in(Client())
    provider.add("s-two", email="two@example.org")
    own = signed_in(anna)
    link(own, "s-two")

    assert own.post(f"{START}link/confirm/").status_code == 409


def test_a_link_is_for_the_user_who_left(provider, anna, reader):
    own = signed_in(anna)
    back = sign_in_there(own.get(f"{START}link/")["Location"], sub="s-anna")
    own.force_login(reader, backend="access.backends.ModelBackend")

    assert own.get(back).status_code == 400
    assert own.post(f"{START}link/confirm/").status_code == 400
    assert not ExternalIdentity.objects.exists()


def test_there_is_nothing_to_confirm_without_having_left(provider, as_reader):
    assert as_reader.get(f"{START}link/confirm/").status_code == 400


def test_a_link_is_removed_by_its_owner(provider, reader):
    own = signed_in(reader)
    link(own)
    own.post(f"{START}link/confirm/")

    assert "no longer signs in by single sign-on" in said(own.get(f"{START}rita/unlink/"))
    own.post(f"{START}rita/unlink/")

    assert not ExternalIdentity.objects.exists()
    assert AuditEntry.objects.filter(action="ram:UnlinkExternalIdentity", principal="rita").count() == 1


def test_nobody_locks_themselves_out(provider, anna):
    client = Client()
    come_in(client)

    response = client.post(f"{START}anna.a/unlink/")

    assert response.status_code == 409
    assert "no password" in said(response)


def test_others_links_are_removed_by_who_may(provider, anna, as_reader, as_operator):
    come_in(Client())

    assert as_reader.post(f"{START}anna.a/unlink/").status_code == 404
    assert as_operator.post(f"{START}anna.a/unlink/").status_code == 302
    assert as_operator.post(f"{START}anna.a/unlink/").status_code == 404


def test_your_account_says_how_things_stand(provider, as_reader):
    before = said(as_reader.get("/console/account/"))
    link(as_reader)
    as_reader.post(f"{START}link/confirm/")
    after = said(as_reader.get("/console/account/"))

    assert "Link with Example ID" in before
    assert "Known there as" in after


@pytest.mark.parametrize("path", ["link/", "link/confirm/", "rita/unlink/"])
def test_linking_needs_somebody_who_has_signed_in(path, provider):
    response = Client().get(START + path)

    assert response.status_code == 302
    assert response["Location"].startswith("/console/sign-in/")


def test_a_users_page_shows_the_link_and_who_may_not_remove_it(provider, anna, as_operator, reader):
    come_in(Client())
    attach(reader, "AliyunRAMReadOnlyAccess")

    mine = said(as_operator.get("/console/access/users/anna.a/"))
    theirs = said(signed_in(reader).get("/console/access/users/anna.a/"))

    assert f'href="{START}anna.a/unlink/"' in mine
    assert "Known there as" in theirs
    assert f'href="{START}anna.a/unlink/"' not in theirs
    assert "You need ram:UnlinkExternalIdentity" in theirs


def test_a_second_factor_that_is_set_up_here_is_asked_for_too(provider, anna):
    Authenticator.objects.create(user=anna, name="app", confirmed=True)
    client = Client()

    response = come_in(client, next="/console/instances/")

    assert (response.status_code, response["Location"]) == (302, "/console/sign-in/number/")
    assert user_of(client) is None


def test_the_sessions_end_when_it_is_switched_off(provider, anna, settings):
    client = Client()
    come_in(client)
    assert client.get("/console/").status_code == 200

    settings.AUTHENTICATION_BACKENDS = settings.AUTHENTICATION_BACKENDS[:-1]

    assert client.get("/console/").status_code == 302


def test_a_user_takes_their_link_along(provider, anna):
    come_in(Client())

    anna.delete()

    assert not ExternalIdentity.objects.exists()


# --- Words ---


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("anna@example.org", "Anna@EXAMPLE.org", True),
        ("jürgen@example.org", "jürgen@example.org", True),
        ("mike@example.org", "mıke@example.org", False),
        ("kim@example.org", "\u212aim@example.org", False),
        ("straße@example.org", "strasse@example.org", False),
    ],
)
def test_addresses_meet_only_where_they_are_the_same(one, other, same):
    assert is_same_email(one, other) is same


@pytest.mark.parametrize(
    ("username", "email", "names"),
    [
        ("anna", "", ["anna", "anna-2", "anna-3"]),
        ("Jürgen Groß", "", ["Jurgen-Gro", "Jurgen-Gro-2", "Jurgen-Gro-3"]),
        ("anna@example.org", "", ["anna", "anna-2", "anna-3"]),
        ("", "bob@example.org", ["bob", "bob-2", "bob-3"]),
        ("../..", "", ["user", "user-2", "user-3"]),
        ("小明", "", ["user", "user-2", "user-3"]),
        ("a" * 80, "", ["a" * 59, "a" * 59 + "-2", "a" * 59 + "-3"]),
    ],
)
def test_names_are_made_fit(username, email, names):
    found = usernames(Identity("https://id.example", "s", Email(email), username))

    assert [next(found) for _ in names] == names


@pytest.mark.parametrize(
    "email", [None, 7, "", "anna", "a@b@c", "a@example.org\n", "x" * 250 + "@example.org"]
)
def test_what_is_no_address_is_none(email):
    found = identity_in({"sub": "s", "email": email, "email_verified": True}, issuer="https://id.example")

    assert found.email.address in ("", "a@example.org")

"""Single sign-on against a real provider: who somebody is, and everything that a provider can get wrong."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from access import sso
from access.models import AuditEntry, Authenticator, ExternalIdentity, Session, User
from access.rules.external_identities import Email, Identity, identity_in, is_same_email, usernames
from console import env
from tests.access.provider import (
    DISCOVERY,
    QUIET,
    TOKEN,
    USER_INFO,
    query_of,
    running_provider,
    sign_in_there,
)
from tests.conftest import attach, signed_in

pytestmark = [pytest.mark.django_db, *QUIET]

START = "/console/access/single-sign-on/"
CALLBACK = "/console/access/single-sign-on/callback/"
ANNA = {"email": "Anna@example.org", "email_verified": True, "preferred_username": "anna", "name": "Anna A."}


@pytest.fixture(scope="module")
def the_provider():
    with pytest.MonkeyPatch.context() as patch, running_provider() as provider:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        yield provider


@pytest.fixture
def provider(the_provider, settings):
    """Well-behaved, and with a client of the test's own."""
    settings.SINGLE_SIGN_ON = the_provider.register(f"http://testserver{CALLBACK}")
    the_provider.add("s-anna", **ANNA)
    yield the_provider
    the_provider.behave()


@pytest.fixture
def anna(db):
    return User.objects.create_user("anna.a", "anna@EXAMPLE.org")


def come_in(client, sub="s-anna", **query):
    left = client.get(START, query)
    assert left.status_code == 302, left.content
    return client.get(sign_in_there(left["Location"], sub=sub))


def link(client, sub="s-anna"):
    left = client.get(f"{START}link/")
    return client.get(sign_in_there(left["Location"], sub=sub))


def user_of(client):
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def said(response):
    return re.sub(r"\s+", " ", response.content.decode())


# --- Who somebody is ---


def test_somebody_comes_in_by_the_address_that_the_provider_vouches_for(provider, anna):
    client = Client(REMOTE_ADDR="192.0.2.44", headers={"user-agent": "Browser 1"})

    response = come_in(client, next="/console/instances/")

    assert (response.status_code, response["Location"]) == (302, "/console/instances/")
    assert user_of(client) == anna
    kept = ExternalIdentity.objects.get()
    assert (kept.user, kept.issuer, kept.subject, kept.label) == (anna, provider.url, "s-anna", "anna")
    assert not kept.linked_by_user
    session = Session.objects.get(user=anna)
    assert (session.source_ip, session.user_agent) == ("192.0.2.44", "Browser 1")
    # As long as any other: only the way to the provider and back is short.
    assert client.session.get_expiry_age() > 3600


def test_who_made_a_user_for_anothers_address_is_out_when_the_owner_comes(provider, anna):
    anna.set_password("known to somebody else")
    anna.save()
    squatter = Client()
    squatter.force_login(anna, backend="access.backends.ModelBackend")

    come_in(Client())

    anna.refresh_from_db()
    assert not anna.has_usable_password()
    assert squatter.get("/console/account/").status_code == 302
    facts = AuditEntry.objects.get(action="ram:LinkExternalIdentity").facts
    assert (facts["by"], facts["sessions_ended"], facts["password_removed"]) == ("email", 1, True)


def test_the_link_counts_from_then_on_whatever_the_address_becomes(provider, anna):
    come_in(Client())
    provider.add("s-anna", email="married@example.org", email_verified=True)
    User.objects.filter(pk=anna.pk).update(email="")
    client = Client()

    come_in(client)

    assert user_of(client) == anna
    assert ExternalIdentity.objects.get().label == "married@example.org"


def test_coming_in_is_in_the_audit_trail(provider, anna):
    come_in(Client(REMOTE_ADDR="192.0.2.44"))

    rows = AuditEntry.objects.order_by("pk").values_list(
        "principal", "door", "source_ip", "action", "resource"
    )
    assert ("single sign-on", "console", "192.0.2.44", "ram:LinkExternalIdentity", "anna.a") in rows
    assert ("anna.a", "console", "192.0.2.44", "ram:SignIn", "anna.a") in rows


def test_a_new_user_is_made_where_that_is_wanted(provider, settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, creates_users=True)
    User.objects.create_user("Anna")
    client = Client()

    come_in(client)

    user = user_of(client)
    assert (user.username, user.email, user.display_name) == ("anna-2", "Anna@example.org", "Anna A.")
    assert not user.has_usable_password()
    assert (user.is_superuser, user.is_staff) == (False, False)
    assert (user.attachments.count(), user.groups.count()) == (0, 0)
    assert AuditEntry.objects.filter(action="ram:CreateUser", principal="single sign-on").count() == 1


def test_an_address_that_nobody_vouches_for_is_not_kept(provider, settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, creates_users=True)
    provider.add("s-mallory", email="anna@example.org", preferred_username="mallory")
    client = Client()

    come_in(client, "s-mallory")

    assert (user_of(client).username, user_of(client).email) == ("mallory", "")


def test_the_address_may_come_from_user_info(provider, anna):
    provider.spoil_id_token(email=None, email_verified=None, preferred_username=None)
    client = Client()

    come_in(client)

    assert user_of(client) == anna
    assert len(provider.calls(USER_INFO)) == 1


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_secret_goes_as_the_provider_wants_it(method, provider, anna, settings):
    settings.SINGLE_SIGN_ON = provider.register(f"http://testserver{CALLBACK}", method=method)
    provider.spoil(DISCOVERY, token_endpoint_auth_methods_supported=[method])
    client = Client()

    come_in(client)

    assert user_of(client) == anna
    assert ("client_secret" in provider.calls(TOKEN)[0]) == (method == "client_secret_post")


# --- Who does not come in ---


def disabled(anna):
    User.objects.filter(pk=anna.pk).update(is_active=False)


def without_console(anna):
    User.objects.filter(pk=anna.pk).update(console_access=False)


def administrator(anna):
    User.objects.filter(pk=anna.pk).update(is_superuser=True)


def linked_to_another(anna):
    issuer = sso.configured().issuer
    ExternalIdentity.objects.create(user=anna, issuer=issuer, subject="s-before")


def twice(anna):
    User.objects.create_user("anna.b", "ANNA@example.org")


def without_address(anna):
    User.objects.filter(pk=anna.pk).update(email="", username="anna")


REFUSED = [
    (disabled, "Ask an administrator for a user"),
    (without_console, "Ask an administrator for a user"),
    (administrator, "Administrators link themselves"),
    (linked_to_another, "linked to somebody else"),
    (twice, "Several users have the e-mail address"),
    # The name is no proof of anything.
    (
        without_address,
        "Ask an administrator for a user with console access and the e-mail address Anna@example",
    ),
]


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=lambda one: getattr(one, "__name__", ""))
def test_who_is_not_let_in_is_told_what_to_ask_for(make, words, provider, anna):
    make(anna)
    n_links = ExternalIdentity.objects.count()
    client = Client()

    response = come_in(client)

    assert response.status_code == 403
    assert words in said(response)
    assert user_of(client) is None
    assert ExternalIdentity.objects.count() == n_links
    entry = AuditEntry.objects.get(action="ram:LinkExternalIdentity")
    assert (entry.outcome, entry.principal) == ("Refused", "single sign-on")


@pytest.mark.parametrize("make", [disabled, without_console, twice])
def test_who_was_shut_out_does_not_come_in_as_somebody_new(make, provider, anna, settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, creates_users=True)
    make(anna)
    n_users = User.objects.count()

    assert come_in(Client()).status_code == 403
    assert User.objects.count() == n_users


@pytest.mark.parametrize("make", [disabled, without_console, administrator])
def test_a_link_ends_with_what_its_user_may(make, provider, anna):
    come_in(Client())
    make(anna)
    client = Client()

    assert come_in(client).status_code == 403
    assert user_of(client) is None


@pytest.mark.parametrize("verified", [False, None, 1.5, "yes", "false"])
def test_an_address_that_was_not_verified_is_nobodys(verified, provider, anna):
    provider.add("s-other", **{**ANNA, "email_verified": verified})

    response = come_in(Client(), "s-other")

    assert response.status_code == 403
    assert "vouches for no e-mail address" in said(response)


# --- What a provider, or somebody in between, can get wrong ---


def ago(seconds):
    return int(time.time()) - seconds


ID_TOKENS = {
    "another nonce": {"nonce": "guessed"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://id.example.com"},
    "another client": {"aud": "other"},
    "several clients": {"aud": ["other", "more"]},
    "made out to another": {"azp": "other", "aud": None},
    "over": {"exp": ago(60)},
    "without an end": {"exp": "soon"},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "number as subject": {"sub": 7},
    "long subject": {"sub": "s" * 256},
    "unprintable subject": {"sub": "s\0"},
}


@pytest.mark.parametrize("changes", ID_TOKENS.values(), ids=ID_TOKENS)
def test_an_id_token_that_is_not_for_this_sign_in_opens_nothing(changes, provider, anna):
    provider.spoil_id_token(**changes)
    client = Client()

    response = come_in(client)

    assert response.status_code == 503
    assert "has not answered as agreed" in said(response)
    assert user_of(client) is None


ANSWERS = {
    "refused": (TOKEN, '{"error": "invalid_client"}', 401),
    "no token": (TOKEN, "{}", 200),
    "no id token": (TOKEN, '{"access_token": "a", "token_type": "Bearer"}', 200),
    "no JSON": (TOKEN, "{", 200),
    "a list": (TOKEN, "[]", 200),
    "an id token that is none": (TOKEN, '{"access_token": "a", "id_token": "a.b.c"}', 200),
    "a number as id token": (TOKEN, '{"access_token": "a", "id_token": 7}', 200),
    "broken": (TOKEN, "oh no", 500),
}


@pytest.mark.parametrize(("path", "text", "status"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_none_is_a_page(path, text, status, provider, anna):
    provider.answer(path, text, status=status)
    client = Client()

    response = come_in(client)

    assert response.status_code == 503
    assert user_of(client) is None


INFOS = {
    "about somebody else": ('{"sub": "s-other", "email": "anna@example.org", "email_verified": true}', 200),
    "broken": ("{}", 500),
    "no JSON": ("<p>", 200),
    "a list": ("[]", 200),
    "nothing": ("{}", 200),
}


@pytest.mark.parametrize(("text", "status"), INFOS.values(), ids=INFOS)
def test_user_info_that_is_none_opens_nothing(text, status, provider, anna):
    provider.spoil_id_token(email=None)
    provider.answer(USER_INFO, text, status=status)
    client = Client()

    assert come_in(client).status_code == 503
    assert user_of(client) is None


def test_an_id_token_does_not_vouch_for_the_address_of_user_info(provider, anna):
    provider.spoil_id_token(email=None, email_verified=True)
    provider.spoil(USER_INFO, email_verified=None)

    assert come_in(Client()).status_code == 403


DISCOVERIES = {
    "another issuer": {"issuer": "https://id.example.com"},
    "no issuer": {"issuer": None},
    "no token endpoint": {"token_endpoint": None},
    "an open way to the token": {"token_endpoint": "http://id.example.com/token"},
    "a way that only begins like this machine": {"token_endpoint": "http://localhost.example.com/token"},
    "a script": {"authorization_endpoint": "javascript:alert(1)"},
    "no address": {"authorization_endpoint": 7},
}


@pytest.mark.parametrize("changes", DISCOVERIES.values(), ids=DISCOVERIES)
def test_a_provider_that_speaks_for_another_is_not_gone_to(changes, provider):
    provider.spoil(DISCOVERY, **changes)

    response = Client().get(START)

    assert response.status_code == 503
    assert not Session.objects.exists()


@pytest.mark.parametrize(("text", "status"), [("{", 200), ("[]", 200), ("", 404), ("", 500)])
def test_a_discovery_that_is_none_is_a_page(text, status, provider):
    provider.answer(DISCOVERY, text, status=status)

    assert Client().get(START).status_code == 503


def test_a_provider_that_is_down_is_a_page(settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, issuer=f"http://127.0.0.1:{closed_port()}")

    response = Client().get(START)

    assert response.status_code == 503
    assert "Example ID does not answer" in said(response)


def test_a_provider_that_did_not_answer_is_left_alone_for_a_while(provider):
    provider.hang(DISCOVERY)

    assert [Client().get(START).status_code for _ in range(3)] == [503, 503, 503]
    assert len(provider.calls(DISCOVERY)) == 1


def closed_port():
    from tests.up.house import free_port

    return free_port()


@pytest.mark.parametrize("path", [DISCOVERY, TOKEN])
def test_a_provider_that_hangs_is_not_waited_for(path, provider, anna):
    provider.hang(path)
    client = Client()

    response = client.get(START)
    if path == TOKEN:
        response = client.get(sign_in_there(response["Location"], sub="s-anna"))

    assert response.status_code == 503


def test_one_conversation_at_a_time_and_a_second_does_not_wait_long(provider, monkeypatch):
    monkeypatch.setattr(sso, "TURN_SECONDS", 0.05)
    with sso.line_to(sso.configured()).ask():
        response = Client().get(START)

    assert response.status_code == 503
    assert Client().get(START).status_code == 302


def test_discovery_is_asked_for_once(provider):
    for _ in range(3):
        Client().get(START)

    assert len(provider.calls(DISCOVERY)) == 1


# --- There and back ---


def test_the_way_there_carries_state_nonce_and_a_challenge(provider, anna):
    client = Client()
    left = client.get(START)
    asked = query_of(left["Location"])
    client.get(sign_in_there(left["Location"], sub="s-anna"))

    assert left["Location"].startswith(f"{provider.url}/oauth2/authorize?")
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert len(asked["state"]) >= 16
    assert len(asked["nonce"]) >= 32
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    verifier = provider.calls(TOKEN)[0]["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    assert asked["code_challenge"] == digest.decode()


def test_nobody_outside_says_what_is_asked_for(provider):
    left = Client().get(START, {"scope": "admin", "auth_params": "prompt=none", "process": "connect"})

    asked = query_of(left["Location"])
    assert "admin" not in asked["scope"]
    assert "prompt" not in asked


@pytest.mark.parametrize(
    "next_url",
    ["https://example.org/", "//example.org/", "javascript:alert(1)", "http:///x", "\\\\example.org"],
)
def test_nobody_is_sent_elsewhere_afterwards(next_url, provider, anna):
    response = come_in(Client(), next=next_url)

    assert (response.status_code, response["Location"]) == (302, "/console/")


def test_an_answer_counts_once_and_only_in_the_browser_that_left(provider, anna):
    client, other = Client(), Client()
    back = sign_in_there(client.get(START)["Location"], sub="s-anna")

    stolen = other.get(back)
    first = client.get(back)
    client.logout()
    again = client.get(back)

    assert (stolen.status_code, first.status_code, again.status_code) == (400, 302, 400)
    assert "Begin it again" in said(again)
    assert user_of(other) is None


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x&code=x", "?state=&code=", "?state=%00&code=%00"])
def test_coming_back_without_having_left_is_a_page(query, provider):
    response = Client().get(CALLBACK + query)

    assert response.status_code in (400, 503)
    assert not Session.objects.exists()


def test_cancelling_there_is_a_page(provider):
    client = Client()

    response = client.get(sign_in_there(client.get(START)["Location"], action="deny"))

    assert response.status_code == 400
    assert "it was cancelled there" in said(response)


def test_another_error_of_the_provider_is_a_page_that_does_not_repeat_it(provider):
    response = Client().get(CALLBACK, {"error": "<script>", "error_description": "pay here"})

    assert response.status_code == 503
    assert "pay here" not in said(response)
    assert "script>" not in said(response)


def test_a_code_that_is_not_the_providers_opens_nothing(provider, anna):
    client = Client()
    state = query_of(client.get(START)["Location"])["state"]

    response = client.get(CALLBACK, {"state": state, "code": "guessed"})

    assert response.status_code == 503
    assert user_of(client) is None


def test_what_somebody_leaves_behind_who_does_not_come_back_is_soon_over(provider):
    client = Client()
    client.get(START)

    assert client.session.get_expiry_age() <= 600


@pytest.mark.parametrize("path", [START, CALLBACK])
def test_only_links_lead_here(path, provider):
    assert Client().post(path).status_code == 405


def test_who_is_in_already_is_not_sent_away(provider, as_reader):
    response = as_reader.get(START, {"next": "/console/instances/"})

    assert (response.status_code, response["Location"]) == (302, "/console/instances/")


PROVIDERS_OWN = ("authlib", "oidc_provider_mock", "werkzeug")


def test_no_secret_is_in_a_page_or_in_the_log(provider, anna, settings, caplog):
    caplog.set_level("DEBUG")
    pages = [Client().get("/console/sign-in/"), come_in(Client())]
    provider.answer(TOKEN, '{"error": "invalid_client", "hint": "the code was c0de"}', status=401)
    pages.append(come_in(Client()))

    ours = [record for record in caplog.records if record.name.partition(".")[0] not in PROVIDERS_OWN]
    heard = "".join(record.getMessage() for record in ours) + "".join(
        said(page) + str(page.headers) for page in pages
    )
    assert settings.SINGLE_SIGN_ON.client_secret not in heard
    assert "reason='invalid_client'" in heard
    assert "c0de" not in heard
    assert settings.SINGLE_SIGN_ON.client_secret not in repr(settings.SINGLE_SIGN_ON)


# --- By one's own hand ---


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
    administrator(anna)
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


# --- On and off ---


def test_the_sign_in_page_shows_the_way(provider):
    page = said(Client().get("/console/sign-in/?next=/console/instances/"))

    assert f'href="{START}?next=%2Fconsole%2Finstances%2F"' in page
    assert "Sign in with Example ID" in page


def test_no_page_of_allauth_has_an_address():
    for name in ("account_login", "account_signup", "account_email", "account_reset_password"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    for name in ("socialaccount_signup", "socialaccount_connections", "openid_connect_login"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert not [model for model in admin.site._registry if model.__module__.startswith("allauth")]


GOOD = {"OIDC_ISSUER": "https://id.example/", "OIDC_CLIENT_ID": "console", "OIDC_CLIENT_SECRET": "s3cret"}


@pytest.fixture
def surroundings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("OIDC_")]:
        monkeypatch.delenv(name)

    def put(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return put


def test_it_is_configured_by_the_environment(surroundings, tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    surroundings(
        **GOOD, OIDC_NAME="Our ID", OIDC_CREATE_USERS="true", OIDC_CLIENT_SECRET_FILE=tmp_path / "secret"
    )

    found = env.single_sign_on()

    assert found == env.SingleSignOn("https://id.example", "console", "from a file", "Our ID", True)


@pytest.mark.parametrize(
    ("issuer", "kept"),
    [
        ("https://id.example", "https://id.example"),
        ("https://id.example/realms/one/", "https://id.example/realms/one"),
        ("https://id.example/.well-known/openid-configuration", "https://id.example"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_an_issuer_is_kept_as_it_calls_itself(issuer, kept, surroundings):
    surroundings(**{**GOOD, "OIDC_ISSUER": issuer})

    assert (env.single_sign_on().issuer, bool(env.single_sign_on().name)) == (kept, True)


def test_nothing_configured_is_nothing(surroundings):
    assert env.single_sign_on() is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OIDC_ISSUER": "https://id.example"}, "lacks OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"),
        ({**GOOD, "OIDC_CLIENT_SECRET": ""}, "lacks OIDC_CLIENT_SECRET"),
        ({"OIDC_NAME": "Our ID"}, "lacks OIDC_ISSUER"),
        ({"OIDC_CREATE_USERS": "true"}, "lacks OIDC_ISSUER"),
        ({**GOOD, "OIDC_CREATE_USERS": "maybe"}, "OIDC_CREATE_USERS"),
        ({**GOOD, "OIDC_ISSUER": "http://id.example"}, "say https://"),
        ({**GOOD, "OIDC_ISSUER": "id.example"}, "say https://"),
        ({**GOOD, "OIDC_ISSUER": "https://me:pass@id.example"}, "is 'id.example'"),
        ({**GOOD, "OIDC_ISSUER": "https://id.example/?x=1"}, "say https://"),
        ({**GOOD, "OIDC_ISSUER": "https://id.example/" + "x" * 200}, "longer than"),
        ({**GOOD, "OIDC_CLIENT_SECRET_FILE": "/nonexistent"}, "cannot be read"),
    ],
)
def test_half_a_configuration_stops_the_start_with_a_sentence(variables, words, surroundings):
    surroundings(**variables)

    with pytest.raises(env.SettingWrong, match=words) as stopped:
        env.single_sign_on()
    assert "s3cret" not in str(stopped.value)


LOADED = """
import sys, django
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()
from django.urls import NoReverseMatch, reverse
from django.test import Client
try:
    reverse("access:sso_start")
except NoReverseMatch:
    print("no address")
page = Client().get("/console/sign-in/", headers={"host": "localhost"}).content.decode()
print("no button" if "Sign in with" not in page else page)
print(sorted(name for name in sys.modules if name.split(".")[0] in ("allauth", "requests", "jwt")))
"""


def test_switched_off_nothing_of_it_is_loaded(tmp_path):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OIDC_")}
    variables |= {"DJANGO_SETTINGS_MODULE": "console.settings", "DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=variables, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout.splitlines() == ["no address", "no button", "[]"], done.stderr

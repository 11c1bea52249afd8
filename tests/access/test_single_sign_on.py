"""Single sign-on against a real provider: who comes in and who does not, there and back."""

import base64
import hashlib
from dataclasses import replace

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from access import sso
from access.models import AuditEntry, ExternalIdentity, Session, User
from tests.access.conftest import ANNA
from tests.access.provider import (
    CALLBACK,
    DISCOVERY,
    QUIET,
    START,
    TOKEN,
    USER_INFO,
    come_in,
    query_of,
    said,
    sign_in_there,
    user_of,
)

pytestmark = [pytest.mark.django_db, *QUIET]


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


# --- The pages ---


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

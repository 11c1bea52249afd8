"""What a provider, or somebody in between, can get wrong: nobody comes in, and a page says so."""

import time
from dataclasses import replace

import pytest
from django.test import Client

from access import sso
from access.models import Session
from tests.access.provider import (
    DISCOVERY,
    QUIET,
    START,
    TOKEN,
    USER_INFO,
    come_in,
    said,
    sign_in_there,
    user_of,
)
from tests.up.house import free_port
from tests.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.django_db, *QUIET]

# To connect, and to wait for an answer that will not come.
IMPATIENT = (PATIENCE_SECONDS, 0.2)


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
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, issuer=f"http://127.0.0.1:{free_port()}")

    response = Client().get(START)

    assert response.status_code == 503
    assert "Example ID does not answer" in said(response)


def test_a_provider_that_did_not_answer_is_left_alone_for_a_while(provider, settings, monkeypatch):
    monkeypatch.setattr(sso, "PAUSE_SECONDS", PATIENCE_SECONDS)
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = IMPATIENT
    provider.hang(DISCOVERY)

    assert [Client().get(START).status_code for _ in range(3)] == [503, 503, 503]
    assert len(provider.calls(DISCOVERY)) == 1


@pytest.mark.parametrize("path", [DISCOVERY, TOKEN])
def test_a_provider_that_hangs_is_not_waited_for(path, provider, anna, settings):
    client = Client()
    address = START if path == DISCOVERY else sign_in_there(client.get(START)["Location"], sub="s-anna")
    provider.hang(path)
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = IMPATIENT

    assert client.get(address).status_code == 503
    assert len(provider.calls(path)) == 1


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

"""Coming in: passwords, throttling, cookies of the two listeners."""

import pytest
from django.test import Client

from access.models import User
from console.passwords import FILE_NAME

pytestmark = pytest.mark.django_db

GOOD = {"username": "olga", "password": "correct horse battery"}
BAD = {"username": "olga", "password": "wrong"}


def sign_in(client, words, **how):
    return client.post("/console/sign-in/", words, **how)


def test_the_right_password_comes_in(operator):
    response = sign_in(Client(), GOOD)

    assert (response.status_code, response["Location"]) == (302, "/console/")


@pytest.mark.parametrize("words", [BAD, {"username": "nobody", "password": "wrong"}])
def test_a_wrong_password_and_an_unknown_name_look_the_same(operator, words):
    response = sign_in(Client(), words)

    assert response.status_code == 200
    assert b"Please enter a correct username and password" in response.content


def test_one_comes_back_to_where_one_wanted_to_go(operator):
    response = sign_in(Client(), {**GOOD, "next": "/console/instances/"})

    assert response["Location"] == "/console/instances/"


def test_nobody_is_sent_elsewhere(operator):
    response = sign_in(Client(), {**GOOD, "next": "https://example.org/"})

    assert response["Location"] == "/console/"


def test_five_wrong_passwords_close_the_door_for_a_while(operator, settings):
    settings.AXES_ENABLED = True
    client = Client(REMOTE_ADDR="192.0.2.99")
    for _ in range(5):
        response = sign_in(client, BAD)

    assert response.status_code == 429
    assert b"Try again in 15 minutes" in response.content
    assert sign_in(client, GOOD).status_code == 429
    # Somebody else, or from elsewhere, is not kept out.
    assert sign_in(Client(REMOTE_ADDR="192.0.2.98"), GOOD).status_code == 302


def test_the_listeners_have_cookies_of_their_own(operator):
    plain, over_tls = Client(), Client()
    sign_in(plain, GOOD)
    sign_in(over_tls, GOOD, secure=True)

    assert "sessionid" in plain.cookies
    cookie = over_tls.cookies["__Host-sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["samesite"]) == (
        True,
        True,
        "/",
        "Lax",
    )
    assert "sessionid" not in over_tls.cookies
    assert over_tls.get("/console/", secure=True).status_code == 200
    # The cookie of one listener opens nothing at the other.
    assert over_tls.get("/console/").status_code == 302


def test_a_form_without_its_token_is_refused(operator):
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    response = client.post("/console/activations/create/", {})

    assert response.status_code == 403
    assert b"out of date" in response.content


def test_signing_out_needs_a_post(as_operator):
    assert as_operator.get("/console/sign-out/").status_code == 405
    as_operator.post("/console/sign-out/")
    assert as_operator.get("/console/").status_code == 302


def test_the_first_password_is_forgotten_when_it_is_changed(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    User.objects.create_superuser("admin", password="first password")
    (tmp_path / FILE_NAME).write_text("first password")
    client = Client()
    sign_in(client, {"username": "admin", "password": "first password"})

    words = {
        "old_password": "first password",
        "new_password1": "a better one 77",
        "new_password2": "a better one 77",
    }
    response = client.post("/console/password/", words)

    assert response.status_code == 302
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    "path", ["", "access/user/", "access/auditentry/", "instances/region/", "instances/instance/"]
)
def test_the_administration_site_opens(as_operator, path):
    assert as_operator.get(f"/admin/{path}").status_code == 200

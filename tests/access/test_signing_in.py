"""Who may come in, what a sign-in gives away, and what has to be done first."""

from datetime import timedelta
from importlib import import_module

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from access.models import AuditEntry, Session, User
from tests.access.authenticators import bound, number_now
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


class CountingHasher(MD5PasswordHasher):
    """The tests' hasher, which counts how often it is asked for its expensive work."""

    asked = 0

    def encode(self, password, salt):
        type(self).asked += 1
        return super().encode(password, salt)


@pytest.fixture
def hasher(settings):
    settings.PASSWORD_HASHERS = ["tests.access.test_signing_in.CountingHasher"]
    return CountingHasher


def sign_in(client, username="rita", password=PASSWORD, **words):
    return client.post("/console/sign-in/", {"username": username, "password": password, **words})


def is_inside(client):
    return client.get("/console/account/").status_code == 200


def changed(user, **columns):
    User.objects.filter(pk=user.pk).update(**columns)
    return user


SHUT_OUT = [{"is_active": False}, {"console_access": False}]


@pytest.mark.parametrize("columns", SHUT_OUT)
def test_who_is_shut_out_gets_the_answer_of_a_wrong_password(reader, columns):
    wrong = sign_in(Client(), password="wrong")
    changed(reader, **columns)
    right = sign_in(Client())

    def sentence(page):
        return page.context["form"].non_field_errors()

    assert (right.status_code, sentence(right)) == (wrong.status_code, sentence(wrong))


@pytest.mark.parametrize("columns", SHUT_OUT)
def test_an_open_session_ends_with_the_next_request(reader, as_reader, columns):
    assert is_inside(as_reader)
    changed(reader, **columns)

    assert not is_inside(as_reader)


@pytest.mark.parametrize(
    ("username", "password", "columns"),
    [
        ("nobody", PASSWORD, {}),
        ("rita", "wrong", {}),
        ("rita", PASSWORD, {"is_active": False}),
        ("rita", PASSWORD, {"console_access": False}),
        ("rita", "wrong", {"is_active": False}),
        ("rita", "wrong", {"console_access": False}),
        ("rita", PASSWORD, {"password": "!unusable"}),
        ("rita", PASSWORD, {"password": ""}),
    ],
)
def test_every_refusal_costs_one_hash(hasher, reader, username, password, columns):
    changed(reader, **columns)
    hasher.asked = 0

    sign_in(Client(), username, password)

    assert hasher.asked == 1


@pytest.mark.parametrize("username", ["rita", "nobody"])
def test_a_closed_door_looks_at_no_password_whether_there_is_such_a_user_or_not(
    hasher, reader, settings, username
):
    settings.AXES_ENABLED = True
    client = Client(REMOTE_ADDR="192.0.2.50")
    for _try in range(5):
        sign_in(client, username, "wrong")
    hasher.asked = 0

    response = sign_in(client, username)

    assert (response.status_code, hasher.asked) == (429, 0)


def test_signing_in_makes_a_new_key_and_keeps_nothing_of_before(reader):
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key

    sign_in(client)

    assert client.session.session_key != before
    assert "planted" not in client.session
    assert not Session.objects.filter(pk=before).exists()


def test_a_sign_in_is_remembered_when_it_is_complete(reader):
    bound(reader)
    client = Client(REMOTE_ADDR="192.0.2.9")
    sign_in(client)
    half_way = AuditEntry.objects.filter(action="ram:SignIn").count()
    client.post("/console/sign-in/number/", {"number": number_now(reader)})

    entry = AuditEntry.objects.get(action="ram:SignIn")
    assert half_way == 0
    assert (entry.principal, entry.source_ip, entry.door) == ("rita", "192.0.2.9", "console")


@pytest.mark.parametrize(
    "next_url",
    ["//example.org", "https://example.org/", "javascript:alert(1)", "\\\\example.org", "foo", "sign_out"],
)
def test_nobody_is_sent_elsewhere_even_when_signed_in(as_reader, next_url):
    response = as_reader.get("/console/sign-in/", {"next": next_url})

    assert response["Location"] == "/console/"


@pytest.mark.parametrize("next_url", ["foo", "sign_out", "access:user_list"])
def test_a_word_is_no_address(reader, next_url):
    response = sign_in(Client(), next=next_url)

    assert response["Location"] == "/console/"


def tries_in_vain(reader):
    """Everything secret that one can type wrong, once each."""
    bound(reader)
    inside, outside = signed_in(reader), Client()
    words = {"old_password": "secret-1", "new_password1": "secret-2 long", "new_password2": "secret-2 long"}
    inside.post("/console/password/", words)
    inside.post("/console/account/second-factor/remove/", {"proof": "secret-3"})
    inside.post("/console/account/recovery-codes/create/", {"proof": "secret-4"})
    sign_in(outside)
    outside.post("/console/sign-in/number/", {"number": "secret-5"})
    outside.post(
        "/console/sign-in/", {"username": "rita", "password": "secret-6", "old_password": "secret-7"}
    )


def test_nothing_that_was_typed_in_vain_is_kept(reader, settings):
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 100
    settings.AXES_RESET_ON_SUCCESS = False

    tries_in_vain(reader)

    assert AccessAttempt.objects.aggregate(n=Sum("failures_since_start"))["n"] >= 4
    assert "secret" not in str([*AccessAttempt.objects.values(), *AuditEntry.objects.values()])


def test_what_was_kept_before_is_forgotten(db):
    AccessAttempt.objects.create(username="rita", post_data="old_password=secret-1", failures_since_start=1)
    migration = import_module("access.migrations.0003_failures_without_form_data")

    migration.forget_form_data(apps, None)

    kept = AccessAttempt.objects.get()
    assert (kept.post_data, kept.failures_since_start) == ("", 1)


def test_a_sign_in_leads_to_no_sign_in(reader):
    response = sign_in(Client(), next="/console/sign-in/?next=/console/sign-in/")

    assert response["Location"] == "/console/"


# --- The admin site has no door of its own ---


def test_the_admin_site_asks_for_the_same_second_factor(operator):
    bound(operator)
    client = Client()
    response = client.post("/admin/login/", {"username": "olga", "password": PASSWORD})

    assert response.status_code == 405
    assert (
        client.get("/admin/login/?next=/admin/access/")["Location"] == "/console/sign-in/?next=/admin/access/"
    )
    assert client.get("/admin/").status_code == 302


def test_who_is_no_administrator_is_told_so_instead_of_sent_in_circles(as_reader):
    response = as_reader.get("/admin/", follow=True)

    assert response.status_code == 403


def test_the_admin_site_changes_no_password(as_operator):
    assert as_operator.get("/admin/password_change/")["Location"] == "/console/password/"


# --- What has to be done first ---

ELSEWHERE = ["/console/", "/console/account/", "/console/account/sessions/", "/console/instances/"]


@pytest.mark.parametrize("path", [*ELSEWHERE, "/console/account/second-factor/"])
def test_who_must_change_the_password_gets_nowhere_else(reader, as_reader, path):
    changed(reader, must_change_password=True)

    assert as_reader.get(path)["Location"] == "/console/password/"
    assert as_reader.post(path)["Location"] == "/console/password/"


def test_a_part_of_a_page_leads_the_whole_page_there(reader, as_reader):
    changed(reader, must_change_password=True)

    response = as_reader.get("/console/", headers={"HX-Request": "true"})

    assert response["HX-Redirect"] == "/console/password/"


def test_a_changed_password_opens_the_rest(reader, as_reader):
    changed(reader, must_change_password=True)
    words = {"old_password": PASSWORD, "new_password1": "a better one 77", "new_password2": "a better one 77"}

    response = as_reader.post("/console/password/", words)

    assert response["Location"] == "/console/"
    assert as_reader.get("/console/").status_code == 200


@pytest.mark.parametrize("path", ELSEWHERE)
def test_who_must_use_a_second_factor_gets_nowhere_without(reader, as_reader, path):
    changed(reader, must_use_second_factor=True)

    assert as_reader.get(path)["Location"] == "/console/account/second-factor/"


def test_the_administrator_who_must_is_not_let_into_the_admin_site(operator, as_operator):
    changed(operator, must_use_second_factor=True)

    assert as_operator.get("/admin/")["Location"] == "/console/account/second-factor/"


def test_setting_one_up_opens_the_rest(reader, as_reader):
    changed(reader, must_use_second_factor=True)
    as_reader.post("/console/account/second-factor/begin/")

    response = as_reader.post(
        "/console/account/second-factor/confirm/", {"number": number_now(reader, confirmed=False)}
    )

    assert response.status_code == 200
    assert as_reader.get("/console/").status_code == 200


@pytest.mark.parametrize("columns", [{"must_change_password": True}, {"must_use_second_factor": True}])
def test_everybody_may_leave(reader, as_reader, columns):
    changed(reader, **columns)
    as_reader.post("/console/sign-out/")

    assert not Session.objects.filter(user=reader).exists()


def test_a_page_that_is_open_to_all_asks_for_nothing_first(reader, as_reader):
    changed(reader, must_change_password=True)

    assert as_reader.get("/healthz").status_code == 200


def test_old_rows_of_sessions_go_when_somebody_signs_in(reader):
    signed_in(reader)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    sign_in(Client())

    assert Session.objects.filter(user=reader).count() == 1

"""Sessions: what is kept of them, who sees them, and how they end."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AuditEntry, Session
from access.operations.identities import principal_for
from access.operations.sessions import end_other_sessions, end_session, sign_out_everywhere
from access.principals import Door
from access.rules.browsers import browser_named
from access.sessions import SessionStore
from console.kit.errors import NotAllowed, NotFound
from tests.conftest import attach, signed_in

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        (FIREFOX, "Firefox, Linux"),
        (EDGE, "Edge, Windows"),
        (SAFARI, "Safari, iPhone"),
        ("curl/8.0", "curl"),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_a_browser_is_called_by_its_name(user_agent, browser):
    assert browser_named(user_agent) == browser


def come_in(user, *, source_ip="192.0.2.7", user_agent=FIREFOX):
    client = Client(REMOTE_ADDR=source_ip, headers={"user-agent": user_agent})
    client.post("/console/sign-in/", {"username": user.username, "password": "correct horse battery"})
    return client


def row_of(client):
    return Session.objects.get(pk=client.session.session_key)


def is_inside(client):
    return client.get("/console/account/").status_code == 200


def test_a_session_says_whose_it_is_and_where_from(reader):
    session = row_of(come_in(reader))

    assert (session.user, session.source_ip, session.user_agent) == (reader, "192.0.2.7", FIREFOX)


def test_a_long_or_broken_name_of_a_browser_is_no_trouble(reader):
    session = row_of(come_in(reader, user_agent="a\0" + "b" * 400))

    assert len(session.user_agent) <= 255
    assert "\0" not in session.user_agent


def test_what_is_written_into_a_session_leaves_its_beginning_alone(reader):
    client = come_in(reader)
    begun = timezone.now() - timedelta(hours=1)
    Session.objects.update(created_at=begun, seen_at=begun)
    store = SessionStore(client.session.session_key)
    store["word"] = "kept"
    store.save()

    session = row_of(client)
    assert (session.created_at, session.seen_at, session.source_ip) == (begun, begun, "192.0.2.7")
    assert session.get_decoded()["word"] == "kept"


def test_being_seen_is_written_now_and_then(reader, django_assert_num_queries):
    client = come_in(reader)
    before = timezone.now() - timedelta(minutes=6)
    Session.objects.update(seen_at=before, source_ip="192.0.2.1")
    client.get("/console/account/")
    seen = row_of(client)
    client.get("/console/account/")

    assert seen.seen_at > before
    assert seen.source_ip == "192.0.2.7"
    assert row_of(client).seen_at == seen.seen_at


def test_a_session_that_was_ended_does_not_come_back(reader):
    client = come_in(reader)
    store = SessionStore(client.session.session_key)
    store.load()
    Session.objects.all().delete()

    response = client.get("/console/account/")

    assert response.status_code == 302
    assert not Session.objects.exists()


def test_the_page_shows_ones_own_and_marks_this_one(reader, operator):
    client = come_in(reader)
    come_in(reader, user_agent=EDGE, source_ip="192.0.2.8")
    come_in(operator, user_agent=SAFARI, source_ip="192.0.2.9")

    page = client.get("/console/account/sessions/").content.decode()

    assert page.count('data-state="this"') == 1
    assert "Firefox, Linux" in page
    assert "Edge, Windows" in page
    assert "192.0.2.9" not in page


def test_no_page_shows_the_key_of_a_session(reader):
    client = come_in(reader)
    come_in(reader)

    page = client.get("/console/account/sessions/").content.decode()

    assert not any(key in page for key in Session.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("size", [1, 40])
def test_the_page_costs_the_same_for_one_as_for_many(reader, size, django_assert_max_num_queries):
    client = come_in(reader)
    for _each in range(size):
        signed_in(reader)

    with django_assert_max_num_queries(6):
        client.get("/console/account/sessions/")


def test_one_of_ones_own_is_ended(reader):
    client, elsewhere = come_in(reader), come_in(reader)
    handle = row_of(elsewhere).handle

    client.post(f"/console/account/sessions/{handle}/end/")

    assert is_inside(client)
    assert not is_inside(elsewhere)
    assert AuditEntry.objects.filter(action="ram:EndSession").exists()


def test_nobody_ends_the_session_of_somebody_else(reader, operator):
    mine, theirs = come_in(reader), come_in(operator)

    response = mine.post(f"/console/account/sessions/{row_of(theirs).handle}/end/")

    assert response.status_code == 404
    assert is_inside(theirs)


def test_ending_twice_is_told(rita, reader):
    handle = row_of(come_in(reader)).handle
    end_session(rita, handle)

    with pytest.raises(NotFound):
        end_session(rita, handle)


def test_all_others_are_ended_and_this_one_stays(reader, operator):
    client, elsewhere, theirs = come_in(reader), come_in(reader), come_in(operator)

    client.post("/console/account/sessions/end-others/")

    assert is_inside(client)
    assert not is_inside(elsewhere)
    assert is_inside(theirs)


def test_without_a_session_of_ones_own_all_are_ended(rita, reader):
    come_in(reader)

    assert end_other_sessions(rita, keeping="") == 1


def test_an_administrator_of_users_signs_somebody_out_everywhere(olga, reader, operator):
    clients = [come_in(reader), come_in(reader)]
    other = come_in(operator)

    assert sign_out_everywhere(olga, reader) == 2

    assert not any(map(is_inside, clients))
    assert is_inside(other)


def test_a_reader_signs_out_nobody(rita, operator):
    with pytest.raises(NotAllowed):
        sign_out_everywhere(rita, operator)


def test_administrators_are_signed_out_by_administrators_alone(reader, operator):
    attach(reader, "AliyunRAMFullAccess")

    with pytest.raises(NotAllowed):
        sign_out_everywhere(principal_for(reader, Door.CONSOLE), operator)

"""What has happened, for programs: noted with it, told in order, to those who may see it."""

import contextlib
import json
import select
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import Thread

import pytest
from django.db import transaction
from django.utils import timezone

from access.models import AuditEntry, User
from access.principals import SYSTEM
from assistant.instances.operations.releases import deregister_managed_instance
from console.kit.errors import InvalidParameter
from openapi import limits, tasks, webhooks
from openapi.changes import forget, has_gap, newest, next_changes, told
from openapi.errors import Throttled
from openapi.models import Change, ChangeKind, Webhook
from openapi.requests import Request
from openapi.stream import Changes, Listener, Opening, step
from openapi.webhooks import (
    PlaceRefused,
    check_place,
    create_webhook,
    delete_webhook,
    signature,
    switch_webhook,
    tell_due,
)
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fresh, ran, report, started, target_of
from tests.openapi.factories import SECRET, webhook

pytestmark = pytest.mark.django_db


def kinds():
    return list(Change.objects.values_list("kind", flat=True))


# --- Noted ---


def test_a_run_is_noted_when_it_is_made_and_when_it_ends(olga):
    invocation = ran(olga)
    assert kinds() == ["InvocationCreated"]

    report(started(target_of(invocation)))

    assert kinds() == ["InvocationCreated", "InvocationEnded"]


def test_a_run_that_ends_at_once_is_noted_twice(olga):
    ran(olga, InstanceFactory(offline=True))

    assert kinds() == ["InvocationCreated", "InvocationEnded"]


def test_a_server_that_goes_is_noted_with_what_ends_on_it(olga):
    invocation = ran(olga)

    deregister_managed_instance(olga, target_of(invocation).instance)

    assert sorted(kinds()) == ["InstanceReleased", "InvocationCreated", "InvocationEnded"]


def test_what_is_rolled_back_has_not_happened(olga):
    with transaction.atomic():
        ran(olga)
        transaction.set_rollback(True)

    assert kinds() == []


def test_reports_that_come_again_note_nothing(olga):
    target = target_of(ran(olga))
    started(target)
    for _ in range(3):
        report(target)

    assert kinds() == ["InvocationCreated", "InvocationEnded"]


# --- Told ---


def test_what_is_told_says_how_it_went(olga):
    report(started(target_of(ran(olga))), exit_code=3)

    said = told(olga, next_changes(0))[-1]

    assert (said["Kind"], said["InvocationStatus"], said["InvokeStatus"]) == (
        "InvocationEnded",
        "Failed",
        "Finished",
    )
    assert said["Counts"] == {"Failed": 1}


def test_who_may_not_see_a_run_is_not_told_of_it(olga, somebody):
    nils = somebody("nils").principal
    ran(olga)

    assert told(nils, next_changes(0)) == []


def test_the_number_of_queries_does_not_grow(olga, django_assert_max_num_queries):
    for _ in range(8):
        ran(olga)

    with django_assert_max_num_queries(3):
        assert len(told(olga, next_changes(0))) == 8


def test_a_listener_goes_on_where_it_was(olga):
    first = ran(olga)
    after = newest()
    second = ran(olga)

    text = step(Listener(olga, after))

    assert second.pk in text
    assert first.pk not in text
    assert text.startswith(f"id: {newest()}\nevent: InvocationCreated\ndata: ")


def test_a_listener_passes_what_is_not_its_affair(olga, somebody):
    listener = Listener(somebody("nils").principal, 0)
    ran(olga)

    assert "Position" in step(listener)
    assert (listener.after, step(listener)) == (newest(), "")


def test_old_changes_are_let_go_and_the_gap_is_said(olga):
    for _ in range(3):
        ran(olga)
    Change.objects.update(created_at=timezone.now() - limits.CHANGES_KEPT)
    begin = Change.objects.earliest("pk").pk

    assert forget(SYSTEM, now=timezone.now()) == 2

    assert has_gap(begin)
    assert not has_gap(newest())
    assert "event: Gap" in step(Listener(olga, begin)).partition("data")[0]


# --- Webhooks ---


class Address:
    """Somewhere that is called: what came, and what it answers."""

    def __init__(self):
        self.calls = []
        self.status = 200
        address = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                address.calls.append((dict(self.headers), body))
                self.send_response(address.status)
                if address.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def told(self):
        return [json.loads(body)["Kind"] for _headers, body in self.calls]


@pytest.fixture
def address():
    address = Address()
    yield address
    address.server.shutdown()
    address.server.server_close()


def test_an_address_is_told_everything_once_and_in_order(olga, operator, address):
    hook = webhook(url=address.url, user=operator)
    report(started(target_of(ran(olga))))

    assert tell_due(SYSTEM) == 2
    assert tell_due(SYSTEM) == 0

    assert address.told == ["InvocationCreated", "InvocationEnded"]
    assert (fresh(hook).told, hook.tries) == (newest(), 0)


def test_calls_are_signed(olga, operator, address):
    webhook(url=address.url, user=operator)
    ran(olga)
    tell_due(SYSTEM)

    [(headers, body)] = address.calls
    assert headers["X-CA-Signature"] == "sha256=" + signature(SECRET, headers["X-CA-Timestamp"], body)
    assert headers["X-CA-Event-Id"] == str(json.loads(body)["Id"])


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_call_that_was_not_taken_comes_again(olga, operator, address, status):
    hook = webhook(url=address.url, user=operator)
    ran(olga)
    address.status = status

    tell_due(SYSTEM)
    assert (fresh(hook).tries, hook.told) == (1, 0)
    assert str(status) in hook.last_error
    tell_due(SYSTEM)
    assert len(address.calls) == 1

    address.status = 204
    Webhook.objects.update(next_try_at=timezone.now())
    tell_due(SYSTEM)
    assert (fresh(hook).tries, hook.last_error, hook.told) == (0, "", newest())
    assert len(address.calls) == 2


def test_an_address_that_is_not_there_holds_nobody_up(olga, operator, address):
    webhook("nowhere", user=operator)
    webhook("pager", address.url, user=operator)
    ran(olga)

    tell_due(SYSTEM)

    assert address.told == ["InvocationCreated"]
    assert "could not be reached" in Webhook.objects.get(name="nowhere").last_error


def test_only_what_was_asked_for_is_told(olga, operator, address):
    webhook(url=address.url, user=operator, kinds=[ChangeKind.INVOCATION_ENDED])
    report(started(target_of(ran(olga))))

    tell_due(SYSTEM)

    assert address.told == ["InvocationEnded"]


def test_a_user_who_may_see_nothing_any_more_is_told_nothing(olga, operator, address):
    hook = webhook(url=address.url, user=User.objects.create_user("nils"))
    ran(olga)

    tell_due(SYSTEM)

    assert (address.calls, fresh(hook).told) == ([], newest())


def test_a_sender_that_died_is_followed_by_another(olga, operator, address):
    hook = webhook(url=address.url, user=operator)
    ran(olga)
    Webhook.objects.update(next_try_at=timezone.now() + limits.WEBHOOK_CLAIM)

    assert tell_due(SYSTEM) == 0
    Webhook.objects.update(next_try_at=timezone.now())
    assert tell_due(SYSTEM) == 1
    assert fresh(hook).told == newest()


def test_a_webhook_is_told_of_what_comes_and_switched_off_and_on(olga, address):
    ran(olga)
    hook = create_webhook(olga, name="pager", url=address.url, kinds=[]).webhook
    switch_webhook(olga, hook, enabled=False)
    ran(olga)
    assert tell_due(SYSTEM) == 0

    switch_webhook(olga, hook, enabled=True)
    assert tell_due(SYSTEM) == 1

    delete_webhook(olga, hook)
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a\x00b"},
        {"url": "ftp://example.org"},
        {"url": "javascript:alert(1)"},
        {"url": "https://"},
        {"url": "http://[::1"},
        {"url": "http://example.org:port/"},
        {"url": f"http://{'a' * 70}/"},
        {"kinds": ["Nonsense"]},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(olga, wrong):
    with pytest.raises(InvalidParameter):
        create_webhook(olga, **{"name": "pager", "url": "https://example.org/", "kinds": [], **wrong})

    assert not Webhook.objects.exists()


def test_the_trail_names_the_host_and_nothing_more_of_the_address(olga):
    create_webhook(olga, name="pager", url="https://me:secret@example.org/token", kinds=[])

    facts = json.dumps(AuditEntry.objects.latest("pk").facts)
    assert "example.org" in facts
    assert "secret" not in facts
    assert "token" not in facts


def test_the_secret_of_a_webhook_is_shown_once(as_operator):
    made = as_operator.post("/console/api/webhooks/create/", {"name": "pager", "url": "https://example.org/"})

    assert made["Cache-Control"] == "no-store"
    assert b"The secret is shown once" in made.content
    assert b"pager" in as_operator.get("/console/api/webhooks/").content


def test_an_answer_that_never_ends_costs_a_few_seconds(olga, operator, monkeypatch):
    monkeypatch.setattr(limits, "WEBHOOK_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=drip, args=(listening,), daemon=True).start()
        hook = webhook(url=f"http://127.0.0.1:{listening.getsockname()[1]}/", user=operator)
        ran(olga)

        tell_due(SYSTEM)

    assert "could not be reached" in fresh(hook).last_error


def drip(listening):
    """Says "go on" without an end, each word in time."""
    connection, _address = listening.accept()
    with contextlib.suppress(OSError), connection:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            select.select([], [], [], 0.05)


def test_of_an_answer_that_is_taken_nothing_more_is_read(olga, operator):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=pour, args=(listening,), daemon=True).start()
        hook = webhook(url=f"http://127.0.0.1:{listening.getsockname()[1]}/", user=operator)
        ran(olga)

        tell_due(SYSTEM)

    assert (fresh(hook).told, hook.last_error) == (newest(), "")


def pour(listening):
    """Takes the call, and answers as long as anybody listens."""
    connection, _address = listening.accept()
    with contextlib.suppress(OSError), connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("169.254.169.254", True),
        ("::ffff:169.254.169.254", True),
        ("100.100.100.200", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("224.0.0.1", True),
        ("0.0.0.0", True),  # noqa: S104 - nobody is there
        ("127.0.0.1", False),
        ("10.0.0.7", False),
        ("192.168.0.7", False),
        ("203.0.113.7", False),
        ("2001:db8::7", False),
    ],
)
def test_no_webhook_leads_to_where_clouds_keep_secrets(address, is_refused):
    with pytest.raises(PlaceRefused) if is_refused else contextlib.nullcontext():
        check_place(address)


def test_a_place_is_looked_at_before_anything_is_said(olga, operator, address, monkeypatch):
    monkeypatch.setattr(webhooks, "CLOUD_METADATA", ip_address("127.0.0.1"))
    hook = webhook(url=address.url, user=operator)
    ran(olga)

    tell_due(SYSTEM)

    assert address.calls == []
    assert "never called" in fresh(hook).last_error


def test_only_one_thread_of_a_worker_waits_for_receivers(olga, operator, address):
    webhook(url=address.url, user=operator)
    ran(olga)

    with tasks.telling:
        tasks.tell_webhooks()
    assert address.calls == []

    tasks.tell_webhooks()
    assert address.told == ["InvocationCreated"]


def test_one_key_does_not_take_all_streams(olga, monkeypatch):
    monkeypatch.setattr(limits, "STREAMS_PER_KEY", 2)
    changes = Changes()
    mine, others = (Opening(key_id, Request("GET")) for key_id in ("mine", "others"))
    for _stream in range(2):
        listener = Listener(olga, 0, opening=mine)
        changes._check_room(listener)
        changes._listeners.add(listener)

    with pytest.raises(Throttled):
        changes._check_room(Listener(olga, 0, opening=mine))
    changes._check_room(Listener(olga, 0, opening=others))


def test_who_comes_back_from_another_console_is_told_of_the_gap(olga):
    listener = Listener(olga, newest(), has_gap=True)

    assert step(listener).startswith(f"id: {newest()}\nevent: Gap")
    assert step(listener) == ""

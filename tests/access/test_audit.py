"""The audit trail: its page, its exports, and what is written of those who come and go."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access import limits
from access.filters import audit as filters
from access.filters.audit import AuditSearch, Place
from access.models import AuditEntry, PolicyAttachment, User
from access.operations import trail
from access.operations.audit import append, entry
from access.operations.identities import principal_for
from access.operations.trail import export_entries
from access.principals import Door, Principal
from access.rules.chain import Verifier
from access.rules.exports import End, harmless, read
from access.rules.marks import TakenRole
from console.kit.errors import NotAllowed
from tests.access.factories import RoleFactory
from tests.conftest import put_policy

pytestmark = pytest.mark.django_db

PAGE = "/console/access/audit/"
OLGA = Principal(name="olga", door=Door.CONSOLE, source_ip="192.0.2.7")
EVE = Principal(name="eve", door=Door.API, source_ip="198.51.100.4")
NOW = timezone.now()
LOOK_UP = {"Effect": "Allow", "Action": "actiontrail:LookupEvents", "Resource": "*"}


def write(principal=OLGA, action="ecs:RunCommand", resource="t-1", *, at=None, outcome="Done", **facts):
    one = entry(principal, action, resource, facts, outcome=AuditEntry.Outcome(outcome))
    one.at = at or one.at
    append([one])
    return one


@pytest.fixture
def auditor(somebody):
    return somebody("ada", LOOK_UP)


def page(search, before=None):
    return search.page(AuditEntry.objects.all(), before)


def found(search):
    return [one.resource for one in page(search).entries]


EVERYTHING = AuditSearch()


# --- Search ---


@pytest.fixture
def three(db):
    write(OLGA, "ecs:RunCommand", "t-1", at=NOW - timedelta(hours=3), username="deploy")
    write(EVE, "ecs:StopInvocation", "t-1b", at=NOW - timedelta(hours=2), outcome="Refused")
    write(OLGA, "ram:CreateUser", "café", at=NOW - timedelta(hours=1), note="naïve")


@pytest.mark.parametrize(
    ("words", "resources"),
    [
        ({}, ["café", "t-1b", "t-1"]),
        ({"principal": "olga"}, ["café", "t-1"]),
        ({"principal": "OLGA"}, []),
        ({"action": "ecs:StopInvocation"}, ["t-1b"]),
        ({"resource": "t-1"}, ["t-1"]),
        ({"outcome": "Refused"}, ["t-1b"]),
        ({"door": "api", "principal": "eve"}, ["t-1b"]),
        ({"door": "api", "principal": "olga"}, []),
        ({"begin": NOW - timedelta(hours=2)}, ["café", "t-1b"]),
        ({"end": NOW - timedelta(hours=2)}, ["t-1"]),
        ({"text": "DEPLOY"}, ["t-1"]),
        ({"text": "naïve"}, ["café"]),
        ({"text": "198.51"}, ["t-1b"]),
        ({"text": "caf"}, ["café"]),
        ({"text": "ecs:", "outcome": "Done", "principal": "olga", "door": "console"}, ["t-1"]),
        ({"text": "100%"}, []),
    ],
)
def test_what_is_looked_for_is_found(three, words, resources):
    assert found(AuditSearch(**words)) == resources
    whole = AuditSearch(**words).whole(AuditEntry.objects.all()).newest_first()
    assert [one.resource for one in whole] == resources


def test_pages_follow_one_another_without_losing_or_repeating_any():
    # Several at the same moment: the place on the page is more than a time.
    moments = [NOW - timedelta(seconds=n // 4) for n in range(60)]
    append([entry_at(at, f"t-{n}") for n, at in enumerate(moments)])

    resources, place = [], None
    while True:
        one = page(AuditSearch(), place)
        resources += [each.resource for each in one.entries]
        place = one.older and Place.read(str(one.older))
        if place is None:
            break

    assert len(resources) == len(set(resources)) == 60


def entry_at(at, resource, principal=OLGA, **facts):
    one = entry(principal, "ecs:RunCommand", resource, facts)
    one.at = at
    return one


def test_a_page_looks_at_so_many_entries_and_says_how_far(monkeypatch):
    monkeypatch.setattr(filters, "LOOKED_AT", 40)
    append([entry_at(NOW - timedelta(seconds=n), f"t-{n}") for n in range(100)])

    first = page(AuditSearch(text="t-99"))
    second = page(AuditSearch(text="t-99"), first.older)
    third = page(AuditSearch(text="t-99"), second.older)

    assert (first.entries, first.looked_back_to) == ([], NOW - timedelta(seconds=39))
    assert second.looked_back_to == NOW - timedelta(seconds=79)
    assert ([one.resource for one in third.entries], third.older) == (["t-99"], None)


@pytest.mark.parametrize("text", ["", "x", "1-", "9" * 18 + "-1", "-1-1", "1-1; drop"])
def test_a_place_that_is_none_is_the_beginning(text):
    assert Place.read(text) is None


# --- The page ---


def test_only_who_may_look_it_up_comes_in(as_nobody, as_reader, auditor, somebody):
    entry_id = write().pk
    for path in (PAGE, f"{PAGE}{entry_id}/", f"{PAGE}export/"):
        assert as_nobody.get(path).status_code == 302
        assert as_reader.get(path).status_code == 403
        assert auditor.client.get(path).status_code == 200


def test_a_condition_that_does_not_hold_shows_nothing(somebody):
    far = {**LOOK_UP, "Condition": {"IpAddress": {"acs:SourceIp": ["203.0.113.0/24"]}}}
    write()

    client = somebody("far", far).client

    assert b"t-1" not in client.get(PAGE).content
    assert client.post(f"{PAGE}export/", {"form": "jsonl"}).status_code == 403


def test_the_page_shows_the_newest_and_leads_on(auditor):
    append([entry_at(NOW - timedelta(seconds=n), f"t-{n}") for n in range(30)])

    text = auditor.client.get(PAGE, {"principal": "olga"}).content.decode()
    older = text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    rest = auditor.client.get(older, headers={"HX-Request": "true"}).content.decode()

    assert "t-24<" in text
    assert "t-25<" not in text
    assert "t-25<" in rest
    assert "principal=olga" in older
    assert "<html" not in rest
    assert "Older" not in rest


@pytest.mark.parametrize("size", [1, 60])
def test_the_number_of_queries_does_not_grow(auditor, size, django_assert_max_num_queries):
    append([entry_at(NOW, f"t-{n}") for n in range(size)])

    with django_assert_max_num_queries(8):
        auditor.client.get(PAGE, {"principal": "olga", "q": "t-"})


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"principal": "nobody"}, "No entry matches"),
        ({"begin": "soon"}, "Enter a valid date/time"),
        ({"begin": "2026-11-21T10:00", "end": "2026-11-21T09:00"}, "Say a time after the beginning"),
        ({"before": "1000000-1"}, "This is the beginning"),
        ({"door": "back"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_shown_is_said(auditor, query, sentence):
    write()

    response = auditor.client.get(PAGE, query)

    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert "t-1<" not in response.content.decode()


def test_the_detail_shows_facts_and_hashes_and_escapes_them(auditor):
    one = write(note="<script>", deep={"a": [1]})

    text = auditor.client.get(f"{PAGE}{one.pk}/", headers={"HX-Request": "true"}).content.decode()

    assert "&lt;script&gt;" in text
    assert "{&quot;a&quot;:[1]}" in text
    assert one.hash in text
    assert auditor.client.get(f"{PAGE}999999/").status_code == 404


# --- Exports ---


def exported(form, search=EVERYTHING, principal=None, **how):
    entries = search.whole(AuditEntry.objects.all())
    how = {"filters": search.filters, "said": search.said, **how}
    return "".join(export_entries(principal or admin(), entries, form, **how))


def admin():
    user = User.objects.filter(username="root-of-all").first()
    return principal_for(user or User.objects.create_superuser("root-of-all"), Door.COMMAND)


def verified(text):
    """The end of an export whose every entry is as it was written."""
    verifier, end = Verifier(), None
    for part in read(io.StringIO(text, newline="")):
        if isinstance(part, End):
            end = part
        else:
            verifier.add(part)
    assert verifier.fault(gaps_allowed=bool(end.filters)) == ""
    return end


NASTY = ["=1+1", "+x", "-1", "@a", "'quoted", "''", "\t", "\r\n", "a\rb", 'say "hi", you', "\u2028", "", "é"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_read_again_as_it_was_written(form):
    for text in NASTY:
        write(Principal(name=text, door=Door.CONSOLE), resource=text, note=text, **{text or "empty": [text]})

    text = exported(form)

    # The export itself is the last of them.
    end = verified(text)
    assert (end.entries, end.first, end.last) == (len(NASTY) + 1, 1, len(NASTY) + 1)
    said = [part.principal for part in read(io.StringIO(text, newline="")) if not isinstance(part, End)]
    assert said == [*NASTY, "root-of-all"]


def test_no_cell_of_a_table_is_a_formula():
    for text in NASTY:
        write(resource=text)

    for row in csv.reader(io.StringIO(exported("csv"), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert harmless("'x") == "''x"


def test_an_export_of_a_time_is_a_whole_piece_of_the_chain():
    # Begun earlier, ended later: by its time the second would be left out between the others.
    for hours in (5, 2, 4, 2, 1):
        write(at=NOW - timedelta(hours=hours))

    piece = AuditSearch(begin=NOW - timedelta(hours=3), end=NOW - timedelta(minutes=90))
    end = verified(exported("jsonl", piece))

    assert (end.entries, end.first, end.last, end.filters) == (3, 2, 4, {})


def test_a_filtered_export_says_so():
    write(OLGA)
    write(EVE)
    write(OLGA)

    end = verified(exported("csv", AuditSearch(principal="olga")))

    assert (end.entries, end.filters) == (2, {"principal": "olga"})


def test_an_export_in_parts_says_where_the_next_begins():
    append([entry_at(NOW, f"t-{n}") for n in range(12)])

    end = verified(exported("jsonl", most=5))

    assert end.entries == 5
    assert "after entry 5" in end.broken_off


@pytest.mark.parametrize("withdrawn", ["policy", "user", "console"])
def test_an_export_ends_when_the_permission_is_withdrawn(auditor, withdrawn, monkeypatch):
    monkeypatch.setattr(trail, "BATCH", 5)
    append([entry_at(NOW, f"t-{n}") for n in range(12)])
    lines = export_entries(auditor.principal, AuditEntry.objects.all(), "jsonl", filters={}, said={})
    text = next(lines) + next(lines)

    if withdrawn == "policy":
        auditor.user.attachments.all().delete()
    elif withdrawn == "user":
        User.objects.filter(pk=auditor.user.pk).update(is_active=False)
    else:
        User.objects.filter(pk=auditor.user.pk).update(console_access=False)
    text += "".join(lines)

    end = verified(text)
    assert end.entries == 5
    assert "withdrawn" in end.broken_off


@pytest.mark.parametrize(("lasts", "entries"), [(timedelta(minutes=5), 6), (timedelta(0), 0)])
def test_an_export_ends_with_the_role(somebody, lasts, entries):
    sam = somebody("sam", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    role = RoleFactory()
    policy = put_policy("looks", {"Effect": "Allow", "Action": trail.LOOK_UP, "Resource": "*"})
    PolicyAttachment.objects.create(policy=policy, role=role)
    append([entry_at(NOW, f"t-{n}") for n in range(4)])
    in_role = principal_for(sam.user, Door.CONSOLE, role=role)
    taken = TakenRole(role.pk, role.name, timezone.now() + lasts)

    end = verified(exported("jsonl", principal=in_role, taken=taken))

    assert (end.entries, "withdrawn" in end.broken_off) == (entries, not entries)


def test_an_export_is_remembered_with_what_was_asked_for(auditor):
    write()
    response = auditor.client.post(f"{PAGE}export/?principal=olga&begin=2026-01-01", {"form": "csv"})

    content = b"".join(response.streaming_content)
    assert response["Content-Disposition"].endswith('.csv"')
    # A whole file before its first byte is sent: how fast it is taken is nobody's matter.
    assert response["Content-Length"] == str(len(content))
    assert verified(content.decode()).entries == 1
    remembered = AuditEntry.objects.get(action="actiontrail:ExportEvents")
    filters = {"principal": "olga", "from": "2026-01-01T00:00:00.000000Z"}
    assert remembered.facts == {"format": "csv", "filters": filters}


def test_the_next_part_begins_after_a_number(auditor):
    append([entry_at(NOW, f"t-{n}") for n in range(5)])

    response = auditor.client.post(f"{PAGE}export/?door=console", {"form": "jsonl", "after": "3"})

    assert verified(b"".join(response.streaming_content).decode()).first == 4


def test_what_cannot_be_exported_is_refused_before_a_file_begins(auditor, as_reader):
    assert as_reader.post(f"{PAGE}export/", {"form": "jsonl"}).status_code == 403
    assert auditor.client.post(f"{PAGE}export/", {"form": "xls"}).status_code == 422
    assert b"cannot be read" in auditor.client.post(f"{PAGE}export/?begin=x", {"form": "csv"}).content


def test_who_may_not_export_leaves_a_trace(rita):
    with pytest.raises(NotAllowed):
        export_entries(rita, AuditEntry.objects.all(), "jsonl", filters={}, said={})

    refused = AuditEntry.objects.get()
    assert (refused.outcome, refused.action) == ("Refused", "actiontrail:LookupEvents")


# --- Who comes and goes ---

GOOD = {"username": "olga", "password": "correct horse battery"}
SIGN_IN = "/console/sign-in/"


def remembered():
    return [(one.action, one.principal, one.outcome) for one in AuditEntry.objects.order_by("number")]


def test_coming_and_going_is_remembered(operator):
    client = Client(REMOTE_ADDR="192.0.2.99")
    client.post(SIGN_IN, GOOD)
    client.post("/console/sign-out/")
    client.post("/console/sign-out/")

    assert remembered() == [("ram:SignIn", "olga", "Done"), ("ram:SignOut", "olga", "Done")]
    assert AuditEntry.objects.filter(source_ip="192.0.2.99", door="console").count() == 2


@pytest.mark.parametrize("name", ["olga", "nobody", "n" * 150])
def test_a_wrong_password_is_remembered_for_whoever_was_typed_but_never_the_password(operator, name):
    Client().post(SIGN_IN, {"username": name, "password": "hunter2-wrong"})

    assert remembered() == [("ram:SignIn", name, "Refused")]
    assert "hunter2-wrong" not in json.dumps(list(AuditEntry.objects.values()), default=str)


def test_a_lockout_is_remembered_once_and_nobody_fills_the_trail_behind_it(operator, settings):
    settings.AXES_ENABLED = True
    client = Client(REMOTE_ADDR="192.0.2.98")
    for _ in range(9):
        client.post(SIGN_IN, {**GOOD, "password": "wrong"})

    failed, locked = ("ram:SignIn", "olga", "Refused"), ("ram:LockOut", "olga", "Refused")
    assert remembered() == [*[failed] * 4, locked]
    assert AuditEntry.objects.get(action="ram:LockOut").facts == {"failures": 5}


def test_nobody_fills_the_trail_with_ever_new_names(operator, monkeypatch):
    monkeypatch.setattr(limits, "FAILURES_REMEMBERED", 3)
    for number in range(5):
        Client(REMOTE_ADDR="192.0.2.97").post(SIGN_IN, {"username": f"u{number}", "password": "x"})
    Client(REMOTE_ADDR="192.0.2.96").post(SIGN_IN, {"username": "other", "password": "x"})

    assert [name for _action, name, _outcome in remembered()] == ["u0", "u1", "u2", "other"]
    said = [list(one.facts) for one in AuditEntry.objects.order_by("number")]
    assert said == [[], [], ["further_failures"], []]


def test_failures_look_the_same_to_the_visitor(operator):
    known = Client().post(SIGN_IN, {**GOOD, "password": "wrong"})
    unknown = Client().post(SIGN_IN, {"username": "nobody", "password": "wrong"})

    def said(response):
        return response.content.decode().replace("nobody", "olga").split("csrfmiddlewaretoken")[0]

    assert said(known) == said(unknown)
    assert len(remembered()) == 2


# --- The administration site ---


def test_the_administration_site_shows_the_trail_and_changes_nothing(as_operator):
    one = write()

    assert as_operator.get("/admin/access/auditentry/").status_code == 200
    for change in ("change", "delete"):
        response = as_operator.post(
            f"/admin/access/auditentry/{one.pk}/{change}/", {"principal": "eve", "post": "yes"}
        )
        assert response.status_code == 403
    assert as_operator.get("/admin/access/auditentry/add/").status_code == 403
    assert AuditEntry.objects.get(pk=one.pk).principal == "olga"

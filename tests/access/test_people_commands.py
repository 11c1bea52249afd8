"""Users, groups and keys as code: the same operations as the pages, printed for people or as JSON."""

import io
import json

import pytest
from django.core.management import call_command

from access.models import AccessKey, AuditEntry, PolicyAttachment, User
from access.operations.access_keys import secret_of
from tests.access.factories import GroupFactory, PolicyFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db


class Done:
    """What a command has said and with which status it ended."""

    def __init__(self, *words, stdin="", monkeypatch=None):
        out, err = io.StringIO(), io.StringIO()
        if monkeypatch is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self.status = 0
        try:
            call_command(*words, stdout=out, stderr=err)
        except SystemExit as end:
            self.status = end.code
        self.out, self.err = out.getvalue(), err.getvalue().strip()

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def admin(db):
    return UserFactory(username="admin", administrator=True)


def test_a_user_is_made_with_everything_at_once():
    GroupFactory(name="ops")
    done = Done(
        *("create_user", "ana", "--display-name", "Ana Ruiz", "--email", "ana@example.org"),
        *("--generate-password", "--must-change-password", "--api", "--group", "ops"),
        *("--policy", "ReadOnlyAccess", "--policy", "AliyunECSReadOnlyAccess", "--json"),
    )

    user = User.objects.get(username="ana")
    assert list(done.document) == ["Name", "Password"]
    assert user.check_password(done.document["Password"])
    assert (user.display_name, user.email, user.api_access) == ("Ana Ruiz", "ana@example.org", True)
    assert (user.console_access, user.must_change_password, user.is_superuser) == (True, True, False)
    assert [group.name for group in user.groups.all()] == ["ops"]
    assert user.attachments.count() == 2
    entry = AuditEntry.objects.earliest("pk")
    assert (entry.principal, entry.door, entry.action) == ("admin", "command", "ram:CreateUser")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"console_access": True, "api_access": True, "is_superuser": False}),
        (["--console", "--no-api"], {"console_access": True, "api_access": False}),
        (["--no-console", "--api"], {"console_access": False, "api_access": True}),
        (["--no-password"], {"console_access": True, "password_changed_at": None}),
        (["--administrator"], {"is_superuser": True, "is_staff": True}),
        (["--second-factor"], {"must_use_second_factor": True}),
    ],
)
def test_what_a_user_may_is_said_by_options(words, expected):
    done = Done("create_user", "ana", "--json", *words)

    user = User.objects.get(username="ana")
    has_password = user.has_usable_password()
    assert done.document["Name"] == "ana"
    assert ("Password" in done.document) is has_password
    assert has_password is not any(word in words for word in ("--no-console", "--no-password"))
    assert User.objects.filter(username="ana").values(*expected).get() == expected


def test_a_password_comes_by_the_standard_input_and_is_not_printed(monkeypatch):
    done = Done(
        *("create_user", "ana", "--password-stdin", "--json"),
        stdin="correct horse battery\n",
        monkeypatch=monkeypatch,
    )

    assert done.document == {"Name": "ana"}
    assert User.objects.get(username="ana").check_password("correct horse battery")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["create_user", "admin"], "The name admin is taken."),
        (["create_user", "a/b"], "The name has 1 to 64 letters, digits or . _ @ -"),
        (["create_user", "ana", "--group", "nowhere"], "There is no group 'nowhere'."),
        (["create_user", "ana", "--policy", "nothing"], "There is no policy 'nothing'."),
        (["create_user", "ana", "--as", "nobody"], "There is no active user nobody."),
        (["attach_policy", "nothing", "--user", "admin"], "There is no policy 'nothing'."),
        (["attach_policy", "ReadOnlyAccess", "--user", "nobody"], "There is no user 'nobody'."),
        (["attach_policy", "ReadOnlyAccess", "--role", "nobody"], "There is no role 'nobody'."),
        (["add_user_to_group", "admin", "nowhere"], "There is no group 'nowhere'."),
        (["create_access_key", "nobody"], "There is no user 'nobody'."),
        (["create_access_key", "admin"], "admin may not use the API. Switch that on first."),
    ],
)
def test_a_refusal_is_a_sentence_and_exit_status_1(words, sentence):
    done = Done(*words, "--json")

    assert (done.status, done.out, done.err) == (1, "", sentence)
    assert not User.objects.exclude(username="admin").exists()


def test_an_empty_password_is_refused(monkeypatch):
    done = Done("create_user", "ana", "--password-stdin", stdin="", monkeypatch=monkeypatch)

    assert done.status == 1
    assert not User.objects.filter(username="ana").exists()


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_attaching_twice_is_once_and_detaching_is_confirmed_where_somebody_loses(kind):
    PolicyFactory(name="runs")
    make = {"user": UserFactory, "group": GroupFactory, "role": RoleFactory}[kind]
    make(**{"username" if kind == "user" else "name": "there"})
    place = [f"--{kind}", "there", "--json"]

    documents = [Done("attach_policy", "runs", *place).document for _time in range(2)]
    asked = Done("detach_policy", "runs", *place)
    done = Done("detach_policy", "runs", "--yes", *place) if asked.status else asked

    assert documents == [{"PolicyName": "runs", kind.capitalize(): "there"}] * 2
    assert asked.status == (1 if kind == "user" else 0)
    assert done.status == 0
    assert not PolicyAttachment.objects.exists()


def test_groups_are_made_and_filled():
    UserFactory(username="ana")
    made = Done("create_group", "ops", "--json").document
    added = [Done("add_user_to_group", "ana", "ops", "--json").document for _time in range(2)]
    again = Done("create_group", "ops")

    assert made == {"Name": "ops"}
    assert added == [{"User": "ana", "Group": "ops"}] * 2
    assert (again.status, again.err) == (1, "The name ops is taken.")
    assert User.objects.get(username="ana").groups.count() == 1


def test_an_access_key_is_printed_once():
    UserFactory(username="bot", program=True)
    printed = Done("create_access_key", "bot", "--json").document

    key = AccessKey.objects.get()
    assert printed == {"AccessKeyId": key.pk, "AccessKeySecret": secret_of(key)}


def test_one_makes_keys_for_oneself_with_nobodys_leave():
    UserFactory(username="bot", program=True)

    assert Done("create_access_key", "bot", "--as", "bot", "--json").document["AccessKeyId"]


@pytest.mark.parametrize("words", [["create_user", "eve"], ["create_group", "eves"]])
def test_commands_ask_for_the_user_they_act_for(words):
    UserFactory(username="rob")

    done = Done(*words, "--as", "rob")

    assert done.status == 1
    assert done.err.startswith("rob may not create ")

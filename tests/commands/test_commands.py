"""Saved commands: created, cloned, changed, deleted, run."""

import re

import pytest

from access.models import AuditEntry
from assistant.commands.errors import CommandUnknown
from assistant.commands.models import Command
from assistant.commands.operations.commands import delete_commands, modify_command
from assistant.commands.rules.content import language_of
from assistant.commands.states import CommandType
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation
from assistant.invocations.operations.runs import invoke_command
from console.kit.errors import InvalidParameter, NotAllowed
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db

FORM = {"name": "uptime", "language": "shell", "content": "uptime", "timeout": 60, "region": "local"}


def invoked(principal, command, *instances, **how):
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    return invoke_command(principal, command, targets=targets, **how)


def test_a_command_is_saved_and_found(as_operator, olga):
    RegionFactory()
    response = as_operator.post("/console/commands/create/", FORM)

    command = Command.objects.get()
    assert response["Location"] == f"/console/commands/{command.pk}/"
    assert (command.name, command.content, command.kept, command.created_by.username) == (
        "uptime",
        "uptime",
        True,
        "olga",
    )
    assert "uptime" in as_operator.get("/console/commands/?q=upt").content.decode()
    assert "No command matches" in as_operator.get("/console/commands/?q=other").content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("content", " "), ("content", "x" * 13000), ("timeout", "0"), ("language", "c")],
)
def test_what_cannot_be_saved_is_shown_again(as_operator, field, value):
    RegionFactory()
    response = as_operator.post("/console/commands/create/", FORM | {field: value})

    assert response.status_code == 422
    assert not Command.objects.exists()


def test_a_clone_is_a_command_of_its_own(as_operator, olga):
    original = saved(olga, "#!/usr/bin/env python3\nprint(1)", name="one", description="prints one")

    form = as_operator.get(f"/console/commands/{original.pk}/clone/").content.decode()
    as_operator.post(f"/console/commands/{original.pk}/clone/", FORM | {"name": "two"})

    assert "prints one" in form
    assert re.search(r'value="python"[^>]*checked', form)
    assert sorted(Command.objects.values_list("name", flat=True)) == ["one", "two"]


def test_the_text_area_begins_as_the_command_does(as_operator, olga):
    original = saved(olga, "  indented\necho")

    form = as_operator.get(f"/console/commands/{original.pk}/clone/").content.decode()

    assert ">  indented\necho</textarea>" in form


def test_name_and_description_change_what_it_does_does_not(as_operator, olga):
    command = saved(olga)

    as_operator.post(
        f"/console/commands/{command.pk}/rename/",
        {"name": "hello", "description": "says hello", "content": "rm"},
    )

    command.refresh_from_db()
    assert (command.name, command.description, command.content) == ("hello", "says hello", "echo hi")


def test_a_changed_timeout_counts_for_runs_to_come(olga):
    instance = InstanceFactory()
    command = saved(olga, timeout=60)
    before = invoked(olga, command, instance)

    modify_command(olga, command, timeout=600)
    after = invoked(olga, command, instance)

    before.refresh_from_db()
    assert (before.timeout, after.timeout) == (60, 600)
    with pytest.raises(InvalidParameter):
        modify_command(olga, command, timeout=86_401)


def test_a_saved_command_runs_and_keeps_count(as_operator, olga):
    instance = InstanceFactory()
    command = saved(olga, "hostname", working_dir="/srv")

    page = as_operator.get(f"/console/run/?command={command.pk}").content.decode()
    fields = {"command": command.pk, "instance": instance.pk, "username": "deploy"}
    response = as_operator.post("/console/run/", fields)

    invocation = Invocation.objects.get()
    assert "hostname" in page
    assert response["Location"] == invocation.get_absolute_url()
    assert (invocation.command, invocation.username, invocation.working_dir) == (command, "deploy", "/srv")
    assert AuditEntry.objects.filter(action="ecs:InvokeCommand", resource=invocation.pk).exists()
    [listed] = Command.objects.for_table(olga)
    assert (listed.n_invocations, listed.last_invoked_at) == (1, invocation.created_at)


def test_a_run_can_save_its_command(as_operator):
    instance = InstanceFactory()
    fields = {k: v for k, v in FORM.items() if k != "region"} | {"instance": instance.pk, "keep": "on"}

    refused = as_operator.post("/console/run/", fields | {"name": ""})
    as_operator.post("/console/run/", fields)

    assert refused.status_code == 422
    assert list(Command.objects.kept().values_list("name", flat=True)) == ["uptime"]


def test_deleted_commands_leave_their_runs_readable(as_operator, olga):
    instance = InstanceFactory()
    commands = [saved(olga, name="one"), saved(olga, name="two"), saved(olga, name="three")]
    invocation = invoked(olga, commands[0], instance)
    report(started(target_of(invocation)), body=b"hi\n")
    ticked = {"command": [commands[0].pk, commands[1].pk]}

    asked = as_operator.get("/console/commands/delete/", ticked).content.decode()
    as_operator.post("/console/commands/delete/", ticked)

    assert "run once" in asked
    assert "three" not in asked
    assert list(Command.objects.kept()) == [commands[2]]
    assert as_operator.get(f"/console/commands/{commands[0].pk}/").status_code == 404
    assert "echo hi" in as_operator.get(invocation.get_absolute_url()).content.decode()
    commands[0].refresh_from_db()
    with pytest.raises(CommandUnknown):
        invoked(olga, commands[0], instance)
    with pytest.raises(CommandUnknown):
        delete_commands(olga, Command.objects.filter(pk=commands[0].pk))


def test_what_was_run_without_saving_is_not_listed(as_operator, olga):
    ran(olga, content="echo once")

    assert "No saved commands" in as_operator.get("/console/commands/").content.decode()


COMMANDS_IN = "acs:ecs:local:*:command/"


@pytest.mark.parametrize(
    ("statements", "is_allowed"),
    [
        ([("ecs:InvokeCommand", ["acs:ecs:*:*:instance/*", "acs:ecs:*:*:command/*"], {})], True),
        ([("ecs:InvokeCommand", ["acs:ecs:*:*:instance/*"], {})], False),
        ([("ecs:InvokeCommand", ["acs:ecs:*:*:command/*"], {})], False),
        ([("ecs:RunCommand", ["*"], {})], False),
        ([("ecs:InvokeCommand", ["*"], {"StringEquals": {"ecs:CommandRunAs": "root"}})], True),
        ([("ecs:InvokeCommand", ["*"], {"StringNotEqualsIgnoreCase": {"ecs:CommandRunAs": "ROOT"}})], False),
    ],
)
def test_who_may_run_a_saved_command(somebody, olga, statements, is_allowed):
    command, instance = saved(olga), InstanceFactory()
    paul = somebody(
        "paul",
        *(
            {"Effect": "Allow", "Action": action, "Resource": on} | ({"Condition": when} if when else {})
            for action, on, when in statements
        ),
    )

    if is_allowed:
        assert invoked(paul.principal, command, instance).n_total == 1
    else:
        with pytest.raises(NotAllowed):
            invoked(paul.principal, command, instance)


def test_only_permitted_commands_are_listed(somebody, olga):
    mine, other = saved(olga, name="mine"), saved(olga, name="other")
    paul = somebody(
        "paul", {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": f"{COMMANDS_IN}{mine.pk}"}
    )

    page = paul.client.get("/console/commands/").content.decode()

    assert mine.pk in page
    assert other.pk not in page
    assert paul.client.get(f"/console/commands/{other.pk}/").status_code == 404
    assert paul.client.post("/console/commands/delete/", {"command": mine.pk}).status_code == 403


@pytest.mark.parametrize(
    ("content", "kind", "language"),
    [
        ("echo", CommandType.SHELL, "shell"),
        ("#!/usr/bin/env python3\nprint()", CommandType.SHELL, "python"),
        ("#!/usr/bin/env perl\n", CommandType.SHELL, "perl"),
        ("#!/bin/zsh\n", CommandType.SHELL, "shell"),
        ("dir", CommandType.BAT, "bat"),
        ("dir", CommandType.POWERSHELL, "powershell"),
    ],
)
def test_the_language_of_a_script(content, kind, language):
    assert language_of(content, kind) == language

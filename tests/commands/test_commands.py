"""Saved commands: created, cloned, changed, deleted, run."""

import re
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from access.models import AuditEntry, Quota
from assistant.commands import limits
from assistant.commands.errors import CommandInUse, CommandUnknown
from assistant.commands.models import Command
from assistant.commands.operations.commands import delete_commands, modify_command
from assistant.commands.rules.catalogue import catalogue
from assistant.commands.rules.content import for_delivery, has_reboot, language_of
from assistant.commands.states import CommandType
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation
from assistant.invocations.operations.common_commands import invoke_common_command
from assistant.invocations.operations.runs import invoke_command
from console.kit.errors import InvalidParameter, NotAllowed, QuotaExceeded
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import ran, report, started, target_of
from tests.transactions import apart, until_it_waits

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


def test_a_command_that_nobody_named_is_called_after_the_day(as_operator, olga):
    RegionFactory()

    form = as_operator.get("/console/commands/create/").content.decode()
    command = saved(olga, name="")

    assert re.fullmatch(r"cmd-\d{4}-\d\d-\d\d", command.name)
    assert f'value="{command.name}"' in form


def test_a_clone_is_a_command_of_its_own(as_operator, olga):
    original = saved(olga, "#!/usr/bin/env python3\nprint(1)", name="one", description="prints one")

    form = as_operator.get(f"/console/commands/{original.pk}/clone/").content.decode()
    as_operator.post(f"/console/commands/{original.pk}/clone/", FORM | {"name": "two"})

    assert "prints one" in form
    assert re.search(r'value="python"[^>]*checked', form)
    assert sorted(Command.objects.values_list("name", flat=True)) == ["one", "two"]
    assert set(Command.objects.values_list("version", flat=True)) == {1}


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
    assert command.timeout == 60


@pytest.mark.parametrize(("typed", "timeout"), [("600", 600), ("3", 10), ("", 60), ("0", 60), ("86401", 60)])
def test_the_timeout_is_changed_on_the_same_page(as_operator, olga, typed, timeout):
    command = saved(olga, timeout=60)

    as_operator.post(f"/console/commands/{command.pk}/rename/", {"name": "say hi", "timeout": typed})

    command.refresh_from_db()
    assert command.timeout == timeout


def test_a_changed_timeout_counts_for_runs_to_come(olga):
    instance = InstanceFactory()
    command = saved(olga, timeout=60)
    before = invoked(olga, command, instance)

    after = invoked(olga, modify_command(olga, command, timeout=600), instance)

    before.refresh_from_db()
    assert (before.timeout, after.timeout) == (60, 600)
    with pytest.raises(InvalidParameter):
        modify_command(olga, command, timeout=86_401)


def test_two_who_change_a_command_at_the_same_time_both_have_their_way(olga):
    command = saved(olga)
    mine, yours = Command.objects.get(), Command.objects.get()

    modify_command(olga, mine, name="new")
    modify_command(olga, yours, timeout=300)

    command.refresh_from_db()
    assert (command.name, command.timeout) == ("new", 300)
    changed = AuditEntry.objects.filter(action="ecs:ModifyCommand").order_by("-pk")[0].facts
    assert (changed["before"]["name"], changed["after"]["name"]) == ("new", "new")


def test_what_is_deleted_meanwhile_is_neither_changed_nor_run(olga):
    saved(olga)
    command, instance = Command.objects.get(), InstanceFactory()
    delete_commands(olga, Command.objects.all())

    with pytest.raises(CommandUnknown):
        modify_command(olga, command, name="new")
    with pytest.raises(CommandUnknown):
        invoked(olga, command, instance)
    assert not Invocation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_waits_for_who_deletes_its_command(olga):
    command, instance = saved(olga), InstanceFactory()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            delete_commands(olga, Command.objects.all())
            run = other.submit(apart, invoked, olga, command, instance)
            until_it_waits()
        with pytest.raises(CommandUnknown):
            run.result()
    assert not Invocation.objects.exists()


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


def test_what_is_not_saved_does_not_use_the_quota(olga):
    instance = InstanceFactory()
    Quota.objects.create(name="max-axt-command-count", region_id=instance.region_id, value=1)

    ran(olga, instance, content="one")
    invoke_common_command(
        olga, catalogue()["CA-ECS-DiskUsage.sh"], instance.region, targets=Instance.objects.all()
    )
    saved(olga, region=instance.region)

    ran(olga, instance, content="two")
    with pytest.raises(QuotaExceeded):
        saved(olga, region=instance.region)


def test_runs_of_common_commands_count_against_the_quota_of_a_day(olga):
    instance = InstanceFactory()
    Quota.objects.create(name="max-axt-invocation-daily", region_id=instance.region_id, value=1)
    common, everywhere = catalogue()["CA-ECS-DiskUsage.sh"], Instance.objects.all()

    invoke_common_command(olga, common, instance.region, targets=everywhere)

    with pytest.raises(QuotaExceeded):
        invoke_common_command(olga, common, instance.region, targets=everywhere)


# --- In use ---


@pytest.mark.parametrize("begins", [False, True])
def test_a_command_whose_run_waits_or_goes_on_is_not_deleted(as_operator, olga, begins):
    held, free = saved(olga, name="held"), saved(olga, name="free")
    instance = InstanceFactory()
    invocation = invoked(olga, held, instance)
    if begins:
        started(target_of(invocation))
    ticked = {"command": [held.pk, free.pk]}

    asked = as_operator.get("/console/commands/delete/", ticked)
    refused = as_operator.post("/console/commands/delete/", ticked)

    assert asked.context["held"] == [(held, [invocation.pk])]
    assert asked.context["commands"] == [free]
    assert (refused.status_code, CommandInUse.code) == (403, "InvalidOperation")
    assert invocation.pk in refused.content.decode()
    assert Command.objects.kept().count() == 2


def test_a_command_is_deleted_once_its_runs_have_ended(olga):
    command = saved(olga)
    target = started(target_of(invoked(olga, command, InstanceFactory())))
    with pytest.raises(CommandInUse):
        delete_commands(olga, Command.objects.all())

    report(target)

    assert delete_commands(olga, Command.objects.all()) == 1


def test_a_refusal_names_some_of_many_runs(olga):
    command, instance = saved(olga), InstanceFactory()
    runs = [invoked(olga, command, instance).pk for _run in range(7)]

    with pytest.raises(CommandInUse, match="and 2 more") as refusal:
        delete_commands(olga, Command.objects.all())

    assert [run in refusal.value.message for run in runs] == [True] * 5 + [False] * 2


# --- The list ---


def listed(client, query=""):
    return [str(command) for command in client.get(f"/console/commands/{query}").context["listing"].page]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["Beta", "alpha", "gamma"]),
        ("name", ["alpha", "Beta", "gamma"]),
        ("-name", ["gamma", "Beta", "alpha"]),
        ("-runs", ["alpha", "gamma", "Beta"]),
        ("runs", ["Beta", "gamma", "alpha"]),
        ("-last", ["gamma", "alpha", "Beta"]),
        ("last", ["alpha", "gamma", "Beta"]),
        ("created", ["gamma", "alpha", "Beta"]),
        ("type", ["Beta", "alpha", "gamma"]),
        ("nonsense", ["Beta", "alpha", "gamma"]),
    ],
)
def test_the_list_is_ordered_by_any_column(as_operator, olga, sort, names):
    gamma, alpha = saved(olga, name="gamma"), saved(olga, name="alpha")
    saved(olga, name="Beta", type="RunBatScript")
    for command in (alpha, alpha, gamma):
        invoked(olga, command, InstanceFactory())

    assert listed(as_operator, f"?sort={sort}") == names


def test_a_row_leads_to_all_that_can_be_done_with_it(as_operator, as_reader, olga):
    command = saved(olga)
    to = [f"/console/commands/{command.pk}/{verb}/" for verb in ("rename", "clone")]

    page = as_operator.get("/console/commands/").content.decode()
    for_reader = as_reader.get("/console/commands/").content.decode()

    assert all(f'href="{address}"' in page for address in [*to, f"/console/run/?command={command.pk}"])
    assert not any(address in for_reader for address in to)


def test_the_form_says_what_parameters_are_good_for(as_operator):
    RegionFactory()

    assert (
        "key pairs, IDs, codes, times, files" in as_operator.get("/console/commands/create/").content.decode()
    )


def test_a_column_head_leads_to_its_order_and_back(as_operator, olga):
    saved(olga)

    first = as_operator.get("/console/commands/?q=say").context["headings"]
    then = as_operator.get("/console/commands/?q=say&sort=name").context["headings"]

    assert (first["name"].address, first["name"].direction) == ("/console/commands/?q=say&sort=name", "")
    assert first["created"].direction == "descending"
    assert (then["name"].address, then["name"].direction) == (
        "/console/commands/?q=say&sort=-name",
        "ascending",
    )


def test_who_may_not_see_all_runs_sees_no_counts_and_can_still_order_by_them(somebody, olga):
    command = saved(olga)
    invoked(olga, command, InstanceFactory())
    paul = somebody("paul", {"Effect": "Allow", "Action": "ecs:DescribeCommands", "Resource": "*"})

    [row] = paul.client.get("/console/commands/?sort=-runs").context["listing"].page

    assert row.n_invocations is None


def test_an_order_alone_is_no_filter(as_operator, olga):
    RegionFactory()

    assert "No saved commands" in as_operator.get("/console/commands/?sort=name").content.decode()


def test_all_that_match_are_deleted_by_what_the_dialog_lists(as_operator, olga):
    saved(olga, name="web one")
    saved(olga, name="web two")
    saved(olga, name="other")

    asked = as_operator.get("/console/commands/delete/?all=1&q=web")
    ids = [command.pk for command in asked.context["commands"]]
    as_operator.post("/console/commands/delete/", {"command": ids})

    assert "Delete 2 commands" in asked.content.decode()
    assert listed(as_operator) == ["other"]


def test_all_that_match_are_those_on_which_one_may(somebody, olga):
    mine, other = saved(olga, name="mine"), saved(olga, name="other")
    paul = somebody(
        "paul",
        {"Effect": "Allow", "Action": "ecs:DescribeCommands", "Resource": "*"},
        {"Effect": "Allow", "Action": "ecs:DeleteCommand", "Resource": f"{COMMANDS_IN}{mine.pk}"},
    )

    asked = paul.client.get("/console/commands/delete/?all=1")
    refused = paul.client.post("/console/commands/delete/", {"command": other.pk})

    assert asked.context["commands"] == [mine]
    assert refused.status_code == 403


def test_more_than_can_be_deleted_at_once_is_refused(as_operator, olga, monkeypatch):
    monkeypatch.setattr(limits, "COMMANDS_AT_ONCE", 1)
    ticked = {"command": [saved(olga).pk, saved(olga).pk]}

    assert as_operator.get("/console/commands/delete/", ticked).status_code == 400
    assert as_operator.post("/console/commands/delete/", ticked).status_code == 400
    assert Command.objects.kept().count() == 2


def test_an_instances_page_leads_to_the_run_form_with_it_ticked(as_operator):
    instance = InstanceFactory()

    page = as_operator.get(instance.get_absolute_url()).content.decode()

    assert f"/console/run/?instance={instance.pk}" in page


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


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (CommandType.SHELL, b"one\ntwo\nthree"),
        (CommandType.BAT, b"one\r\ntwo\r\nthree"),
        (CommandType.POWERSHELL, b"one\r\ntwo\nthree"),
    ],
)
def test_lines_end_as_the_system_wants_them(kind, sent):
    assert b64decode(for_delivery("one\r\ntwo\nthree", kind)) == sent


@pytest.mark.parametrize(
    "content",
    [
        "reboot",
        "sudo reboot now",
        "sudo -n /sbin/shutdown -r +1",
        "apt-get -y upgrade && reboot",
        "echo done; systemctl reboot",
        "if true; then poweroff; fi",
        "init 6",
        "telinit 0",
        "/usr/sbin/halt -p",
        "systemctl --force reboot",
        "shutdown /r /t 0",
        "shutdown.exe /s",
        "Restart-Computer -Force",
        "Get-Service | Out-Null; stop-computer",
        "(sleep 5; reboot) &",
    ],
)
def test_a_script_that_restarts_the_server_is_told(content):
    assert has_reboot(f"#!/bin/sh\necho begin\n{content}\n")


@pytest.mark.parametrize(
    "content",
    [
        "# reboot",
        "echo reboot",
        'echo "then reboot"',
        "last reboot",
        "rebooted=1",
        "reboot.sh",
        "test -f /var/run/reboot-required",
        "systemctl status reboot.target",
        "init 3",
        "ls /sbin/shutdown",
        "halt-service",
        "grep -E 'sync|shutdown|halt' log",
    ],
)
def test_a_script_that_only_speaks_of_restarts_is_not(content):
    assert not has_reboot(f"#!/bin/sh\n{content}\n")


def test_the_run_form_warns_of_a_restart_also_in_a_saved_command(as_operator, olga):
    command, harmless = saved(olga, "apt-get -y upgrade && reboot"), saved(olga, "uptime")
    instance = InstanceFactory()

    def foretold(**fields):
        said = {"instance": instance.pk, **fields}
        return as_operator.post("/console/run/preview/", said).content.decode()

    assert "restarts or stops the server" in foretold(command=command.pk)
    assert "restarts or stops the server" in foretold(content="reboot")
    assert "restarts or stops the server" not in foretold(command=harmless.pk, content="reboot")

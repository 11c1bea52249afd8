"""Parameters of runs: what servers get, what stays secret, and what people type."""

import base64
import json
import re

import pytest
from django.core.management import call_command
from django.db import connection

from access.operations import secrets
from access.operations.secrets import rotate_keys
from access.principals import SYSTEM
from assistant.commands.models import Command
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.parameters import Definition
from assistant.instances.models import Instance
from assistant.invocations.models import Invocation
from assistant.invocations.operations.deliveries import Fetch, list_tasks
from assistant.invocations.operations.parameters import values_of
from assistant.invocations.operations.runs import invoke_command, run_again, run_command
from assistant.invocations.operations.stops import stop_invocation
from console.kit.errors import InvalidParameter
from gateway.protocol import entries
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import fetch, ran, report, started, target_of

pytestmark = pytest.mark.django_db

SECRET = "hunter2-of-the-database"
PASSWORD = Definition("password", required=True, secret=True)


def script(content, *definitions):
    return Script(content, enable_parameter=True, definitions=definitions)


def ran_with(principal, content, *definitions, on=None, **values):
    instances = on or [InstanceFactory()]
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    region = instances[0].region
    return run_command(principal, region, script(content, *definitions), targets=targets, parameters=values)


def got(target):
    """The script that the target's agent gets."""
    [task] = fetch(target).runs
    return base64.b64decode(task.content).decode()


# --- What servers get ---


@pytest.mark.parametrize(
    ("content", "values", "arrives"),
    [
        ("echo '{{a}}'", {"a": "x y"}, "echo 'x y'"),
        ("echo {{ A }}{{a}}", {"a": "x"}, "echo xx"),
        ("echo {{a}}.", {}, "echo ."),
        ("echo {{a}}", {"a": "1\r\n2"}, "echo 1\n2"),
        ("echo {{a}}", {"a": "{{ACS::InstanceId}}"}, "echo {{ACS::InstanceId}}"),
    ],
)
def test_values_are_put_into_the_script_that_is_sent(olga, content, values, arrives):
    invocation = ran_with(olga, content, **values)

    assert got(target_of(invocation)) == arrives
    assert invocation.command.content == content


def test_without_parameters_braces_go_to_the_server_as_they_are(olga):
    invocation = ran(olga, content="echo '{{a}} {{ACS::InstanceId}} {{ no such }}'")

    assert got(target_of(invocation)) == "echo '{{a}} {{ACS::InstanceId}} {{ no such }}'"
    with pytest.raises(InvalidParameter) as refusal:
        run_command(
            olga,
            RegionFactory(),
            Script("echo {{a}}"),
            targets=Instance.objects.all(),
            parameters={"a": "x"},
        )
    assert refusal.value.code == "Parameter.Disabled"


def test_built_in_parameters_differ_in_one_batch(olga, settings):
    web, db = InstanceFactory(name="web"), InstanceFactory(name="db")
    content = "{{ACS::RegionId}} {{ACS::AccountId}} {{ACS::InstanceId}} {{ACS::InstanceName}} {{ACS::InvokeId}} {{ACS::CommandId}} {{a}}"
    invocation = ran_with(olga, content, on=[web, db], a="x")

    answers = list_tasks(SYSTEM, [Fetch(web.pk), Fetch(db.pk)])

    texts = [base64.b64decode(work.runs[0].content).decode() for work in answers]
    about_run = f"{invocation.pk} {invocation.command_id} x"
    assert texts == [
        f"local {settings.ACCOUNT_ID} {web.pk} web {about_run}",
        f"local {settings.ACCOUNT_ID} {db.pk} db {about_run}",
    ]


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("Web 1_a.example:80-ü", "Web 1_a.example:80-ü"),
        ("{{a}}", "__a__"),
        ("$(reboot)", "__reboot_"),
        ("a'; reboot #", "a__ reboot _"),
        ("a\nreboot\t\\`\u2019", "a_reboot____"),
    ],
)
def test_an_instances_name_brings_no_command_into_a_script(olga, name, arrives):
    invocation = ran_with(olga, "{{ACS::InstanceName}}", on=[InstanceFactory(name=name)])

    assert got(target_of(invocation)) == arrives


def test_a_fetch_takes_no_more_queries_for_parameters(olga, django_assert_max_num_queries):
    # Half of the region: the guard has nothing to ask.
    instances = InstanceFactory.create_batch(24)[::2]
    ran_with(olga, "echo {{ACS::InstanceId}} {{a}}", on=instances, a="x")

    with django_assert_max_num_queries(12):
        list_tasks(SYSTEM, [Fetch(instance.pk) for instance in instances])


def test_a_stop_carries_no_values(olga):
    invocation = ran_with(olga, "mysql -p{{password}}", PASSWORD, password=SECRET)
    target = started(target_of(invocation))
    stop_invocation(olga, invocation)

    [task] = fetch(target).stops

    assert base64.b64decode(task.content).decode() == "mysql -p{{password}}"


# --- What is refused ---


@pytest.mark.parametrize(
    ("content", "definitions", "values", "code"),
    [
        ("echo {{a}}", [], {"b": "x"}, "Parameter.NotMatched"),
        ("echo {{ACS::Nobody}}", [], {}, "CmdParam.InvalidParamName"),
        ("echo {{}}", [], {}, "CmdParam.EmptyKey"),
        ("echo {{a}}", [Definition("a", required=True)], {}, "Parameter.MissingValue"),
        ("echo {{a}}", [Definition("a", possible_values=("x",))], {"a": "y"}, "InvalidParameter.Parameters"),
        ("echo {{a}}", [], {"a": "x" * 12288}, "CmdContent.ExceedLimit"),
        ("echo", [Definition("a")], {}, "Parameter.NotMatched"),
    ],
)
def test_a_run_that_cannot_be_filled_in_is_refused_and_writes_nothing(
    olga, content, definitions, values, code
):
    with pytest.raises(InvalidParameter) as refusal:
        ran_with(olga, content, *definitions, **values)

    assert refusal.value.code == code
    assert not Invocation.objects.exists()
    assert not Command.objects.exists()


def test_a_stored_command_may_become_too_large_when_it_is_run(olga):
    """The limit counts script and values together (CA-75)."""
    instance = InstanceFactory()
    command = saved(olga, "#" * 12000 + "{{a}}", enable_parameter=True)
    targets = Instance.objects.filter(pk=instance.pk)

    assert invoke_command(olga, command, targets=targets, parameters={"a": "x"})
    with pytest.raises(InvalidParameter, match="16384"):
        invoke_command(olga, command, targets=targets, parameters={"a": "x" * 400})


def test_definitions_need_a_command_that_uses_parameters(olga):
    with pytest.raises(InvalidParameter) as refusal:
        saved(olga, "echo {{a}}", definitions=(Definition("a"),))

    assert refusal.value.code == "Parameter.Disabled"


# --- Secrets ---


def everything_stored():
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        # The search's table can only be asked for words; what it is made of is among the others.
        for table in set(connection.introspection.table_names(cursor)) - {"invocations_outputgrams"}:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our own tables
            yield from (repr(row) for row in cursor.fetchall())


def test_a_secret_is_nowhere_to_be_read(as_operator, olga, caplog, bell, django_capture_on_commit_callbacks):
    caplog.set_level("DEBUG")
    with django_capture_on_commit_callbacks(execute=True):
        invocation = ran_with(
            olga, "mysql -p'{{Password}}' -h {{host}}", PASSWORD, Password=SECRET, host="db-1"
        )
    target = target_of(invocation)
    assert got(target).startswith(f"mysql -p'{SECRET}' -h db-1")
    report(started(target), body=b"done\n")
    again = run_again(olga, invocation)

    pages = [
        as_operator.get(address).content.decode()
        for address in (
            invocation.get_absolute_url(),
            again.get_absolute_url(),
            "/console/invocations/",
            f"{invocation.get_absolute_url()}instances/{target.instance_id}/",
            "/console/audit/",
        )
    ]

    encoded = base64.b64encode(SECRET.encode()).decode()
    said = [*everything_stored(), *pages, caplog.text, repr(bell.heard()), repr(invocation.__dict__)]
    assert not [text for text in said if SECRET in text or encoded in text]
    assert "db-1" in pages[0]
    assert "****" in pages[0]
    assert invocation.parameters == {"Password": "****", "host": "db-1"}


@pytest.mark.parametrize(
    ("trait", "content", "definition", "is_erased"),
    [
        ({}, "{{password}}", PASSWORD, True),
        ({}, "#!/usr/bin/env python3\nprint('{{password}}')", PASSWORD, True),
        ({}, "#!/usr/bin/env node\n'{{password}}'", PASSWORD, False),
        ({}, "'{{password}}' '{{{ACS::InstanceId}'", PASSWORD, False),
        ({}, "{{password}}", Definition("password"), False),
        ({"own_agent": True}, "{{password}}", PASSWORD, False),
    ],
)
def test_the_reference_agent_is_told_to_delete_a_script_that_holds_a_secret(
    olga, trait, content, definition, is_erased
):
    """It keeps scripts for all to read; ours never does."""
    instance = InstanceFactory(**trait)
    invocation = ran_with(olga, content, definition, on=[instance], password=SECRET)

    [task] = fetch(target_of(invocation)).runs

    script = base64.b64decode(task.content).decode()
    assert script == content.replace("{{password}}", SECRET) + ("\n# oos-secret\n" if is_erased else "")
    [entry] = entries([task], instance.pk, 12000)
    assert entry["task"]["enableParameter"] is is_erased


def test_a_windows_script_is_deleted_too(olga):
    invocation = run_command(
        olga,
        RegionFactory(),
        Script(
            "net use {{p}}",
            type="RunBatScript",
            enable_parameter=True,
            definitions=(Definition("p", secret=True),),
        ),
        targets=Instance.objects.filter(pk=InstanceFactory(windows=True).pk),
        parameters={"p": SECRET},
    )

    assert got(target_of(invocation)) == f"net use {SECRET}\r\n@rem oos-secret\r\n"


def test_a_run_again_gets_the_same_values(olga):
    instance = InstanceFactory()
    first = ran_with(olga, "{{password}} {{host}}", PASSWORD, on=[instance], password=SECRET, host="db-1")
    report(started(target_of(first)), exit_code=1)

    again = run_again(olga, first)

    assert got(target_of(again)).startswith(f"{SECRET} db-1")
    assert again.parameters == {"password": "****", "host": "db-1"}
    assert again.sealed_parameters != first.sealed_parameters


def test_secrets_outlive_a_change_of_keys(olga):
    invocation = ran_with(olga, "{{password}}", PASSWORD, password=SECRET)
    before = invocation.sealed_parameters

    rotate_keys(olga)
    secrets.data_keys.forget()

    invocation.refresh_from_db()
    assert invocation.sealed_parameters != before
    assert values_of(invocation) == {"password": SECRET}


def test_a_secret_that_does_not_open_holds_up_no_other_run(olga, caplog):
    instance = InstanceFactory()
    broken = ran_with(olga, "{{password}}", PASSWORD, on=[instance], password=SECRET)
    whole = ran_with(olga, "{{password}}", PASSWORD, on=[instance], password=SECRET)
    Invocation.objects.filter(pk=broken.pk).update(sealed_parameters=whole.sealed_parameters)

    [work] = list_tasks(SYSTEM, [Fetch(instance.pk)])

    assert [task.invocation_id for task in work.runs] == [whole.pk]
    assert f"Run not delivered invocation={broken.pk}" in caplog.text


# --- Pages ---

FORM = {"language": "shell", "content": "echo {{a}}", "timeout": 60, "enable_parameter": "on"}


def test_fields_come_while_one_types(as_operator):
    def fragment(**typed):
        return as_operator.post("/console/run/parameters/", FORM | typed).content.decode()

    off = fragment(enable_parameter="")
    assert "The command holds a between braces" in off
    assert "parameter-a" not in off
    assert re.search(r'<input type="text" name="parameter-a" value="x"', fragment(**{"parameter-a": "x"}))
    secret = fragment(**{"secret-a": "on", "parameter-a": SECRET})
    assert '<input type="password" name="parameter-a"' in secret
    assert SECRET not in secret
    assert "a name has letters" in fragment(content="echo {{a b}}")
    assert "nothing is quoted for you" in fragment()


def test_a_typed_command_runs_with_its_values(as_operator):
    instance = InstanceFactory()
    fields = FORM | {
        "content": "echo {{a}} {{b}}",
        "parameter-a": " x ",
        "parameter-b": SECRET,
        "secret-b": "on",
    }

    as_operator.post("/console/run/", fields | {"instance": instance.pk})

    invocation = Invocation.objects.get()
    assert invocation.parameters == {"a": " x ", "b": "****"}
    assert got(target_of(invocation)).startswith(f"echo  x  {SECRET}")


def test_looking_at_the_parameters_runs_nothing(as_operator):
    instance = InstanceFactory()

    page = as_operator.post("/console/run/", FORM | {"instance": instance.pk, "look": "1"})

    assert page.status_code == 200
    assert 'name="parameter-a"' in page.content.decode()
    assert re.search(rf'value="{instance.pk}"[^>]*checked', page.content.decode())
    assert not Invocation.objects.exists()


def described(olga):
    return saved(
        olga,
        "deploy {{Env}} {{tag}} {{token}}",
        enable_parameter=True,
        definitions=(
            Definition("Env", "Where to", required=True, possible_values=("test", "prod")),
            Definition("tag", default="latest"),
            Definition("token", secret=True),
        ),
    )


def test_a_saved_command_asks_for_its_parameters(as_operator, olga):
    command, instance = described(olga), InstanceFactory()
    page = as_operator.get(f"/console/run/?command={command.pk}").content.decode()
    fields = {
        "command": command.pk,
        "instance": instance.pk,
        "parameter-tag": "v2",
        "parameter-token": SECRET,
    }

    missing = as_operator.post("/console/run/", fields)
    wrong = as_operator.post("/console/run/", fields | {"parameter-env": "moon"})
    as_operator.post("/console/run/", fields | {"parameter-env": "prod"})

    assert re.search(r'<select name="parameter-env"', page)
    assert "Where to" in page
    assert re.search(r'name="parameter-tag" value="latest"', page)
    assert (missing.status_code, wrong.status_code) == (422, 422)
    assert SECRET not in missing.content.decode()
    [invocation] = Invocation.objects.all()
    assert got(target_of(invocation)).startswith(f"deploy prod v2 {SECRET}")


def test_a_command_is_saved_with_what_is_said_of_its_parameters(as_operator):
    RegionFactory()
    said = {
        "definition-env-description": "Where to",
        "definition-env-possible_values": "test, prod,",
        "definition-env-default": "test",
        "definition-env-required": "on",
    }
    fields = FORM | {"content": "deploy {{Env}}", "name": "deploy", "region": "local", **said}

    fragment = as_operator.post("/console/commands/definitions/", fields).content.decode()
    looked = as_operator.post("/console/commands/create/", fields | {"look": "1"})
    refused = as_operator.post("/console/commands/create/", fields | {"definition-env-default": "moon"})
    as_operator.post("/console/commands/create/", fields)

    assert re.search(r'name="definition-env-description" value="Where to"', fragment)
    assert looked.status_code == 200
    assert refused.status_code == 422
    assert "not one of its allowed values" in refused.content.decode()
    command = Command.objects.get()
    assert command.parameters == [
        Definition("Env", "Where to", required=True, default="test", possible_values=("test", "prod"))
    ]
    page = as_operator.get(command.get_absolute_url()).content.decode()
    assert "Where to" in page
    clone = as_operator.get(f"{command.get_absolute_url()}clone/").content.decode()
    assert re.search(r'name="definition-env-possible_values" value="test, prod"', clone)


# --- The command line ---


def ran_by_command(capsys, *words):
    call_command("run_command", *words, "--as", "olga", "--json")
    return Invocation.objects.get(pk=json.loads(capsys.readouterr().out)["InvokeId"])


def test_the_command_takes_values_and_secrets(operator, capsys, tmp_path):
    instance = InstanceFactory()
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"password": SECRET}))
    words = ("--instance", instance.pk, "--content", "{{host}} {{password}}", "--parameter", "host=a=b")

    invocation = ran_by_command(capsys, *words, "--parameter-file", str(file))

    assert invocation.parameters == {"host": "a=b", "password": "****"}
    assert got(target_of(invocation)).startswith(f"a=b {SECRET}")


def test_the_command_puts_in_built_in_parameters_when_asked(operator, capsys):
    instance = InstanceFactory()
    words = ("--instance", instance.pk, "--content", "{{ACS::InstanceId}}")

    assert got(target_of(ran_by_command(capsys, *words, "--use-parameters"))) == instance.pk
    assert ran_by_command(capsys, *words).command.enable_parameter is False


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        ('{"a": "hunter2', "is not JSON"),
        ('["hunter2"]', "is not a JSON object"),
        ('{"a": 1}', "is not a JSON object"),
        ('{"b": "hunter2"}', "has no parameter b"),
        ('{"host": "hunter2"}', "host is given twice"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_without_quoting_it(
    operator, capsys, tmp_path, content, sentence
):
    file = tmp_path / "secrets.json"
    if content is not None:
        file.write_text(content)
    words = ("--instance", InstanceFactory().pk, "--content", "{{host}}", "--parameter", "host=x")

    with pytest.raises(SystemExit):
        ran_by_command(capsys, *words, "--parameter-file", str(file))

    said = capsys.readouterr().err
    assert sentence in said
    assert "hunter2" not in said

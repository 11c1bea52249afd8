"""Runs that could do much harm are asked about once more, and why is said."""

import re

import pytest
from django.core.management import call_command

from access.models import AuditEntry
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.catalogue import catalogue
from assistant.commands.rules.parameters import Definition
from assistant.instances.models import Instance
from assistant.invocations.errors import ConfirmationNeeded, PatternRefused
from assistant.invocations.models import Guard, Invocation
from assistant.invocations.operations.common_commands import invoke_common_command
from assistant.invocations.operations.runs import invoke_command, run_again, run_command
from assistant.invocations.rules.guard import DEFAULT_PATTERNS, found_in, patterns_of
from assistant.invocations.rules.plans import Plan, PlanKind, Timing
from assistant.invocations.rules.terms import Terms
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, ran, target_of

PATTERNS = patterns_of(DEFAULT_PATTERNS)
SECRET = "rm -rf /"

HARMFUL = [
    "rm -rf /",
    "sudo rm -rf /*",
    "rm -fr --no-preserve-root /",
    "rm --recursive --force /",
    "rm -r -f    /",
    "rm -rf \\\n  /",
    "cd /tmp && rm -rf / ; true",
    "rm -rf '/usr/'",
    "rm -rf /etc",
    "mkfs.ext4 /dev/sdb1",
    "mkfs -t xfs /dev/sdb1",
    "dd if=/dev/zero of=/dev/sda bs=1M",
    "echo x > /dev/sda",
    "shutdown -h now",
    "shutdown.exe /s",
    "sudo -n /sbin/shutdown -r +1",
    "sleep 1; reboot",
    "/sbin/poweroff",
    "if [ -e /x ]; then halt; fi",
    "systemctl --no-wall reboot",
    "init 0",
    ":(){ :|:& };:",
    "chmod -R 777 /",
    "Restart-Computer -Force",
    "stop-computer",
    "del /s /q C:\\*",
    "format c:",
    "x" * 5000 + "; reboot",
]
HARMLESS = [
    "echo hi",
    "rm -rf /tmp/x",
    "rm -rf ./build",
    "rm -f /etc/app.conf",
    "rm -rf /var/cache/app",
    "dd if=/dev/sda of=/dev/null",
    "echo reboot required",
    "# reboot",
    "systemctl status reboot.target",
    "cat /var/run/reboot-required",
    "ls > /dev/null",
    "parted -l",
    "last -x | grep -E 'reboot|shutdown'",
]


@pytest.mark.parametrize("script", HARMFUL)
def test_what_is_asked_about(script):
    assert found_in(script, PATTERNS)


@pytest.mark.parametrize("script", HARMLESS)
def test_what_is_not(script):
    assert found_in(script, PATTERNS) == []


def test_no_common_command_is_asked_about():
    assert [common.name for common in catalogue().values() if found_in(common.content, PATTERNS)] == []


@pytest.mark.parametrize("script", ["rm -" + "-a" * 15_000, "a " * 15_000, "rm -a " * 5_000, "dd " * 10_000])
def test_a_long_script_is_looked_through_to_its_end(script):
    assert found_in(script, PATTERNS, seconds=60) is not None


def test_what_could_not_be_looked_through_is_asked_about():
    assert found_in("echo hi", PATTERNS, seconds=-1.0) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|aa)*b",
        "(a{1,30}){1,6}b",
        ".*.*x",
        r"(a)\1",
        "(?>(a|aa)*)b",
        "(?=(a+)+b)x",
        "(",
        "a*",
        "x" * 300,
    ],
)
def test_a_pattern_that_could_run_away_or_is_none_is_refused(pattern):
    with pytest.raises(PatternRefused, match="Line 2: "):
        patterns_of(f"# Comment\ndoes it: {pattern}")


@pytest.mark.parametrize("line", ["reboot", ": reboot", "restarts: "])
def test_a_line_says_what_a_script_does_and_what_finds_it(line):
    with pytest.raises(PatternRefused, match="Line 1"):
        patterns_of(line)


# --- Through the operations ---

pytestmark = pytest.mark.django_db


def run(principal, *instances, content="echo hi", confirmed="", definitions=(), **how):
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    script = Script(content, enable_parameter=bool(definitions), definitions=definitions)
    timing = Timing(how.pop("plan", Plan(PlanKind.NOW)), terms=Terms(confirmed=confirmed))
    return run_command(principal, instances[0].region, script, targets=targets, timing=timing, **how)


def question(principal, *instances, **how):
    with pytest.raises(ConfirmationNeeded) as refusal:
        run(principal, *instances, **how)
    return refusal.value


def test_it_runs_only_when_what_was_shown_is_confirmed(olga):
    instance = InstanceFactory()

    asked = question(olga, instance, content="reboot")
    assert not Invocation.objects.exists()
    assert list(asked.reasons) == ["It stops or restarts the server: “reboot”."]

    invocation = run(olga, instance, content="reboot", confirmed=asked.digest)
    [entry] = AuditEntry.objects.filter(resource=invocation.pk)
    assert entry.facts["confirmed"] == ["stops or restarts the server"]


@pytest.mark.parametrize("other", ["reboot now", "poweroff"])
def test_another_script_is_another_question(olga, other):
    instance = InstanceFactory()
    asked = question(olga, instance, content="reboot")

    assert question(olga, instance, content=other, confirmed=asked.digest).digest != asked.digest


def test_other_servers_are_another_question(olga):
    one, other = InstanceFactory.create_batch(2)
    asked = question(olga, one, content="reboot")

    assert question(olga, other, content="reboot", confirmed=asked.digest).digest != asked.digest


def test_what_asks_nothing_is_remembered_without_a_word(olga):
    invocation = run(olga, InstanceFactory(), confirmed="whatever")

    assert "confirmed" not in AuditEntry.objects.get(resource=invocation.pk).facts


@pytest.mark.parametrize(
    ("hit", "there", "asks"), [(9, 9, False), (10, 20, False), (11, 20, True), (10, 10, True)]
)
def test_much_of_a_region_is_asked_about(olga, hit, there, asks):
    instances = InstanceFactory.create_batch(there)

    if asks:
        assert (
            question(olga, *instances[:hit])
            .reasons[0]
            .startswith(f"It runs on {hit} instances: more than 50 %")
        )
    else:
        assert run(olga, *instances[:hit])


def test_an_administrator_sets_the_share_and_the_patterns(olga):
    Guard.objects.create(percent=100, least=1, patterns="says hello: hello")
    instance = InstanceFactory()

    assert run(olga, instance, content="reboot")
    assert question(olga, instance, content="hello").reasons == ["It says hello: “hello”."]


def test_values_are_looked_at_and_a_secret_one_is_not_shown(olga):
    parts = {"content": "{{first}}", "definitions": (Definition("first", secret=True),)}

    asked = question(olga, InstanceFactory(), **parts, parameters={"first": SECRET})

    assert list(asked.reasons) == ["With its parameters put in it deletes everything."]
    assert SECRET not in asked.message


def test_the_digest_does_not_tell_a_guessed_value(olga, settings):
    parts = {"content": "reboot {{a}}", "definitions": (Definition("a", secret=True),)}
    instance = InstanceFactory()
    asked = question(olga, instance, **parts, parameters={"a": "x"})

    settings.SECRET_KEY = "another console"

    assert question(olga, instance, **parts, parameters={"a": "x"}).digest != asked.digest


def test_plans_are_asked_about_too(olga):
    question(olga, InstanceFactory(), content="reboot", plan=Plan(PlanKind.EVERY_START))


def test_saved_and_common_commands_are_asked_about_too(olga):
    instances = InstanceFactory.create_batch(12)
    everywhere = Instance.objects.all()

    with pytest.raises(ConfirmationNeeded):
        invoke_command(olga, saved(olga, content="reboot"), targets=everywhere.filter(pk=instances[0].pk))
    with pytest.raises(ConfirmationNeeded):
        invoke_common_command(
            olga, catalogue()["CA-ECS-DiskUsage.sh"], instances[0].region, targets=everywhere
        )


def test_run_again_asks_again(olga):
    invocation = ran(olga, content="reboot")

    with pytest.raises(ConfirmationNeeded) as refusal:
        run_again(olga, invocation)

    assert run_again(olga, invocation, confirmed=refusal.value.digest)


def test_a_confirmed_run_is_delivered_as_it_was_typed(olga):
    [task] = fetch(target_of(ran(olga, content="reboot"))).runs

    assert task.content


# --- The pages ---

FORM = {"language": "shell", "content": "reboot", "timeout": 60, "plan": "now"}


def test_the_form_asks_with_the_reasons_and_runs_with_the_answer(as_operator):
    words = {**FORM, "instance": InstanceFactory().pk}

    shown = as_operator.post("/console/run/", words)

    assert shown.status_code == 422
    assert "It stops or restarts the server" in shown.content.decode()
    assert not Invocation.objects.exists()
    digest = shown.context["question"].digest
    assert f'name="confirmed" value="{digest}"' in shown.content.decode()
    assert as_operator.post("/console/run/", {**words, "confirmed": digest}).status_code == 302
    assert Invocation.objects.exists()


@pytest.mark.parametrize("htmx", [True, False])
def test_run_again_asks_in_a_panel(as_operator, olga, htmx):
    address = f"/console/invocations/{ran(olga, content='reboot').pk}/again/"
    headers = {"HX-Request": "true"} if htmx else {}

    shown = as_operator.post(address, headers=headers)

    assert shown.status_code == 422
    assert "It stops or restarts the server" in shown.content.decode()
    assert shown.headers["HX-Retarget"] == "#panel"
    as_operator.post(address, {"confirmed": shown.context["question"].digest})
    assert Invocation.objects.count() == 2


def test_the_guard_is_set_in_the_admin_site_and_remembered(as_operator):
    form = as_operator.get("/admin/invocations/guard/add/").content.decode()
    assert "stops or restarts the server" in form
    bad = as_operator.post(
        "/admin/invocations/guard/add/", {"percent": 10, "least": 1, "patterns": "x: (a+)+b"}
    )
    assert "too many ways" in bad.content.decode()

    as_operator.post("/admin/invocations/guard/add/", {"percent": 10, "least": 1, "patterns": "says a: a"})

    guard = Guard.objects.get()
    assert (guard.percent, guard.least, guard.patterns) == (10, 1, "says a: a")
    entry = AuditEntry.objects.get(action="ecs:ModifyRunGuard")
    assert entry.facts == {"percent": 10, "least": 1, "asks_programs": False, "patterns": ["says a: a"]}
    assert as_operator.get("/admin/invocations/guard/add/").status_code == 403
    as_operator.post(f"/admin/invocations/guard/{guard.pk}/delete/", {"post": "yes"})
    assert AuditEntry.objects.filter(action="ecs:DeleteRunGuard").exists()


def test_the_command_line_names_the_digest_and_takes_it(operator, capsys):
    words = ["--instance", InstanceFactory().pk, "--content", "reboot", "--as", "olga"]
    with pytest.raises(SystemExit):
        call_command("run_command", *words)
    digest = re.search(r"confirm it with ([0-9a-f]{32})", capsys.readouterr().err)[1]

    call_command("run_command", *words, "--confirm", digest)

    assert Invocation.objects.exists()

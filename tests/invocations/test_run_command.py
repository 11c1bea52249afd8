import pytest

from access.models import AuditEntry
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations import errors
from assistant.invocations.models import Invocation
from assistant.invocations.operations.runs import run_again_on_failed, run_command
from console.kit.errors import InvalidParameter, NotAllowed
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db


def test_a_run_waits_for_connected_agents_and_rings_them(olga, bell, django_capture_on_commit_callbacks):
    instance = InstanceFactory()

    with django_capture_on_commit_callbacks(execute=True):
        invocation = ran(olga, instance)

    assert invocation.status == "Pending"
    assert invocation.counts["Pending"] == invocation.n_total == 1
    assert bell.kicks == {instance.pk: f"kick_vm task run {invocation.pk}"}


@pytest.mark.parametrize(
    ("trait", "code"), [("offline", "ClientNotOnline"), ("never_seen", "ClientNotRunning")]
)
def test_a_run_on_an_instance_that_is_away_fails_at_once(olga, trait, code):
    invocation = ran(olga, InstanceFactory(**{trait: True}))

    target = target_of(invocation)
    assert (target.status, target.error_code) == ("Aborted", code)
    assert invocation.status == "Failed"
    assert invocation.finished_at is not None


def test_an_instance_that_is_away_holds_nobody_up(olga):
    there, away = InstanceFactory(), InstanceFactory(offline=True)

    invocation = ran(olga, there, away)

    assert invocation.status == "Pending"
    assert (invocation.n_pending, invocation.n_aborted) == (1, 1)


def test_a_run_names_the_account_it_runs_as(olga):
    own, named = ran(olga), ran(olga, username="backup")

    assert target_of(own).username == "root"
    assert target_of(named).username == "backup"


@pytest.mark.parametrize("username", ["", "deploy"])
def test_an_agent_without_roots_rights_runs_as_its_own_account(olga, username):
    invocation = ran(olga, InstanceFactory(unprivileged=True), username=username)

    assert target_of(invocation).username == "deploy"


@pytest.mark.parametrize("username", ["root", "backup"])
def test_an_agent_without_roots_rights_refuses_other_accounts_at_the_door(olga, username):
    with pytest.raises(errors.RunAsRefused, match="deploy only"):
        ran(olga, InstanceFactory(unprivileged=True), username=username)

    assert not Invocation.objects.exists()


@pytest.mark.parametrize(
    ("script", "code", "field"),
    [
        ({"content": ""}, "MissingParam.CommandContent", "content"),
        ({"content": " \n"}, "MissingParam.CommandContent", "content"),
        ({"content": "echo \x00"}, "InvalidParameter", "content"),
        ({"content": "x" * 12289}, "CmdContent.ExceedLimit", "content"),
        ({"content": "é" * 6145}, "CmdContent.ExceedLimit", "content"),
        ({"type": "RunRubyScript"}, "InvalidCmdType.NotFound", "type"),
        ({"timeout": 86401}, "InvalidParameter", "timeout"),
        ({"working_dir": "/" + "d" * 200}, "InvalidParameter", "working_dir"),
        ({"name": "n" * 129}, "InvalidParameter", "name"),
        ({"description": "d" * 513}, "InvalidParameter", "description"),
        ({"name": "two\nlines"}, "InvalidParameterCharacter", "name"),
        ({"type": "RunBatScript"}, "InvalidInstance.CommandNotApplicable", "type"),
        ({"username": "u" * 256}, "InvalidParameter", "username"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_and_changes_nothing(olga, script, code, field):
    with pytest.raises(InvalidParameter) as refusal:
        ran(olga, **{"content": "echo hi", **script})

    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert not Invocation.objects.exists()


@pytest.mark.parametrize("content", ["x" * 12288, "é" * 6144])
def test_the_largest_script_is_taken(olga, content):
    assert ran(olga, content=content).n_total == 1


@pytest.mark.parametrize(
    ("field", "longest"),
    [("name", "n" * 128), ("description", "d" * 512), ("working_dir", "/" + "d" * 199)],
)
def test_the_longest_words_are_taken(olga, field, longest):
    command = ran(olga, **{field: longest}).command

    assert getattr(command, field) == longest


@pytest.mark.parametrize(("asked", "given"), [(1, 10), (10, 10), (60, 60), (86400, 86400)])
def test_a_timeout_below_the_least_is_raised_to_it(olga, asked, given):
    assert ran(olga, timeout=asked).timeout == given


def test_types_are_spelled_without_regard_to_case(olga):
    invocation = ran(olga, InstanceFactory(windows=True), type="runpowershellscript")

    assert invocation.command.type == "RunPowerShellScript"


def test_linux_and_windows_are_not_mixed(olga):
    with pytest.raises(errors.TargetsMixed):
        ran(olga, InstanceFactory(), InstanceFactory(windows=True))


def test_a_run_needs_an_instance(olga):
    with pytest.raises(errors.TargetsMissing):
        run_command(olga, RegionFactory(), Script("echo hi"), targets=Instance.objects.none())


def test_a_run_stays_in_its_region(olga):
    here = InstanceFactory()
    there = InstanceFactory(region=RegionFactory(id="eu-office", name="Office", code="eu"))

    invocation = ran(olga, here, there)

    assert [target.instance_id for target in invocation.targets.all()] == [here.pk]


def test_a_reader_runs_nothing(rita):
    with pytest.raises(NotAllowed, match="rita may not run commands: ecs:RunCommand on acs:ecs:local:"):
        ran(rita)


def test_a_run_is_audited(olga):
    invocation = ran(olga)

    entry = AuditEntry.objects.get(action="ecs:RunCommand")
    assert (entry.principal, entry.door, entry.source_ip) == ("olga", "console", "192.0.2.7")
    assert entry.resource == invocation.pk


def test_running_again_on_the_failed_ones_leaves_the_others_alone(olga):
    good, bad = InstanceFactory(), InstanceFactory()
    invocation = ran(olga, good, bad, content="true")
    report(started(target_of(invocation, good)))
    report(started(target_of(invocation, bad)), exit_code=3)

    again = run_again_on_failed(olga, invocation)

    assert [target.instance_id for target in again.targets.all()] == [bad.pk]
    assert again.command.content == "true"


def test_many_targets_are_rung_by_a_task(olga, bell, django_capture_on_commit_callbacks):
    instances = InstanceFactory.create_batch(51)

    with django_capture_on_commit_callbacks(execute=True):
        invocation = ran(olga, *instances)

    assert bell.kicks == {instance.pk: f"kick_vm task run {invocation.pk}" for instance in instances}


def test_the_number_of_queries_does_not_grow_with_the_targets(olga, django_assert_max_num_queries):
    # Half of the region: the guard has nothing to ask.
    instances = InstanceFactory.create_batch(120)[::2]
    ran(olga, instances[0])

    # Two are the day's quota, two the end of the audit chain, which are read and moved, two the guard's.
    with django_assert_max_num_queries(17):
        ran(olga, *instances)

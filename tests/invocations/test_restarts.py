"""Run, then restart: the servers go down one after the other, and have to come back."""

import os
import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone

from access.models import AuditEntry, PolicyAttachment
from access.principals import SYSTEM
from assistant.commands.operations.scripts import Script
from assistant.instances.models import Instance
from assistant.invocations.errors import RestartRefused, RunAsRefused
from assistant.invocations.models import Invocation, Rollout, Target
from assistant.invocations.operations.rollouts import advance_all
from assistant.invocations.operations.runs import run_again, run_command
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.operations.sweeps import end_overdue
from assistant.invocations.rules.plans import Plan, PlanKind, Timing
from assistant.invocations.rules.restarts import RestartTerms, is_wanted, script_for
from assistant.invocations.rules.rollouts import Share
from assistant.invocations.rules.terms import Terms
from assistant.invocations.states import Status
from console.kit.errors import NotAllowed
from tests.conftest import attach, put_policy
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import fetch, fresh, report, started, target_of
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("status", "has_begun", "only_succeeded", "restarts"),
    [
        ("Success", True, True, True),
        ("Success", True, False, True),
        ("Failed", True, True, False),
        ("Failed", True, False, True),
        ("Timeout", True, False, True),
        ("Error", True, False, True),
        ("Error", False, False, False),
        ("Aborted", False, False, False),
        ("Cancelled", False, False, False),
        ("Terminated", True, False, False),
    ],
)
def test_where_a_restart_follows(status, has_begun, only_succeeded, restarts):
    assert is_wanted(Status(status), has_begun=has_begun, only_succeeded=only_succeeded) is restarts


@pytest.mark.parametrize(("force", "words"), [(False, "shutdown -r now"), (True, "reboot -f")])
def test_the_script_answers_first_and_restarts_a_moment_later(tmp_path, force, words):
    """Really run, with programs of ours in the places of those that restart."""
    log = tmp_path / "log"
    for name in ("systemctl", "systemd-run", "shutdown", "reboot", "sleep"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\necho "{name} $*" >>{log}\n' + ("exit 1\n" if name == "systemd-run" else "")
        )
        program.chmod(0o755)
    _kind, script = script_for("linux", force=force)
    script = script.replace("/run/systemd/system", "/nonexistent")

    ran = subprocess.run(["/bin/sh"], input=script, capture_output=True, text=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=True)  # fmt: skip

    assert ran.stdout == "Restarts in 5 seconds.\n"
    eventually(lambda: log.exists() and words in log.read_text())
    assert log.read_text().splitlines()[:2] == ["sleep 5", words]


def test_on_windows_it_is_one_command():
    _kind, script = script_for("windows", force=True)

    assert script.startswith("shutdown /r /f /t 5")


# --- Through the operations ---

pytestmark = pytest.mark.django_db


def restarting(principal, *instances, plan=None, **terms):
    terms = RestartTerms(**{"at_a_time": Share(1), **terms})
    timing = Timing(plan or Plan(PlanKind.NOW), terms=Terms(restart=terms))
    targets = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    first = run_command(principal, instances[0].region, Script("true"), targets=targets, timing=timing)
    return first, first.followers.get()


def sweep(**later):
    now = timezone.now() + timedelta(**later)
    end_overdue(SYSTEM, now=now)
    advance_all(SYSTEM, now=now)


def end_all(invocation, *codes):
    for target, code in zip(invocation.targets.order_by("pk"), codes, strict=True):
        report(started(target), exit_code=code)


def states(invocation):
    rows = Target.objects.filter(invocation=invocation).order_by("pk").values_list("status", "is_held")
    return "".join("h" if held and status == "Pending" else status[0] for status, held in rows)


def restarted(target, *, cold=True, answers=True):
    fetch(target)
    if answers:
        report(target, "running", started_at=timezone.now())
        report(target, body=b"Restarts in 5 seconds.\n")
    fetch(target, is_startup=True, cold_start=cold)
    return fresh(target)


def test_nothing_restarts_while_the_command_runs_somewhere(olga):
    first, restart = restarting(olga, *InstanceFactory.create_batch(2))
    report(started(first.targets.order_by("pk")[0]))

    sweep()

    assert states(restart) == "hh"
    assert Rollout.objects.get().state == "Following"


def test_one_after_the_other_each_succeeds_when_it_is_back(olga):
    first, restart = restarting(olga, *InstanceFactory.create_batch(2))
    end_all(first, 0, 0)
    sweep()
    sweep()
    assert states(restart) == "Ph"
    one, other = restart.targets.order_by("pk")

    fetch(one)
    report(one, "running", started_at=timezone.now())
    report(one, body=b"Restarts in 5 seconds.\n")
    sweep()
    assert states(restart) == "Rh", "its script has ended, and it is not back"

    assert not fetch(one, is_startup=True, cold_start=True).runs
    sweep()
    assert states(restart) == "SP"
    assert restarted(other).status == "Success"
    assert fresh(restart).status == "Success"


def test_no_further_server_restarts_for_who_may_restart_it_no_longer(somebody):
    run = {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": "*"}
    paul = somebody("paul", run, {**run, "Action": "ecs:RebootInstance"})
    first, restart = restarting(paul.principal, *InstanceFactory.create_batch(2))
    end_all(first, 0, 0)
    sweep()
    sweep()
    assert states(restart) == "Ph"
    PolicyAttachment.objects.all().delete()
    attach(paul.user, put_policy("runs", run).name)

    restarted(restart.targets.order_by("pk")[0])
    sweep()

    assert states(restart) == "SC"


@pytest.mark.parametrize("answers", [True, False])
def test_a_server_that_is_gone_before_it_could_answer_is_not_restarted_twice(olga, answers):
    first, restart = restarting(olga, InstanceFactory())
    end_all(first, 0)
    sweep()

    target = restarted(target_of(restart), answers=answers)

    assert (target.status, target.exit_code) == ("Success", 0)
    assert not fetch(target, is_startup=True, cold_start=True).runs


def test_an_agent_that_comes_back_without_its_system_has_not_restarted(olga):
    first, restart = restarting(olga, InstanceFactory())
    end_all(first, 0)
    sweep()

    target = restarted(target_of(restart), cold=False)

    assert target.status == "Running"


def test_who_does_not_come_back_is_an_error_and_keeps_the_others_up(olga):
    first, restart = restarting(olga, *InstanceFactory.create_batch(3))
    end_all(first, 0, 0, 0)
    sweep()
    one = restart.targets.order_by("pk")[0]
    fetch(one)
    report(one, "running", started_at=timezone.now())
    report(one)

    sweep(minutes=9)
    assert states(restart) == "Rhh"
    sweep(minutes=11)

    assert (fresh(one).status, one.error_code) == ("Timeout", "RestartNotSeen")
    assert states(restart) == "TCC"
    assert fresh(restart).is_final


def test_a_server_that_went_down_under_the_script_is_still_waited_for(olga):
    first, restart = restarting(olga, InstanceFactory())
    end_all(first, 0)
    sweep()
    target = started(target_of(restart))

    report(target, "error", error_code="4")
    assert target.status == "Running"
    fetch(target, is_startup=True, cold_start=True)

    assert fresh(target).status == "Success"


def test_a_script_that_fails_is_a_failure(olga):
    first, restart = restarting(olga, InstanceFactory())
    end_all(first, 0)
    sweep()

    target = started(target_of(restart))
    report(target, exit_code=1)

    assert target.status == "Failed"


@pytest.mark.parametrize(("only_succeeded", "after"), [(True, "CP"), (False, "PP")])
def test_where_the_command_failed_it_restarts_only_if_that_was_said(olga, only_succeeded, after):
    first, restart = restarting(
        olga, *InstanceFactory.create_batch(2), only_succeeded=only_succeeded, at_a_time=Share(2)
    )
    end_all(first, 1, 0)

    sweep()

    assert states(restart) == after
    assert restart.targets.filter(error_code="RestartNotDue").exists() is only_succeeded


def test_a_run_that_was_stopped_is_followed_by_nothing(olga):
    first, restart = restarting(olga, *InstanceFactory.create_batch(2), only_succeeded=False)
    stop_invocation(olga, first)

    sweep()

    assert states(restart) == "CC"
    assert fresh(restart).is_final


def test_the_restart_alone_can_be_stopped(olga):
    first, restart = restarting(olga, *InstanceFactory.create_batch(2))
    stop_invocation(olga, restart)
    end_all(first, 0, 0)

    sweep()

    assert fresh(first).status == "Success"
    assert states(restart) == "CC"


def test_a_restart_whose_run_is_forgotten_is_called_off(olga):
    first, restart = restarting(olga, InstanceFactory())
    Target.objects.filter(invocation=first).delete()
    first.delete()

    sweep()

    assert states(restart) == "C"


def test_a_restart_is_not_run_again_by_itself(olga):
    _first, restart = restarting(olga, InstanceFactory())

    with pytest.raises(RestartRefused):
        run_again(olga, restart)


def test_it_is_remembered_as_a_restart(olga):
    first, restart = restarting(olga, InstanceFactory(), force=True)

    entry = AuditEntry.objects.get(action="ecs:RebootInstance")
    assert entry.resource == restart.pk
    assert (entry.facts["follows"], entry.facts["force"], entry.facts["targets"]) == (first.pk, True, 1)


def test_who_may_run_and_not_restart_runs_nothing(olga, somebody):
    paul = somebody(
        "paul", {"Effect": "Allow", "Action": ["ecs:RunCommand", "ecs:Describe*"], "Resource": "*"}
    )

    with pytest.raises(NotAllowed, match="RebootInstance"):
        restarting(paul.principal, InstanceFactory())

    assert not Invocation.objects.exists()


@pytest.mark.parametrize(
    ("error", "instance", "wrong"),
    [
        (RestartRefused, {}, {"plan": Plan(PlanKind.EVERY_START)}),
        (RunAsRefused, {"is_privileged": False}, {}),
    ],
)
def test_what_cannot_be_restarted_is_refused(olga, error, instance, wrong):
    with pytest.raises(error):
        restarting(olga, InstanceFactory(**instance), **wrong)

    assert not Invocation.objects.exists()


def test_the_form_takes_it_and_both_pages_say_so(as_operator):
    words = {"language": "shell", "content": "true", "timeout": 60, "plan": "now"}
    words |= {"restart": "all", "restart_at_a_time": "25%", "restart_force": "on"}

    as_operator.post("/console/run/", {**words, "instance": InstanceFactory().pk})

    rollout = Rollout.objects.get()
    assert (rollout.at_a_time, rollout.only_succeeded) == ("25%", False)
    assert "--force" in rollout.invocation.command.content
    first = rollout.invocation.follows
    assert rollout.pk in as_operator.get(first.get_absolute_url()).content.decode()
    page = as_operator.get(rollout.invocation.get_absolute_url()).content.decode()
    assert first.pk in page
    assert "The servers restart when the run before has ended everywhere." in page

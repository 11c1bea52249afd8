"""How long results are kept, what goes when they are not, and what stays."""

import math
from datetime import timedelta
from zipfile import ZipFile

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from access.models import AuditEntry
from access.operations.quotas import quotas_in_use, set_quota
from access.principals import SYSTEM
from access.rules.quotas import RESULT_DAYS, RESULTS
from assistant.commands.models import Command
from assistant.exports import limits as export_limits
from assistant.exports.models import Export
from assistant.exports.operations.exports import create_export
from assistant.exports.operations.writing import write_step
from assistant.exports.states import Format, Status
from assistant.invocations import limits, tasks
from assistant.invocations.models import IndexedOutput, Invocation, OutputChunk, Record, Target
from assistant.invocations.operations import retention
from assistant.invocations.operations.indexing import candidates
from assistant.invocations.operations.pacing import Pace
from assistant.invocations.operations.retention import purge_results, purge_steps, what_would_go
from assistant.invocations.operations.searching import LAST_KEY
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import planned, ran, ran_at, report, started, target_of
from tests.invocations.test_search_output import read_all, said

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def aged(invocation, days):
    """The run as it would be had it happened so many days ago."""
    earlier = timezone.now() - timedelta(days=days)
    Invocation.objects.filter(pk=invocation.pk).update(created_at=earlier, finished_at=earlier)
    Target.objects.filter(invocation=invocation).update(created_at=earlier, finished_at=earlier)
    Command.objects.filter(pk=invocation.command_id).update(created_at=earlier)
    return invocation


def old_run(olga, days=15, body="an old needle", **how):
    return aged(said(olga, body, **how).invocation, days)


def purge(rows=50):
    return purge_results(SYSTEM, now=timezone.now(), pace=Pace(rows, most=rows), until=math.inf)


def left():
    models = (Invocation, Target, OutputChunk, IndexedOutput, Record)
    return [model.objects.count() for model in models]


def everything():
    models = (Invocation, Target, OutputChunk, IndexedOutput, Record, Command, Export)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_what_is_older_than_its_days_goes_with_all_that_belongs_to_it(olga):
    old, young = old_run(olga), old_run(olga, days=13, body="a young needle")
    read_all()

    purged = purge()

    assert list(Invocation.objects.all()) == [young]
    assert left() == [1, 1, 1, 1, 0]
    assert not Command.objects.filter(pk=old.command_id).exists()
    assert Command.objects.filter(pk=young.command_id).exists()
    assert len(candidates(["needle"], within=(1, LAST_KEY), most=9)) == 1
    assert (purged.runs, purged.results, purged.commands, purged.is_done) == (1, 1, 1, True)


def test_two_weeks_and_100_000_results_are_kept_where_nobody_says_otherwise():
    assert (RESULT_DAYS.default, RESULTS.default) == (14, 100_000)


def test_the_days_are_those_of_the_quota(olga):
    old = old_run(olga, days=3)

    assert purge().runs == 0
    set_quota(olga, RESULT_DAYS, old.region_id, 2)
    assert purge().runs == 1


def test_without_a_limit_nothing_goes(olga):
    set_quota(olga, RESULT_DAYS, "", 0)
    set_quota(olga, RESULTS, "", 0)
    old_run(olga, days=5000)

    assert purge().results == 0
    assert left() == [1, 1, 1, 0, 0]


def test_of_too_many_results_the_oldest_go_run_by_run(olga):
    runs = [ran(olga, *InstanceFactory.create_batch(2)) for _number in range(3)]
    for target in Target.objects.all():
        report(started(target))
    for run, days in zip(runs, (3, 1, 2), strict=True):
        aged(run, days)
    set_quota(olga, RESULTS, "", 3)

    purge()

    assert list(Invocation.objects.all()) == [runs[1]]


def test_open_runs_stay_whatever_their_age(olga):
    invocation = ran(olga)
    target = started(target_of(invocation))
    report(target, "running", body=b"needle")
    long_ago = timezone.now() - 99 * DAY
    Invocation.objects.update(created_at=long_ago)
    Target.objects.update(created_at=long_ago, started_at=long_ago)
    set_quota(olga, RESULTS, "", 1)
    before = everything()

    purge()

    assert everything() == before


def test_saved_commands_stay_and_deleted_ones_that_nothing_shows_go(olga):
    kept, deleted, shown = saved(olga), saved(olga, name="b"), old_run(olga, days=1).command
    Command.objects.update(created_at=timezone.now() - DAY)
    Command.objects.filter(pk=deleted.pk).update(kept=False)

    purge()

    assert set(Command.objects.all()) == {kept, shown}


def test_a_script_whose_run_is_about_to_begin_stays(olga):
    Command.objects.filter(pk=saved(olga).pk).update(kept=False)

    purge()

    assert Command.objects.count() == 1


# --- Plans that live on ---


def plan(olga, *, records, per_day=1):
    """A plan that has run once a day until now, with output, and goes on."""
    target = target_of(ran(olga, content="date"))
    now = timezone.now()
    for number in range(1, records + 1):
        at = now - (records - number) * DAY / per_day
        moments = {"created_at": at, "fired_at": at, "started_at": at, "finished_at": at}
        facts = {"status": "Success", "exit_code": 0, "stored_bytes": 6, **moments}
        Record.objects.create(target=target, invocation=target.invocation, number=number, **facts)
        OutputChunk.objects.create(target=target, number=number, offset=0, body=b"needle")
    Target.objects.filter(pk=target.pk).update(repeats=records, status="Scheduled")
    target.refresh_from_db()
    return target


def numbers_of(target):
    return list(Record.objects.filter(target=target).values_list("number", flat=True))


def test_a_plan_that_lives_on_loses_its_old_records_alone(olga):
    target = plan(olga, records=20)

    purged = purge(rows=2)

    assert numbers_of(target) == list(range(7, 21))
    assert sorted(OutputChunk.objects.values_list("number", flat=True)) == list(range(7, 21))
    assert Target.objects.get() == target
    assert purged.results == 6


def test_a_link_to_a_record_that_is_gone_says_why(olga, as_operator):
    target = plan(olga, records=20)
    purge()

    for number, status in ((20, 200), (1, 404)):
        where = [target.invocation_id, target.instance_id, number]
        response = as_operator.get(reverse("invocations:record_detail", args=where))

        assert response.status_code == status
    assert "kept for" in response.content.decode()


def test_the_last_record_stays_however_old_it_is(olga):
    target = plan(olga, records=2)
    Record.objects.update(finished_at=timezone.now() - 99 * DAY)

    purge()

    assert numbers_of(target) == [2]


def test_records_count_and_the_oldest_of_them_go_first(olga):
    target = plan(olga, records=10)
    run = old_run(olga, days=2)
    set_quota(olga, RESULTS, "", 9)

    purge()

    # Ten records, the plan's instance and the run are twelve: three too many.
    assert numbers_of(target) == list(range(4, 11))
    assert Invocation.objects.filter(pk=run.pk).exists()


def test_a_plan_that_is_over_goes_with_its_records(olga):
    target = plan(olga, records=5)
    Target.objects.filter(pk=target.pk).update(status="Success", finished_at=timezone.now())
    Invocation.objects.update(status="Success", finished_at=timezone.now() - 15 * DAY)

    purge(rows=2)

    assert left() == [0, 0, 0, 0, 0]


# --- Death, twice, and others ---


def test_a_purge_may_die_after_any_step_and_goes_on_from_there(olga):
    for number in range(3):
        run = ran(olga, *InstanceFactory.create_batch(3), content=f"echo {number}")
        for target in run.targets.all():
            report(started(target), body=b"needle")
        aged(run, 20 - number)
    kept = old_run(olga, days=1)
    read_all()
    steps = 0

    while Invocation.objects.count() > 1:
        next(purge_steps(SYSTEM, retention.Purged(), now=timezone.now(), pace=Pace(2, most=2)))
        steps += 1
        # What has no target left has no output either: no step leaves half of one thing.
        assert not OutputChunk.objects.exclude(target__in=Target.objects.all()).exists()
        assert Target.objects.count() == OutputChunk.objects.count() == IndexedOutput.objects.count()

    assert list(Invocation.objects.all()) == [kept]
    assert steps > 6


@pytest.mark.parametrize("line", ["forget_outputs", "delete_targets", "held", "drop_run"])
def test_a_step_that_dies_in_its_middle_has_done_nothing(line, olga, monkeypatch):
    old_run(olga)
    read_all()

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(retention, line, die)
        with pytest.raises(KeyboardInterrupt):
            purge()
    after_death = left()[1:4]
    purge()

    assert after_death in ([1, 1, 1], [1, 1, 0], [0, 0, 0])
    assert left() == [0, 0, 0, 0, 0]


def test_a_second_purge_finds_nothing(olga):
    old_run(olga)
    purge()
    before = everything()

    again = purge()

    assert (again.runs, again.results, again.commands) == (0, 0, 0)
    assert everything() == before


def test_a_purge_that_runs_out_of_time_says_so_and_the_next_does_the_rest(olga):
    old_run(olga)
    old_run(olga)

    first = purge_results(SYSTEM, now=timezone.now(), pace=Pace(50, most=50), until=-math.inf)

    assert not first.is_done
    assert Invocation.objects.exists()
    assert purge().is_done
    assert not Invocation.objects.exists()


def test_the_clocks_task_purges_until_nothing_is_left_to_do(olga, monkeypatch):
    monkeypatch.setattr(limits, "PURGE_FOR", 0.0)
    for _number in range(2):
        old_run(olga)

    # A task that is out of time lets another one go on.
    tasks.purge_results()

    assert left() == [0, 0, 0, 0, 0]


def test_the_audit_trail_stays(olga):
    old_run(olga)
    before = list(AuditEntry.objects.order_by("pk").values())

    purge()

    assert list(AuditEntry.objects.order_by("pk").values()) == before


# --- Exports ---


def test_a_run_that_is_being_exported_goes_when_the_file_is_written(olga, settings, tmp_path):
    settings.EXPORTS_DIR = tmp_path
    run = old_run(olga)
    export = create_export(olga, run, form=Format.CSV)

    purge()
    held = Invocation.objects.filter(pk=run.pk).exists()
    for _step in range(2):
        write_step(SYSTEM, export)
    export.refresh_from_db()
    finished = export.state
    purge()

    assert held
    assert finished is Status.FINISHED
    assert not Invocation.objects.exists()
    assert not Export.objects.exists()


@pytest.mark.parametrize("form", [Format.CSV, Format.ZIP])
def test_an_export_of_all_runs_of_a_plan_has_those_that_there_were(
    form, olga, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(export_limits, "BATCH", 1)
    settings.EXPORTS_DIR = tmp_path
    plan, first, hour = planned(olga, frequency="rate(1h)"), timezone.now() - DAY, timedelta(hours=1)
    Invocation.objects.update(created_at=first)
    target, old = target_of(plan), first - 15 * DAY
    for number in range(1, 4):
        ran_at(target, first + number * hour, body=b"needle")
    Record.objects.filter(number__lt=3).update(created_at=old, finished_at=old)
    export = create_export(olga, plan, form=form, history=True)
    write_step(SYSTEM, export)

    ran_at(target, first + 4 * hour, body=b"late")
    purge()
    for _step in range(3):
        write_step(SYSTEM, export)

    export.refresh_from_db()
    assert (export.state, export.n_done) == (Status.FINISHED, 3)
    if form is Format.CSV:
        assert "late" not in export.path.read_text()
    else:
        with ZipFile(export.path) as archive:
            assert len(archive.namelist()) == 4
            assert len(archive.read("index.csv").decode().splitlines()) == 4
    purge()
    assert [record.number for record in Record.objects.all()] == [3, 4]


def test_an_export_that_has_lost_results_is_broken_off(olga, settings, tmp_path):
    settings.EXPORTS_DIR = tmp_path
    run = ran(olga, *InstanceFactory.create_batch(2))
    for target in run.targets.all():
        report(started(target), body=b"needle")
    export = create_export(olga, run, form=Format.CSV)
    run.targets.order_by("pk").last().delete()

    for _step in range(2):
        write_step(SYSTEM, export)

    export.refresh_from_db()
    assert export.state is Status.FAILED
    assert export.reason == "Some of the results are no longer kept."


# --- What people see of it ---


def test_what_would_go_is_said_and_stays(olga, operator, capsys):
    old_run(olga)
    before = everything()

    call_command("purge_results", "--dry-run", "--as", "olga", "--json")
    said_before = capsys.readouterr().out
    call_command("purge_results", "--as", "olga")

    assert '"Runs": 1' in said_before
    assert before != everything()
    assert "Deleted: runs 1, results 1, unsaved scripts 1." in capsys.readouterr().out
    assert AuditEntry.objects.filter(action="ecs:PurgeResults", principal="olga").exists()


def test_only_an_administrator_orders_a_purge(reader, olga, capsys):
    old_run(olga)

    with pytest.raises(SystemExit):
        call_command("purge_results", "--as", "rita")

    assert Invocation.objects.exists()
    assert "administrators" in capsys.readouterr().err


def test_what_would_go_is_what_goes(olga):
    for days in (20, 16, 1):
        old_run(olga, days=days)
    plan(olga, records=20)
    now = timezone.now()

    would = what_would_go(olga, now=now)
    purged = purge()

    assert (would.runs, would.results) == (purged.runs, purged.results) == (2, 8)


def test_the_quota_counts_instances_and_records(olga):
    plan(olga, records=4)
    run = old_run(olga)

    [quota] = [one for one in quotas_in_use(olga, run.region_id) if one.rule is RESULTS]

    assert (quota.used, quota.value, quota.tone) == (6, 100_000, "good")


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ({}, "Results are kept for 14 days. Of a region the newest 100,000 are kept."),
        ({"": 30}, "Results are kept for 30 days."),
        ({"local": 7}, "Results are kept for 7 to 14 days, depending on the region."),
    ],
)
def test_the_list_says_how_long_results_are_kept(days, sentence, olga, as_operator):
    ran(olga)
    for region_id, value in days.items():
        set_quota(olga, RESULT_DAYS, region_id, value)

    page = as_operator.get(reverse("invocations:invocation_list")).content.decode()

    assert sentence in page


def test_links_to_what_is_gone_say_why(olga, as_operator, settings, tmp_path):
    settings.EXPORTS_DIR = tmp_path
    run = old_run(olga)
    target = target_of(run)
    export = create_export(olga, run, form=Format.CSV)
    Export.objects.update(status="Failed", finished_at=timezone.now())
    addresses = [
        run.get_absolute_url(),
        reverse("invocations:target_detail", args=[run.pk, target.instance_id]),
        reverse("invocations:target_output", args=[run.pk, target.instance_id]),
        export.get_absolute_url(),
    ]
    purge()

    for address in addresses:
        response = as_operator.get(address)

        assert response.status_code == 404
        assert "kept for" in response.content.decode()

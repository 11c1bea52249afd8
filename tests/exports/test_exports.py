"""Exports: what is in the files, who gets them, and that they end when the permission does."""

import csv
import io
import json
import stat
from datetime import timedelta
from zipfile import ZipFile

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import AuditEntry, PolicyAttachment
from access.principals import SYSTEM
from assistant.exports import limits
from assistant.exports.errors import ExportNotReady, ExportsExhausted, ExportTooLarge
from assistant.exports.models import Export
from assistant.exports.operations.exports import delete_export, open_export
from assistant.exports.operations.writing import purge, take_up
from assistant.exports.rules.files import file_name
from assistant.exports.states import Format
from assistant.exports.tasks import sweep, write_export
from assistant.invocations.models import Target
from console.kit.errors import NotAllowed
from console.live import visible
from tests.exports.factories import answered, exported, fresh, written
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import planned, ran_at, target_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture(params=[1, 500], ids=["a step each", "one step"])
def _steps(request, monkeypatch):
    monkeypatch.setattr(limits, "BATCH", request.param)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- What is in it ---


@pytest.mark.usefixtures("_steps")
def test_a_table_has_a_row_per_instance(olga):
    run = answered(olga, b"one\ntwo\n", b"\x1b[31mred\x1b[0m\n", name="web")

    export = written(exported(olga, run, "csv"))

    rows = rows_of(export.path.read_text())
    assert [row["Output"] for row in rows] == ["one\ntwo\n", "red\n"]
    assert {row["InvocationStatus"] for row in rows} == {"Success"}
    assert {row["InvokeRecordStatus"] for row in rows} == {"Finished"}
    assert rows[0]["InstanceId"] == run.targets.order_by("pk")[0].instance_id
    assert rows[0]["FinishedTime"].endswith("Z")


@pytest.mark.parametrize("body", [b"=1+1", b"+1", b"-1", b"@SUM(A1)", b"\tx", b"\rx"])
def test_no_cell_is_a_formula(olga, body):
    run = answered(olga, body, name="=HYPERLINK(1)")

    [row] = rows_of(written(exported(olga, run, "csv")).path.read_text())

    assert row["InstanceName"] == "'=HYPERLINK(1)"
    assert not row["Output"].startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.usefixtures("_steps")
def test_lines_of_json_hold_everything_as_it_was_written(olga):
    run = answered(olga, b"=1\n", b"\x1b[31mred\n")

    export = written(exported(olga, run, "jsonl"))

    documents = [json.loads(line) for line in export.path.read_text().splitlines()]
    assert [document["Output"] for document in documents] == ["=1\n", "\x1b[31mred\n"]
    assert documents[0]["ExitCode"] == 0


@pytest.mark.usefixtures("_steps")
def test_an_archive_has_a_file_per_instance_and_a_list(olga):
    run = answered(olga, b"one\xff", b"two\n", name="../web 1")

    export = written(exported(olga, run, "zip"))

    with ZipFile(export.path) as archive:
        assert archive.testzip() is None
        rows = rows_of(archive.read("index.csv").decode())
        assert [archive.read(row["File"]) for row in rows] == [b"one\xff", b"two\n"]
        assert sorted(archive.namelist()) == sorted(["index.csv", *(row["File"] for row in rows)])


@pytest.mark.usefixtures("_steps")
@pytest.mark.parametrize("form", ["csv", "jsonl", "zip"])
def test_of_a_plan_every_run_is_a_row_if_that_is_asked_for(form, olga):
    plan = planned(olga, InstanceFactory(name="web"), frequency="rate(1h)")
    target = target_of(plan)
    for number, body in enumerate([b"one\n", b"two\n"], 1):
        ran_at(target, plan.created_at + number * timedelta(hours=1), body=body)

    whole = written(exported(olga, plan, form, history=True))
    last = written(exported(olga, plan, form))

    said = [(outputs_in(export), export.n_done) for export in (whole, last)]
    assert said == [(["one\n", "two\n"], 2), (["two\n"], 1)]


def outputs_in(export):
    match Format(export.form):
        case Format.CSV:
            rows = rows_of(export.path.read_text())
            assert [row.get("Repeats") for row in rows] in (["1", "2"], [None])
            return [row["Output"] for row in rows]
        case Format.LINES:
            return [json.loads(line)["Output"] for line in export.path.read_text().splitlines()]
    with ZipFile(export.path) as archive:
        rows = rows_of(archive.read("index.csv").decode())
        return [archive.read(row["File"]).decode() for row in rows]


def test_all_runs_of_what_ran_once_are_the_one(olga):
    export = written(exported(olga, answered(olga, b"one\n"), history=True))

    assert (export.has_history, export.n_done) == (False, 1)


def test_the_panel_asks_which_runs_of_a_plan_alone(olga, as_operator):
    plan, run = planned(olga, frequency="rate(1h)"), answered(olga, b"one\n")

    of_plan = as_operator.get(reverse("exports:export_create", args=[plan.pk])).content.decode()
    of_run = as_operator.get(reverse("exports:export_create", args=[run.pk])).content.decode()

    assert "All runs of the plan" in of_plan
    assert "All runs of the plan" not in of_run


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("web-1", "results/web-1_mi-1.txt"),
        ("../../etc/passwd", "results/etc_passwd_mi-1.txt"),
        ("数据库", "results/数据库_mi-1.txt"),
        ("a/b\\c:d", "results/a_b_c_d_mi-1.txt"),
        ("..", "results/mi-1.txt"),
        ("", "results/mi-1.txt"),
    ],
)
def test_file_names_lead_nowhere_else(name, file):
    assert file_name("mi-1", name) == file


def test_the_file_is_its_owners_alone(olga, folder):
    export = written(exported(olga, answered(olga, b"x")))

    assert stat.S_IMODE(export.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# --- Steps that die ---


def test_a_step_that_died_in_the_middle_begins_again(olga, monkeypatch):
    monkeypatch.setattr(limits, "BATCH", 1)
    export = exported(olga, answered(olga, b"one", b"two"), "jsonl")
    write_export(export.pk)
    with export.draft.open("ab") as draft:
        draft.write(b'{"half')

    written(export)

    assert [json.loads(line)["Output"] for line in export.path.read_text().splitlines()] == ["one", "two"]


def test_what_is_left_lying_is_taken_up_and_in_the_end_broken_off(olga, django_capture_on_commit_callbacks):
    export = exported(olga, answered(olga, b"one"))
    later = timezone.now()
    for _attempt in range(limits.ATTEMPTS):
        later += limits.STALE_AFTER
        with django_capture_on_commit_callbacks() as callbacks:
            take_up(SYSTEM, now=later)
        assert callbacks
    take_up(SYSTEM, now=later + limits.STALE_AFTER)

    assert (fresh(export).status, export.reason) == ("Failed", "The file could not be written.")


def test_the_worker_goes_on_by_itself(olga, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(limits, "BATCH", 1)
    with django_capture_on_commit_callbacks(execute=True):
        export = exported(olga, answered(olga, b"one", b"two", b"three"))

    assert fresh(export).status == "Finished"
    assert export.n_done == 3


def test_large_outputs_make_small_steps(olga, monkeypatch):
    monkeypatch.setattr(limits, "BATCH_BYTES", 5)
    export = exported(olga, answered(olga, b"12345678", b"1234", b"1", b"1"))

    write_export(export.pk)
    assert fresh(export).n_done == 1

    write_export(export.pk)
    assert fresh(export).n_done == 3


# --- Permission ---

READ = {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}


def test_it_ends_when_the_permission_is_withdrawn(olga, somebody, monkeypatch):
    monkeypatch.setattr(limits, "BATCH", 1)
    paul = somebody("paul", READ)
    export = exported(paul.principal, answered(olga, b"one", b"two"))
    write_export(export.pk)
    assert fresh(export).n_done == 1

    PolicyAttachment.objects.filter(user=paul.user).delete()
    write_export(export.pk)

    assert (fresh(export).status, export.n_done) == ("Failed", 1)
    assert "withdrawn" in export.reason
    assert not export.draft.exists()
    assert not export.path.exists()
    assert AuditEntry.objects.order_by("-pk")[0].facts["broken_off"] == export.reason


def test_it_ends_when_the_user_is_gone(olga, somebody):
    paul = somebody("paul", READ)
    export = exported(paul.principal, answered(olga, b"one"))
    paul.user.delete()

    write_export(export.pk)

    assert fresh(export).status == "Failed"


def test_who_may_not_read_one_of_the_results_exports_none(olga, somebody):
    run = answered(olga, b"one", b"two")
    hidden = run.targets.last().instance_id
    deny = READ | {"Effect": "Deny", "Resource": f"acs:ecs:*:*:instance/{hidden}"}
    deny |= {"Action": "ecs:DescribeInvocationResults"}
    paul = somebody("paul", READ, deny)

    with pytest.raises(NotAllowed):
        exported(paul.principal, run)

    # Another one's file is no way around it.
    export = written(exported(olga, run))
    with pytest.raises(NotAllowed):
        open_export(paul.principal, export)
    assert paul.client.post(reverse("exports:export_download", args=[export.pk])).status_code == 403
    with pytest.raises(NotAllowed):
        delete_export(paul.principal, export)


def test_a_file_is_not_handed_out_after_the_permission_is_gone(olga, somebody):
    paul = somebody("paul", READ)
    export = written(exported(paul.principal, answered(olga, b"one")))
    PolicyAttachment.objects.filter(user=paul.user).delete()

    response = paul.client.post(reverse("exports:export_download", args=[export.pk]))

    assert response.status_code == 403


# --- Limits and ends ---


def test_nobody_keeps_more_than_there_may_be(olga, monkeypatch):
    monkeypatch.setattr(limits, "KEPT_PER_USER", 1)
    run = answered(olga, b"one")
    exported(olga, run)

    with pytest.raises(ExportsExhausted):
        exported(olga, run)


def test_more_than_a_disk_should_bear_is_refused_before_anything_is_written(olga, monkeypatch):
    monkeypatch.setattr(limits, "OUTPUT_BYTES", 2)

    with pytest.raises(ExportTooLarge):
        exported(olga, answered(olga, b"one"))

    assert not Export.objects.exists()


def test_what_is_not_there_yet_is_not_handed_out(olga):
    with pytest.raises(ExportNotReady):
        open_export(olga, exported(olga, answered(olga, b"one")))


def test_after_a_day_row_and_file_are_gone(olga, folder):
    export = written(exported(olga, answered(olga, b"one")))
    stray = folder / "e-unknown.part"
    stray.touch()

    assert purge(SYSTEM, now=timezone.now() + limits.KEPT_FOR - timedelta(hours=1)) == 0
    assert export.path.exists()
    assert not stray.exists()

    assert purge(SYSTEM, now=timezone.now() + limits.KEPT_FOR) == 1
    assert not export.path.exists()


def test_the_sweep_does_both(olga):
    export = exported(olga, answered(olga, b"one"))
    Export.objects.filter(pk=export.pk).update(expires_at=timezone.now())

    sweep()

    assert not Export.objects.exists()


def test_one_that_is_deleted_while_it_is_written_leaves_nothing(olga, folder, monkeypatch):
    monkeypatch.setattr(limits, "BATCH", 1)
    export = exported(olga, answered(olga, b"one", b"two"))
    write_export(export.pk)

    delete_export(olga, export)
    write_export(export.pk)
    purge(SYSTEM, now=timezone.now())

    assert list(folder.iterdir()) == []


def test_everything_is_remembered(olga):
    export = written(exported(olga, answered(olga, b"one")))
    open_export(olga, export)
    delete_export(olga, export)

    actions = list(AuditEntry.objects.order_by("-pk").values_list("action", flat=True)[:3])
    assert actions == [
        "ecs:DeleteExport",
        "ecs:DownloadInvocationResults",
        "ecs:ExportInvocationResults",
    ]


# --- Pages ---


def test_a_file_is_asked_for_watched_and_downloaded(olga, as_operator, django_capture_on_commit_callbacks):
    run = answered(olga, b"one\n")
    with django_capture_on_commit_callbacks(execute=True):
        begun = as_operator.post(reverse("exports:export_create", args=[run.pk]), {"format": "jsonl"})

    page = as_operator.get(begun["Location"]).content.decode()
    export = Export.objects.get()
    file = as_operator.post(reverse("exports:export_download", args=[export.pk]))

    assert 'data-state="finished"' in page
    assert f'data-live="export-{export.pk}"' in page
    assert json.loads(b"".join(file.streaming_content))["Output"] == "one\n"
    assert f'filename="{run.pk}.jsonl"' in file["Content-Disposition"]


def test_the_page_says_how_far_it_is(olga, as_operator, monkeypatch):
    monkeypatch.setattr(limits, "BATCH", 1)
    export = exported(olga, answered(olga, b"one", b"two"))
    write_export(export.pk)

    page = as_operator.get(export.get_absolute_url()).content.decode()

    assert "1 of 2 results are written." in page


def test_ones_own_exports_are_listed(olga, somebody, as_operator):
    paul = somebody("paul", READ)
    run = answered(olga, b"one")
    mine, other = exported(olga, run), exported(paul.principal, run)

    page = as_operator.get(reverse("exports:export_list")).content.decode()

    assert mine.pk in page
    assert other.pk not in page


def test_a_step_asks_a_few_queries_however_many_results_it_writes(olga, django_assert_max_num_queries):
    export = exported(olga, answered(olga, *[b"x"] * 30))

    with django_assert_max_num_queries(16):
        write_export(export.pk)

    assert Target.objects.count() == fresh(export).n_done
    assert Format(export.form) is Format.CSV


def test_a_page_hears_of_exports_of_runs_that_may_be_seen(olga, somebody):
    export = exported(olga, answered(olga, b"one"))
    wanted = {f"export-{export.pk}", "exports"}

    assert set(visible(olga, wanted)) == wanted
    assert set(visible(somebody("paul").principal, wanted)) == set()

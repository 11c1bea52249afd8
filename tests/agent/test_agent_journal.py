import os
import threading
import time

import pytest

from agent.journal import ENDED, KEEP_DELIVERED_SECONDS, AlreadyKnown, Journal, Result, RunId

ONE = RunId("t-1")
RESULT = Result(ONE, "finish", {"taskId": "t-1", "exitCode": 0}, 3, b"\xff\n\x00rest")


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


def begin(journal, run_id=ONE):
    journal.begin(run_id, {"taskId": run_id.task_id, "start": 5}, quota_bytes=100)


def test_a_task_begins_only_once(journal, tmp_path):
    begin(journal)

    with pytest.raises(AlreadyKnown):
        begin(Journal(tmp_path))


def test_a_result_survives_as_it_was(journal, tmp_path):
    begin(journal)
    journal.finish(RESULT)

    later = Journal(tmp_path)

    assert [result.run_id for result in later.undelivered()] == [ONE]
    assert later.result(ONE) == RESULT
    assert later.interrupted() == []


def test_a_delivered_task_is_remembered_and_nothing_else_of_it(journal):
    begin(journal)
    journal.finish(RESULT)

    journal.mark_delivered(ONE)

    assert journal.knows(ONE)
    assert journal.undelivered() == []
    assert [(path.name, path.stat().st_size) for path in journal.folder(ONE).iterdir()] == [("delivered", 0)]


def test_a_task_without_result_was_interrupted(journal):
    begin(journal)
    journal.note_process(ONE, 77, 12345)

    (begun,) = journal.interrupted()

    assert begun[:4] == (ONE, {"taskId": "t-1", "start": 5}, 100, False)
    assert (begun.process, begun.process_started) == (77, 12345)


@pytest.mark.parametrize("task_id", ["..", ".", "a/b", "/etc/x", "ü", "a b", "t-1.iv2", "x" * 400])
def test_no_id_leaves_the_directory(journal, tmp_path, task_id):
    for run_id in (RunId(task_id), RunId(task_id, 3, 1_700_000_000_000)):
        begin(journal, run_id)

        assert journal.folder(run_id).parent == tmp_path
        assert journal.knows(run_id)


def test_damaged_entries_are_passed_over(journal, tmp_path):
    (tmp_path / "t.empty").mkdir()
    for name in ("task", "result"):
        (tmp_path / f"t.{name}").mkdir()
        (tmp_path / f"t.{name}" / name).write_bytes(b"{not json")

    assert (journal.undelivered(), journal.interrupted()) == ([], [])
    assert not journal.knows(RunId("empty"))


def test_only_old_delivered_tasks_are_purged(journal):
    for task_id in ("old", "new", "open"):
        begin(journal, RunId(task_id))
    for task_id in ("old", "new"):
        journal.mark_delivered(RunId(task_id))
    old = time.time() - KEEP_DELIVERED_SECONDS - 10
    os.utime(journal.folder(RunId("old")) / "delivered", (old, old))

    journal.purge()

    assert [journal.knows(RunId(task_id)) for task_id in ("old", "new", "open")] == [False, True, True]


def test_a_purge_minds_no_run_that_is_forgotten_meanwhile(journal):
    """The thread that delivers the runs of a schedule forgets them at any moment."""
    for number in range(50):
        journal.finish(RESULT._replace(run_id=RunId(f"t-{number}")))
        journal.mark_delivered(RunId(f"t-{number}"))

    def deliver():
        for moment in range(1, 200):
            journal.finish(RESULT._replace(run_id=RunId("t-plan", 1, moment)))
            journal.mark_delivered(RunId("t-plan", 1, moment))

    delivering = threading.Thread(target=deliver)
    delivering.start()
    while delivering.is_alive():
        journal.purge()

    delivering.join()
    assert journal.knows(RunId("t-0"))


RUNS = [
    RunId("t-1"),
    RunId("t-1", 1),
    RunId("t-1", 2),
    RunId("t-1", 1, 5000),
    RunId("t-1", 2, 5000),
    RunId("t-1", 1, 6000),
    RunId("t-1", 1, ENDED),
    RunId("1.t-1", 1, 5000),
]


def test_each_run_of_a_task_is_another(journal):
    for run_id in RUNS:
        begin(journal, run_id)

    assert sorted(begun.run_id.mark for begun in journal.interrupted()) == sorted(one.mark for one in RUNS)
    assert len({one.mark for one in RUNS}) == len(RUNS)


def test_nothing_stays_of_a_schedules_run_that_was_delivered(journal, tmp_path):
    run_id = RunId("t-1", 1, 5000)
    begin(journal, run_id)
    journal.finish(RESULT._replace(run_id=run_id))

    journal.mark_delivered(run_id)

    assert list(tmp_path.iterdir()) == []


def test_a_result_that_is_set_aside_keeps_itself_only(journal):
    run_id = RunId("t-1", 1, 5000)
    begin(journal, run_id)
    journal.note_process(run_id, 77, 12345)
    journal.finish(RESULT._replace(run_id=run_id))

    journal.set_aside(run_id)

    assert [path.name for path in journal.folder(run_id).iterdir()] == ["result"]
    assert journal.result(run_id).body == RESULT.body
    assert journal.interrupted() == []

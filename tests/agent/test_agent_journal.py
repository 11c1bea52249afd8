import os
import time

import pytest

from agent.journal import KEEP_DELIVERED_SECONDS, AlreadyKnown, Journal, Result

RESULT = Result("t-1", "finish", {"taskId": "t-1", "exitCode": 0}, 3, b"\xff\n\x00rest")


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


def begin(journal, task_id="t-1"):
    journal.begin(task_id, invoke_version=2, start_ms=5, quota_bytes=100)


def test_a_task_begins_only_once(journal, tmp_path):
    begin(journal)

    with pytest.raises(AlreadyKnown):
        begin(Journal(tmp_path))


def test_a_result_survives_as_it_was(journal, tmp_path):
    begin(journal)
    journal.finish(RESULT)

    later = Journal(tmp_path)

    assert [result.task_id for result in later.undelivered()] == ["t-1"]
    assert later.result("t-1") == RESULT
    assert later.interrupted() == []


def test_a_delivered_task_is_remembered_and_nothing_else_of_it(journal):
    begin(journal)
    journal.finish(RESULT)

    journal.mark_delivered("t-1")

    assert journal.knows("t-1")
    assert journal.undelivered() == []
    assert [(path.name, path.stat().st_size) for path in journal.folder("t-1").iterdir()] == [
        ("delivered", 0)
    ]


def test_a_task_without_result_was_interrupted(journal):
    begin(journal)
    journal.note_process("t-1", 77, 12345)

    (begun,) = journal.interrupted()

    assert begun[:4] == ("t-1", 2, 5, 100)
    assert (begun.process, begun.process_started) == (77, 12345)


@pytest.mark.parametrize("task_id", ["..", ".", "a/b", "/etc/x", "ü", "a b", "t-1.iv2", "x" * 400])
def test_no_id_leaves_the_directory(journal, tmp_path, task_id):
    begin(journal, task_id)

    assert journal.folder(task_id).parent == tmp_path
    assert journal.knows(task_id)


def test_damaged_entries_are_passed_over(journal, tmp_path):
    (tmp_path / "t.empty").mkdir()
    for name in ("task", "result"):
        (tmp_path / f"t.{name}").mkdir()
        (tmp_path / f"t.{name}" / name).write_bytes(b"{not json")

    assert (journal.undelivered(), journal.interrupted()) == ([], [])
    assert not journal.knows("empty")


def test_only_old_delivered_tasks_are_purged(journal):
    for task_id in ("old", "new", "open"):
        begin(journal, task_id)
    for task_id in ("old", "new"):
        journal.mark_delivered(task_id)
    old = time.time() - KEEP_DELIVERED_SECONDS - 10
    os.utime(journal.folder("old") / "delivered", (old, old))

    journal.purge()

    assert [journal.knows(task_id) for task_id in ("old", "new", "open")] == [False, True, True]

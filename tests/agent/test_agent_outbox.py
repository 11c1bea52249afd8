"""The outbox through its own interface: what is said, by which lane, and that one lane never stops the others."""

import threading
import time
from pathlib import Path

from agent import recovery
from agent.journal import Journal, Result, RunId
from agent.lane import START_EVENT_DELAY_SECONDS, Lane
from agent.outbox import Outbox
from agent.output import Output
from tests.waiting import eventually


class Server:
    """Takes every report."""

    def __init__(self):
        self.taken = []
        self.came = threading.Event()

    def post(self, report):
        self.taken.append(report.kind)
        self.came.set()
        return 200


def end(outbox, task_id):
    lane = outbox.lane(RunId(task_id))
    outbox.close(lane, Result(lane.run_id, "finish", {"taskId": task_id}, None, b""), keep=False)
    return lane


def test_a_hurry_that_comes_too_late_for_one_lane_does_not_stop_the_others(tmp_path):
    """The channel opened again just as a lane's report was acknowledged: the lane was gone when it was woken."""
    server = Server()
    outbox = Outbox(server.post, Journal(tmp_path))
    gone = end(outbox, "t-first")
    eventually(lambda: not outbox.is_under_way(RunId("t-first")))

    outbox.wake(gone)
    outbox.hurry()
    end(outbox, "t-second")

    eventually(lambda: server.taken == ["finish", "finish"])
    eventually(lambda: not outbox.is_under_way(RunId("t-second")))


def test_a_lane_that_was_discarded_says_nothing(tmp_path):
    server = Server()
    outbox = Outbox(server.post, Journal(tmp_path))
    lane = outbox.lane(RunId("t-first"))

    outbox.discard(lane)
    outbox.wake(lane)
    end(outbox, "t-second")

    eventually(lambda: not outbox.is_under_way(RunId("t-second")))
    assert server.taken == ["finish"]


def test_a_short_command_needs_no_start_event(tmp_path):
    lane = Lane(RunId("t-1"), Journal(tmp_path))
    began = time.monotonic()

    lane.open(Output(tmp_path / "output", 8), {}, interval=1, send_start=True, send_empty=False)

    assert lane.due_at() >= began + START_EVENT_DELAY_SECONDS
    lane.close(Result(lane.run_id, "finish", {}, None, b""), is_stored=False)
    assert (lane.due_at(), lane.compose().kind) == (0, "finish")


# --- Many runs of one task ---


class Away(Server):
    """Takes nothing until it is back."""

    def __init__(self):
        super().__init__()
        self.is_back = False
        self.tried = 0

    def post(self, report):
        self.tried += 1
        if not self.is_back:
            return 503
        self.taken.append((report.parameters["fire"], report.body))
        return 200


def run_once(outbox, journal, moment):
    """A run with output, as the runner reports it."""
    run_id = RunId("t-1", 1, moment)
    said = {"taskId": "t-1", "fire": moment}
    lane = outbox.lane(run_id)
    journal.begin(run_id, said, quota_bytes=100)
    output = Output(journal.folder(run_id) / "output", 100)
    lane.open(output, said, interval=1, send_start=False, send_empty=False)
    output.add(b"%d" % moment)
    outbox.close(lane, Result(run_id, "finish", said, 0, b"%d" % moment))


def test_the_results_of_a_task_wait_on_disk_and_arrive_in_order_each_once(tmp_path):
    server, journal = Away(), Journal(tmp_path)
    outbox = Outbox(server.post, journal)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for moment in range(1, 60):
        run_once(outbox, journal, moment)
    eventually(lambda: server.tried)
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 10
    waiting = [path.name for path in journal.folder(RunId("t-1", 1, 50)).iterdir()]

    server.is_back = True
    outbox.hurry()
    eventually(lambda: len(server.taken) == 59)

    assert server.taken == [(moment, b"%d" % moment) for moment in range(1, 60)]
    assert waiting == ["result"]
    eventually(lambda: list(tmp_path.iterdir()) == [])


def test_the_next_process_delivers_them_in_the_same_order(tmp_path):
    away, journal = Away(), Journal(tmp_path)
    outbox = Outbox(away.post, journal)
    for moment in (1, 2, 3):
        run_once(outbox, journal, moment)
    server = Away()
    server.is_back = True

    later = Outbox(server.post, Journal(tmp_path))
    recovery.recover(Journal(tmp_path), later)

    eventually(lambda: later.wait_until_settled(0.01))
    away.is_back = True
    assert [moment for moment, _ in server.taken] == [1, 2, 3]


def test_a_kept_result_that_cannot_be_read_holds_up_no_other(tmp_path):
    server, journal = Away(), Journal(tmp_path)
    outbox = Outbox(server.post, journal)
    for moment in (1, 2, 3):
        run_once(outbox, journal, moment)
    (journal.folder(RunId("t-1", 1, 2)) / "result").write_bytes(b"{")

    server.is_back = True
    outbox.hurry()

    eventually(lambda: [moment for moment, _ in server.taken] == [1, 3])

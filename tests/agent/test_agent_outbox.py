"""The outbox through its own interface: what is said, by which lane, and that one lane never stops the others."""

import threading

from agent.journal import Journal, Result
from agent.outbox import Outbox
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
    lane = outbox.lane(task_id)
    outbox.close(lane, Result(task_id, "finish", {"taskId": task_id}, None, b""), keep=False)
    return lane


def test_a_hurry_that_comes_too_late_for_one_lane_does_not_stop_the_others(tmp_path):
    """The channel opened again just as a lane's report was acknowledged: the lane was gone when it was woken."""
    server = Server()
    outbox = Outbox(server.post, Journal(tmp_path))
    gone = end(outbox, "t-first")
    eventually(lambda: outbox.existing("t-first") is None)

    outbox.wake(gone)
    outbox.hurry()
    end(outbox, "t-second")

    eventually(lambda: server.taken == ["finish", "finish"])
    eventually(lambda: outbox.existing("t-second") is None)


def test_a_lane_that_was_discarded_says_nothing(tmp_path):
    server = Server()
    outbox = Outbox(server.post, Journal(tmp_path))
    lane = outbox.lane("t-first")

    outbox.discard(lane)
    outbox.wake(lane)
    end(outbox, "t-second")

    eventually(lambda: outbox.existing("t-second") is None)
    assert server.taken == ["finish"]

"""What an earlier agent process has left behind, brought to its end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from agent import facts, log, process_tree, results
from agent.output import Output

if TYPE_CHECKING:
    from agent.journal import Begun, Journal
    from agent.lane import Lane
    from agent.outbox import Outbox


def recover(journal: Journal, outbox: Outbox) -> None:
    """Queue undelivered results and output, and end processes that nobody attends to any more.

    An interrupted command of a task that runs once gets no result from here: the server gives it one when
    it hears of the agent's new start. Of a schedule's run it may never have heard before.
    """
    for result in journal.undelivered():
        outbox.queue_kept(result.run_id)
    for begun in journal.interrupted():
        lane = outbox.lane(begun.run_id)
        if lane:
            log.warning("Task was interrupted by the end of the agent", task=begun.run_id.task_id)
            _end_left_over(begun)
            _reopen(journal, outbox, lane, begun)


def _reopen(journal: Journal, outbox: Outbox, lane: Lane, begun: Begun) -> None:
    output = Output.reopen(journal.folder(begun.run_id) / "output", begun.quota_bytes)
    if not (output.has_unsent_head or begun.needs_end):
        outbox.discard(lane)
        journal.mark_delivered(begun.run_id)
        return
    lane.reopen(output, begun.said)
    if begun.needs_end:
        outbox.close(lane, results.left_behind(begun, output))
    else:
        outbox.wake(lane)


def _end_left_over(begun: Begun) -> None:
    if begun.boot_id != facts.boot_id():
        return
    left = process_tree.left_over(begun.process, begun.process_started, begun.run_id.mark)
    if left:
        log.warning("Ending processes of an interrupted task", task=begun.run_id.task_id, count=len(left))
        process_tree.send(left, signal.SIGKILL)

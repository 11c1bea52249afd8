"""What an earlier agent process has left behind, brought to its end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from agent import facts, log, process_tree
from agent.output import Output

if TYPE_CHECKING:
    from agent.journal import Begun, Journal, Result
    from agent.lane import Lane
    from agent.outbox import Outbox


def recover(journal: Journal, outbox: Outbox) -> None:
    """Queue undelivered results and output, and end processes that nobody attends to any more.

    An interrupted command gets no result from here: the server gives it one when it hears of the
    agent's new start.
    """
    for result in journal.undelivered():
        lane = outbox.lane(result.task_id)
        if lane:
            _reopen_result(journal, lane, result)
            outbox.wake(lane)
    for begun in journal.interrupted():
        lane = outbox.lane(begun.task_id)
        if lane:
            _end_left_over(begun)
            _reopen_output(journal, outbox, lane, begun)


def _reopen_result(journal: Journal, lane: Lane, result: Result) -> None:
    log.info("Delivering a result of an earlier start", task=result.task_id, report=result.kind)
    if result.head_bytes:
        names = ("taskId", "invokeVersion", "start")
        parameters = {name: result.parameters[name] for name in names}
        spill = journal.folder(result.task_id) / "output"
        lane.reopen(Output.reopen(spill, 2 * result.head_bytes), parameters)
    lane.close(result, is_stored=True)


def _reopen_output(journal: Journal, outbox: Outbox, lane: Lane, begun: Begun) -> None:
    log.warning("Task was interrupted by the end of the agent", task=begun.task_id)
    output = Output.reopen(journal.folder(begun.task_id) / "output", begun.quota_bytes)
    if not output.has_unsent_head:
        outbox.discard(lane)
        journal.mark_delivered(begun.task_id)
        return
    lane.reopen(
        output,
        {"taskId": begun.task_id, "invokeVersion": begun.invoke_version, "start": begun.start_ms},
    )
    outbox.wake(lane)


def _end_left_over(begun: Begun) -> None:
    if begun.boot_id != facts.boot_id():
        return
    left = process_tree.left_over(begun.process, begun.process_started, begun.task_id)
    if left:
        log.warning("Ending processes of an interrupted task", task=begun.task_id, count=len(left))
        process_tree.send(left, signal.SIGKILL)

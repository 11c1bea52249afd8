"""The final reports and their parameters, spelled as the protocol wants them (agent-gateway 10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import failures
from agent.execution import FINISHED, INTERRUPTED, STOPPED
from agent.journal import Result
from agent.output import Output, Piece

if TYPE_CHECKING:
    from agent.errors import InvalidTask, StartFailed
    from agent.gateway import Parameters
    from agent.tasks import Task

NO_OUTPUT = Piece(0, b"")


def identity(task: Task) -> Parameters:
    return {"taskId": task.task_id, "invokeVersion": task.invoke_version}


def ended(task: Task, end: str, *, start_ms: int, end_ms: int, exit_code: int, output: Output) -> Result:
    """A command that ran: finished, timed out, stopped, or interrupted with its agent."""
    parameters = {**identity(task), "start": start_ms, "end": end_ms}
    if end == STOPPED:
        parameters.update(exitcode=0, dropped=output.dropped, result="killed")
    else:
        parameters.update(exitCode=exit_code if end == FINISHED else 1, dropped=output.dropped)
    if end == INTERRUPTED:
        parameters.update(_reason(failures.interrupted()))
    offset, body = output.remainder()
    return Result(task.task_id, end, parameters, offset, body, output.head_bytes if output.dropped else 0)


def failed(task: Task, failure: StartFailed) -> Result:
    """A command that never started."""
    parameters: Parameters = {
        **identity(task),
        "start": 0,
        "end": 0,
        "exitCode": 1,
        "dropped": 0,
        **_reason(failure),
    }
    return Result(task.task_id, "error", parameters, *NO_OUTPUT)


def never_ran(task: Task) -> Result:
    """A stop for a task that waits, or that nobody here knows."""
    parameters: Parameters = {
        **identity(task),
        "start": 0,
        "end": 0,
        "exitcode": 0,
        "dropped": 0,
        "result": "killed",
    }
    return Result(task.task_id, "stopped", parameters, *NO_OUTPUT)


def invalid(task: Task, problem: InvalidTask) -> Result:
    parameters = {**identity(task), "param": problem.parameter, "value": problem.value}
    return Result(task.task_id, "invalid", parameters, None, b"")


def verified(task: Task) -> Result:
    return Result(task.task_id, "verified", identity(task), None, b"")


def _reason(failure: StartFailed) -> Parameters:
    return {"errCode": failure.code, "errDesc": failure.description}

"""The final reports and their parameters, spelled as the protocol wants them (agent-gateway 10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import facts, failures
from agent.execution import FINISHED, INTERRUPTED, STOPPED
from agent.journal import ENDED, Result, RunId
from agent.output import Output, Piece

if TYPE_CHECKING:
    from agent.errors import InvalidTask, StartFailed
    from agent.gateway import Parameters
    from agent.journal import Begun
    from agent.tasks import Run, Task

NO_OUTPUT = Piece(0, b"")


def identity(run: Run, start_ms: int) -> Parameters:
    """What names a run in all its reports."""
    fire: Parameters = {} if run.fire_ms is None else {"fire": run.fire_ms}
    return {**_task(run.task), "start": start_ms, **fire}


def end_of(task: Task) -> RunId:
    """What the last word on a schedule is kept under."""
    return RunId(task.task_id, task.invoke_version, ENDED)


# --- Runs ---


def ended(run: Run, end: str, *, start_ms: int, end_ms: int, exit_code: int, output: Output) -> Result:
    """A command that ran: finished, timed out, stopped, or interrupted with its agent."""
    parameters = {**identity(run, start_ms), "end": end_ms}
    if end == STOPPED:
        parameters.update(exitcode=0, dropped=output.dropped, result="killed")
    else:
        parameters.update(exitCode=exit_code if end == FINISHED else 1, dropped=output.dropped)
    if end == INTERRUPTED:
        parameters.update(_reason(failures.interrupted()))
    offset, body = output.remainder()
    return Result(run.id, end, parameters, offset, body, output.head_bytes if output.dropped else 0)


def failed(run: Run, failure: StartFailed, at_ms: int) -> Result:
    """A command that never started; `at_ms` is when it was tried."""
    parameters = {
        **_tried(run, at_ms),
        "end": at_ms if run.is_one_of_many else 0,
        "exitCode": 1,
        "dropped": 0,
        **_reason(failure),
    }
    return Result(run.id, "error", parameters, *NO_OUTPUT)


def invalid(run: Run, problem: InvalidTask, at_ms: int) -> Result:
    said = _tried(run, at_ms) if run.is_one_of_many else _task(run.task)
    return Result(run.id, "invalid", {**said, **_problem(problem)}, None, b"")


def left_behind(begun: Begun, output: Output) -> Result:
    """A run whose agent ended without a word; nobody knows when the command did."""
    failure = failures.left_behind(by_restart=begun.boot_id != facts.boot_id())
    parameters = {**begun.said, "end": 0, "exitCode": 1, "dropped": 0, **_reason(failure)}
    return Result(begun.run_id, INTERRUPTED, parameters, output.total, b"", output.head_bytes)


def never_ran(run: Run) -> Result:
    """A stop for a run that waits, or that nobody here knows."""
    return Result(run.id, "stopped", _stopped(run.task, 0, 0, "killed"), *NO_OUTPUT)


def verified(task: Task, lane: RunId) -> Result:
    return Result(lane, "verified", _task(task), None, b"")


# --- Schedules ---


def schedule_invalid(task: Task, problem: InvalidTask) -> Result:
    return Result(end_of(task), "invalid", {**_task(task), **_problem(problem)}, None, b"")


def schedule_completed(task: Task) -> Result:
    """No moment is left at which it could run."""
    return Result(end_of(task), "stopped", _stopped(task, 0, 0, "completed"), *NO_OUTPUT)


def schedule_stopped(task: Task, *, last_start_ms: int = 0, last_end_ms: int = 0) -> Result:
    """Between two runs; the moments are those of the last one."""
    parameters = _stopped(task, last_start_ms, last_end_ms, "killed")
    return Result(end_of(task), "stopped", parameters, *NO_OUTPUT)


def _task(task: Task) -> Parameters:
    return {"taskId": task.task_id, "invokeVersion": task.invoke_version}


def _tried(run: Run, at_ms: int) -> Parameters:
    # A task that runs once has no start where its command has none.
    return identity(run, at_ms if run.is_one_of_many else 0)


def _stopped(task: Task, start_ms: int, end_ms: int, result: str) -> Parameters:
    # This report spells its exit code otherwise than the others.
    said: Parameters = {"start": start_ms, "end": end_ms, "exitcode": 0, "dropped": 0, "result": result}
    return {**_task(task), **said}


def _problem(problem: InvalidTask) -> Parameters:
    return {"param": problem.parameter, "value": problem.value}


def _reason(failure: StartFailed) -> Parameters:
    return {"errCode": failure.code, "errDesc": failure.description}

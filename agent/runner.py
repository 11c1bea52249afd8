"""Runs tasks: ten at a time, first come first served, each at most once."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from agent import checks, facts, failures, log, results
from agent.children import Child, Children, started_at
from agent.errors import InvalidTask, StartFailed
from agent.execution import INTERRUPTED, STOPPED, Execution
from agent.journal import AlreadyKnown, Journal
from agent.output import Output
from agent.script import Script, ScriptNotWritten

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.lane import Lane
    from agent.outbox import Outbox
    from agent.tasks import Task

MAX_RUNNING = 10


class Job:
    """A task on its way through the runner. A stop may come before there is anything to stop."""

    def __init__(self, task: Task, lane: Lane) -> None:
        self.task = task
        self.lane = lane
        self._execution: Execution | None = None
        self._wanted_end = ""
        self._lock = threading.Lock()

    @property
    def is_stopped(self) -> bool:
        return bool(self._wanted_end)

    def attach(self, execution: Execution) -> None:
        with self._lock:
            self._execution = execution
            if self._wanted_end:
                execution.stop(self._wanted_end)

    def stop(self, end: str) -> None:
        with self._lock:
            self._wanted_end = self._wanted_end or end
            if self._execution:
                self._execution.stop(end)


class Runner:
    """`keep_reading` gets the output of processes that outlive their command."""

    def __init__(
        self, journal: Journal, outbox: Outbox, children: Children, keep_reading: Callable[[int], None]
    ) -> None:
        self._journal = journal
        self._outbox = outbox
        self._children = children
        self._keep_reading = keep_reading
        self._queue: deque[Job] = deque()
        self._running: dict[str, Job] = {}
        self._is_closing = False
        self._lock = threading.Condition()

    def submit(self, task: Task) -> None:
        lane = self._outbox.lane(task.task_id)
        if lane is None:
            return
        log.info("Task received", task=task.task_id, type=task.kind, version=task.invoke_version)
        with self._lock:
            self._queue.append(Job(task, lane))
            self._start_next()

    def stop(self, task: Task) -> None:
        log.info("Stop received", task=task.task_id)
        with self._lock:
            job = self._running.get(task.task_id)
            waiting = next((job for job in self._queue if job.task.task_id == task.task_id), None)
            if waiting:
                self._queue.remove(waiting)
        if job:
            job.stop(STOPPED)
        elif waiting:
            self._outbox.close(waiting.lane, results.never_ran(task))
        else:
            self._answer_late_stop(task)

    def check(self, task: Task) -> None:
        """Only say whether the task could be run."""
        # Beside the task's own lane: the same task may be waiting for its run.
        lane = self._outbox.lane(f"{task.task_id} (test)")
        if lane is None:
            return
        try:
            checks.plan(task)
        except InvalidTask as problem:
            result = results.invalid(task, problem)
        except StartFailed as failure:
            result = results.failed(task, failure)
        else:
            result = results.verified(task)
        self._outbox.close(lane, result, keep=False)

    def shut_down(self, timeout: float) -> None:
        """Start nothing more, end what runs, and wait until that is done."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._is_closing = True
            self._queue.clear()
            running = list(self._running.values())
        for job in running:
            job.stop(INTERRUPTED)
        with self._lock:
            self._lock.wait_for(lambda: not self._running, max(0, deadline - time.monotonic()))

    def _start_next(self) -> None:
        if self._queue and len(self._running) < MAX_RUNNING and not self._is_closing:
            job = self._queue.popleft()
            self._running[job.task.task_id] = job
            threading.Thread(target=self._work, args=(job,), daemon=True).start()

    def _work(self, job: Job) -> None:
        try:
            self._run(job)
        except Exception as error:  # noqa: BLE001
            # Whatever went wrong in here, the server must not wait for this task for ever.
            log.defect("A task could not be carried out", error, task=job.task.task_id)
            self._outbox.close(job.lane, results.failed(job.task, failures.unforeseen(error)))
        finally:
            with self._lock:
                del self._running[job.task.task_id]
                self._start_next()
                self._lock.notify_all()

    def _run(self, job: Job) -> None:
        try:
            plan = checks.plan(job.task)
            self._execute(job, plan)
        except InvalidTask as problem:
            self._outbox.close(job.lane, results.invalid(job.task, problem))
        except StartFailed as failure:
            self._outbox.close(job.lane, results.failed(job.task, failure))
        except OSError as error:
            # The machine is short of something, such as descriptors or memory.
            shortage = failures.from_system("ExecuteScriptFailed", error)
            self._outbox.close(job.lane, results.failed(job.task, shortage))
        except AlreadyKnown:
            log.warning("Task was started before and is not started again", task=job.task.task_id)
            result = results.failed(job.task, failures.already_started())
            self._outbox.close(job.lane, result, keep=False)

    def _execute(self, job: Job, plan: checks.Plan) -> None:
        task, start_ms, began = job.task, facts.now_ms(), time.monotonic()
        self._begin(task, start_ms)
        output = Output(self._journal.folder(task.task_id) / "output", task.quota_bytes)
        self._open_lane(job, output, start_ms)
        script = _make_script(task, plan, self._journal)
        try:
            child = self._start(task, plan, script)
            end, exit_code = self._attend(job, child, output)
        finally:
            script.remove()
        elapsed_ms = int((time.monotonic() - began) * 1000)
        result = results.ended(
            task, end, start_ms=start_ms, end_ms=start_ms + elapsed_ms, exit_code=exit_code, output=output
        )
        self._outbox.close(job.lane, result)

    def _begin(self, task: Task, start_ms: int) -> None:
        try:
            self._journal.begin(
                task.task_id,
                invoke_version=task.invoke_version,
                start_ms=start_ms,
                quota_bytes=task.quota_bytes,
            )
        except OSError as error:
            raise failures.from_system("SaveScriptFileFailed", error) from error

    def _open_lane(self, job: Job, output: Output, start_ms: int) -> None:
        task = job.task
        job.lane.open(
            output,
            {**results.identity(task), "start": start_ms},
            interval=task.interval_seconds,
            send_start=task.send_start,
            send_empty=not task.skip_empty,
        )
        self._outbox.wake(job.lane)

    def _start(self, task: Task, plan: checks.Plan, script: Script) -> Child:
        try:
            return self._launch_somehow(task, plan, script)
        except ScriptNotWritten as error:
            raise failures.from_system("SaveScriptFileFailed", error.reason) from error
        except OSError as error:
            # The directory was there a moment ago; the system names it when it no longer is.
            if error.filename == plan.directory:
                raise InvalidTask("workingDirectory", f"WorkingDirectoryNotExist: {error}") from error
            raise failures.from_system("ExecuteScriptFailed", error) from error

    def _launch_somehow(self, task: Task, plan: checks.Plan, script: Script) -> Child:
        try:
            return self._launch(script.command, task, plan, script)
        except PermissionError:
            # Perhaps the file system forbids to execute files; their interpreter may still read them.
            return self._launch(script.spelled_out_command, task, plan, script)

    def _launch(self, command: list[str], task: Task, plan: checks.Plan, script: Script) -> Child:
        return self._children.start(
            command,
            account=plan.account,
            directory=plan.directory,
            task_id=task.task_id,
            write_script=script.write,
        )

    def _attend(self, job: Job, child: Child, output: Output) -> tuple[str, int]:
        task_id = job.task.task_id
        self._journal.note_process(task_id, child.pid, started_at(child.pid))

        def take(content: bytes) -> None:
            if output.add(content):
                self._outbox.wake(job.lane)

        execution = Execution(task_id, child, timeout_seconds=job.task.timeout_seconds, take=take)
        job.attach(execution)
        end = execution.wait()
        unfinished = execution.release()
        if unfinished is not None:
            self._keep_reading(unfinished)
        return end, execution.exit_code

    def _answer_late_stop(self, task: Task) -> None:
        existing = self._outbox.existing(task.task_id)
        if existing:
            existing.hurry()
            self._outbox.wake(existing)
            return
        lane = self._outbox.lane(task.task_id)
        if lane:
            is_new = not self._journal.knows(task.task_id)
            self._outbox.close(lane, results.never_ran(task), keep=is_new)


def _make_script(task: Task, plan: checks.Plan, journal: Journal) -> Script:
    try:
        return Script(plan, journal.folder(task.task_id), task.kind)
    except OSError as error:
        raise failures.from_system("SaveScriptFileFailed", error) from error

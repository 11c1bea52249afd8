"""Runs tasks: ten at a time, first come first served, each run at most once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from agent import checks, facts, failures, log, results
from agent.children import Child, Children, started_at
from agent.errors import InvalidTask, StartFailed
from agent.execution import INTERRUPTED, STOPPED, Execution
from agent.journal import AlreadyKnown, Journal, Result, RunId
from agent.output import Output
from agent.script import Script, ScriptNotWritten
from agent.tasks import EVERY_REBOOT, Run

if TYPE_CHECKING:
    from agent.lane import Lane
    from agent.outbox import Outbox
    from agent.tasks import Task

MAX_RUNNING = 10


class Over(NamedTuple):
    """What became of a run: the kind of its final report, and its moments."""

    run: Run
    report: str
    start_ms: int
    end_ms: int


OnOver = Callable[[Over], None]


class Job:
    """A run on its way through the runner. A stop may come before there is anything to stop."""

    def __init__(self, run: Run, lane: Lane, on_over: OnOver) -> None:
        self.run = run
        self.lane = lane
        self.on_over = on_over
        self.start_ms = self.end_ms = 0
        self.report = ""
        self.is_dropped = False
        self._execution: Execution | None = None
        self._wanted_end = ""
        self._lock = threading.Lock()

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
        self._running: dict[RunId, Job] = {}
        self._is_closing = False
        self._lock = threading.Condition()

    def submit(self, task: Task) -> None:
        """Run a task once; one that is under way already is left alone."""
        run = Run(task)
        if task.repeat == EVERY_REBOOT and self._journal.knows(run.id):
            # Its version is the number of the start: this start's run has been.
            return
        lane = self._outbox.lane(run.id)
        if lane is not None:
            log.info("Task received", task=task.task_id, type=task.kind, version=task.invoke_version)
            self._enqueue(Job(run, lane, _tell_nobody))

    def fire(self, task: Task, fire_ms: int, on_over: OnOver) -> bool:
        """Run a task because its moment has come; False when its last run is still queued or running."""
        if self.is_occupied(task.task_id):
            return False
        run = Run(task, fire_ms)
        lane = self._outbox.lane(run.id)
        if lane is None:
            return False
        log.info("Task fires", task=task.task_id, version=task.invoke_version, moment=fire_ms)
        self._enqueue(Job(run, lane, on_over))
        return True

    def is_occupied(self, task_id: str) -> bool:
        """Whether a scheduled run of the task is queued or running."""
        with self._lock:
            return bool(self._fired(task_id))

    def stop(self, task: Task) -> None:
        """Stop a task that runs once; scheduled ones of the same id go on (agent-gateway 11.1)."""
        log.info("Stop received", task=task.task_id)
        with self._lock:
            jobs = [job for job in self._jobs(task.task_id) if job.run.fire_ms is None]
            waiting = [job for job in jobs if self._unqueue(job)]
        for job in waiting:
            self._outbox.close(job.lane, results.never_ran(job.run))
        for job in jobs:
            if job not in waiting:
                job.stop(STOPPED)
        if not jobs:
            self._answer_late_stop(Run(task))

    def stop_fired(self, task_id: str) -> bool:
        """Stop a scheduled run; False when none runs. One that only waits is forgotten without a report."""
        with self._lock:
            jobs = self._fired(task_id)
            waiting = [job for job in jobs if self._unqueue(job)]
        for job in waiting:
            self._outbox.discard(job.lane)
        running = [job for job in jobs if job not in waiting]
        for job in running:
            job.stop(STOPPED)
        return bool(running)

    def drop_fired(self, task_id: str) -> None:
        """End a scheduled run without a report."""
        with self._lock:
            jobs = self._fired(task_id)
            for job in jobs:
                job.is_dropped = True
                self._unqueue(job)
        for job in jobs:
            self._outbox.discard(job.lane)
            job.stop(STOPPED)

    def check(self, task: Task) -> None:
        """Only say whether the task could be run."""
        # Beside the task's own lane: the same task may be waiting for its run.
        beside = RunId(f"{task.task_id} (test)")
        lane = self._outbox.lane(beside)
        if lane is None:
            return
        run = Run(task)
        try:
            checks.plan(task)
        except InvalidTask as problem:
            result = results.invalid(run, problem, 0)
        except StartFailed as failure:
            result = results.failed(run, failure, 0)
        else:
            result = results.verified(task, beside)
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

    def _enqueue(self, job: Job) -> None:
        with self._lock:
            self._queue.append(job)
            self._start_next()

    def _unqueue(self, job: Job) -> bool:
        if job not in self._queue:
            return False
        self._queue.remove(job)
        return True

    def _jobs(self, task_id: str) -> list[Job]:
        return [job for job in (*self._running.values(), *self._queue) if job.run.task.task_id == task_id]

    def _fired(self, task_id: str) -> list[Job]:
        return [job for job in self._jobs(task_id) if job.run.fire_ms is not None and not job.is_dropped]

    def _start_next(self) -> None:
        if self._queue and len(self._running) < MAX_RUNNING and not self._is_closing:
            job = self._queue.popleft()
            self._running[job.run.id] = job
            threading.Thread(target=self._work, args=(job,), daemon=True).start()

    def _work(self, job: Job) -> None:
        job.start_ms = facts.now_ms()
        try:
            self._run(job)
        except Exception as error:  # noqa: BLE001
            # Whatever went wrong in here, the server must not wait for this run for ever.
            log.defect("A task could not be carried out", error, task=job.run.task.task_id)
            self._close(job, results.failed(job.run, failures.unforeseen(error), job.start_ms))
        finally:
            with self._lock:
                del self._running[job.run.id]
                self._start_next()
                self._lock.notify_all()
            job.on_over(Over(job.run, job.report, job.start_ms, job.end_ms))

    def _run(self, job: Job) -> None:
        try:
            plan = checks.plan(job.run.task)
            self._execute(job, plan)
        except InvalidTask as problem:
            self._close(job, results.invalid(job.run, problem, job.start_ms))
        except StartFailed as failure:
            self._close(job, results.failed(job.run, failure, job.start_ms))
        except OSError as error:
            # The machine is short of something, such as descriptors or memory.
            shortage = failures.from_system("ExecuteScriptFailed", error)
            self._close(job, results.failed(job.run, shortage, job.start_ms))
        except AlreadyKnown:
            log.warning("Task was started before and is not started again", task=job.run.task.task_id)
            self._refuse(job)

    def _execute(self, job: Job, plan: checks.Plan) -> None:
        run, began = job.run, time.monotonic()
        self._begin(job)
        output = Output(self._journal.folder(run.id) / "output", run.task.quota_bytes)
        self._open_lane(job, output)
        script = _make_script(run, plan, self._journal)
        try:
            child = self._start(run, plan, script)
            end, exit_code = self._attend(job, child, output)
        finally:
            script.remove()
        job.end_ms = job.start_ms + int((time.monotonic() - began) * 1000)
        result = results.ended(
            run, end, start_ms=job.start_ms, end_ms=job.end_ms, exit_code=exit_code, output=output
        )
        self._close(job, result)

    def _close(self, job: Job, result: Result) -> None:
        job.report = result.kind
        if not job.is_dropped:
            self._outbox.close(job.lane, result)
        if job.is_dropped:
            job.lane.abandon()
            self._journal.mark_delivered(job.run.id)

    def _refuse(self, job: Job) -> None:
        """Of a moment that has had its run there is nothing to say; a task that runs once is asked about."""
        if job.run.fire_ms is None:
            result = results.failed(job.run, failures.already_started(), job.start_ms)
            self._outbox.close(job.lane, result, keep=False)
        else:
            self._outbox.discard(job.lane)

    def _begin(self, job: Job) -> None:
        run = job.run
        try:
            self._journal.begin(
                run.id,
                results.identity(run, job.start_ms),
                quota_bytes=run.task.quota_bytes,
                needs_end=run.is_one_of_many,
            )
        except OSError as error:
            raise failures.from_system("SaveScriptFileFailed", error) from error

    def _open_lane(self, job: Job, output: Output) -> None:
        task = job.run.task
        job.lane.open(
            output,
            results.identity(job.run, job.start_ms),
            interval=task.interval_seconds,
            send_start=task.send_start,
            send_empty=not task.skip_empty,
        )
        self._outbox.wake(job.lane)

    def _start(self, run: Run, plan: checks.Plan, script: Script) -> Child:
        try:
            return self._launch_somehow(run, plan, script)
        except ScriptNotWritten as error:
            raise failures.from_system("SaveScriptFileFailed", error.reason) from error
        except OSError as error:
            # The directory was there a moment ago; the system names it when it no longer is.
            if error.filename == plan.directory:
                raise InvalidTask("workingDirectory", f"WorkingDirectoryNotExist: {error}") from error
            raise failures.from_system("ExecuteScriptFailed", error) from error

    def _launch_somehow(self, run: Run, plan: checks.Plan, script: Script) -> Child:
        try:
            return self._launch(script.command, run, plan, script)
        except PermissionError:
            # Perhaps the file system forbids to execute files; their interpreter may still read them.
            return self._launch(script.spelled_out_command, run, plan, script)

    def _launch(self, command: list[str], run: Run, plan: checks.Plan, script: Script) -> Child:
        return self._children.start(
            command,
            account=plan.account,
            directory=plan.directory,
            run_id=run.id,
            write_script=script.write,
        )

    def _attend(self, job: Job, child: Child, output: Output) -> tuple[str, int]:
        run = job.run
        self._journal.note_process(run.id, child.pid, started_at(child.pid))

        def take(content: bytes) -> None:
            if output.add(content):
                self._outbox.wake(job.lane)

        execution = Execution(run.id, child, timeout_seconds=run.task.timeout_seconds, take=take)
        job.attach(execution)
        end = execution.wait()
        unfinished = execution.release()
        if unfinished is not None:
            self._keep_reading(unfinished)
        return end, execution.exit_code

    def _answer_late_stop(self, run: Run) -> None:
        if self._outbox.hurry_task(run.task.task_id):
            return
        lane = self._outbox.lane(run.id)
        if lane:
            is_new = not self._journal.knows(run.id)
            self._outbox.close(lane, results.never_ran(run), keep=is_new)


def _make_script(run: Run, plan: checks.Plan, journal: Journal) -> Script:
    try:
        return Script(plan, journal.folder(run.id), run.task.kind)
    except OSError as error:
        raise failures.from_system("SaveScriptFileFailed", error) from error


def _tell_nobody(_over: Over) -> None:
    """What runs once concerns no schedule."""

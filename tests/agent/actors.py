"""A real agent, run from the built file."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE_SECONDS


class AgentProcess:
    def __init__(self, program, state, stage, authority, python=sys.executable, environment=None):
        self._program = program
        self.state = state
        self._stage = stage
        self._authority = authority
        self._python = python
        self._environment = {**os.environ, **(environment or {})}
        self._environment.pop("ACTIVATION_CODE", None)
        self._process = None
        self._log = state.with_suffix(".log")

    def command(self, *words):
        return [self._python, str(self._program), "--state-dir", str(self.state), *words]

    def call(self, *words, code=""):
        return subprocess.run(
            self.command(*words),
            input=code,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def register(self, *words, code="a-secret\n"):
        options = ("--server", self._stage.address, "--ca", str(self._authority), "--region", "r-1")
        return self.call("--register", *options, "--activation-id", "id-1", *words, code=code)

    def take_over(self, state, registrations):
        """Be the agent that has registered at another stage."""
        shutil.copytree(state, self.state)
        identity = self.state / "identity.json"
        said = json.loads(identity.read_text())
        identity.write_text(json.dumps({**said, "server": self._stage.address}))
        self._stage.registrations.update(registrations)

    def start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command("--run"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        return self

    @property
    def pid(self):
        return self._process.pid

    @property
    def log(self):
        return self._log.read_text()

    def spill(self, task_id):
        """Where the output of a running task is kept."""
        return self.state / "tasks" / f"t.{task_id}" / "output"

    def kill(self):
        self._process.kill()
        self._process.wait()

    def terminate(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE_SECONDS)

    def wait(self):
        return self._process.wait(PATIENCE_SECONDS)

    def close(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_SECONDS)
            finally:
                self._process.kill()

    def memory_kib(self):
        """Resident memory that is not shared with a file."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def processes_with(mark):
    """The processes whose command line holds `mark`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found

"""Keeps the agent running: under systemd where that runs, else as a plain background process."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agent import durable, facts
from agent.checks import TASK_ID_VARIABLE
from agent.errors import NotRegistered, ServiceFailed

if TYPE_CHECKING:
    from agent.state import State

UNIT_DIRECTORY = Path("/etc/systemd/system")
PROXY_VARIABLES = ("ALIYUN_ASSIST_PROXY", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")

# Looked at when the service is started.
MAX_LOG_BYTES = 10 * 1024 * 1024

START_SECONDS = 10.0
STOP_SECONDS = 20.0

UNIT = """\
[Unit]
Description=Cloud Assistant agent
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={command}
EnvironmentFile=-{environment}
# An agent that was told to stop, or that is not registered, is left alone.
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=6
# Programs that commands have started on purpose go on; the agent ends its running commands itself.
KillMode=process
TimeoutStopSec=20
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
"""


class Service(Protocol):
    def install(self) -> None: ...
    def stop(self) -> None: ...
    def uninstall(self) -> None: ...


def choose(state: State, program: Path) -> Service:
    if facts.is_privileged() and Path("/run/systemd/system").is_dir():
        return SystemdService(state, program)
    return BackgroundService(state, program)


def command_line(state: State, program: Path) -> list[str]:
    return [
        sys.executable or "python3",
        str(program),
        "--run",
        "--state-dir",
        str(state.directory.absolute()),
    ]


def unit_name(state: State) -> str:
    """One unit per state directory, so that several agents live on one machine."""
    if state.directory == Path("/var/lib/cloud-assistant"):
        return "cloud-assistant.service"
    suffix = re.sub(r"[^A-Za-z0-9]+", "-", str(state.directory.absolute())).strip("-")
    return f"cloud-assistant-{suffix}.service"


def unit_text(state: State, program: Path) -> str:
    # systemd has its own idea of per cent signs, and quotes words as C does.
    words = (word.replace("%", "%%").replace("\\", "\\\\") for word in command_line(state, program))
    command = " ".join(f'"{word}"' if re.search(r"[\s\"';]", word) else word for word in words)
    return UNIT.format(command=command, environment=environment_file(state))


def environment_file(state: State) -> Path:
    return state.directory.absolute() / "environment"


def write_environment(state: State) -> None:
    """Keep the proxy variables of the installation for the service; they may hold a password."""
    kept = {name: os.environ[name] for name in PROXY_VARIABLES if os.environ.get(name)}
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in kept.items())
    durable.write_file(environment_file(state), "".join(lines).encode())


def read_environment(state: State) -> dict[str, str]:
    with contextlib.suppress(FileNotFoundError):
        words = shlex.split(environment_file(state).read_text(encoding="utf-8"))
        return dict(word.split("=", 1) for word in words if "=" in word)
    return {}


class SystemdService:
    def __init__(self, state: State, program: Path) -> None:
        self._state = state
        self._program = program
        self._name = unit_name(state)

    def install(self) -> None:
        _refuse_unregistered(self._state)
        write_environment(self._state)
        text = unit_text(self._state, self._program)
        durable.write_file(UNIT_DIRECTORY / self._name, text.encode(), mode=0o644)
        _systemctl("daemon-reload")
        _systemctl("enable", self._name)
        _systemctl("restart", self._name)

    def stop(self) -> None:
        _systemctl("stop", self._name)

    def uninstall(self) -> None:
        if (UNIT_DIRECTORY / self._name).exists():
            _systemctl("disable", "--now", self._name)
            (UNIT_DIRECTORY / self._name).unlink()
            _systemctl("daemon-reload")
        _remove_files(self._state, self._program)


class BackgroundService:
    """For containers and users: a process in a session of its own, with a log file in the state directory."""

    def __init__(self, state: State, program: Path) -> None:
        self._state = state
        self._program = program

    def install(self) -> None:
        _refuse_unregistered(self._state)
        write_environment(self._state)
        self.stop()
        process = self._start()
        deadline = time.monotonic() + START_SECONDS
        while self._state.running_process() != process.pid:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServiceFailed(f"The agent did not start; see {self._log}.")
            time.sleep(0.05)
        # It goes on without us; the interpreter would warn of that.
        process.returncode = 0

    def stop(self) -> None:
        """End the agent that holds the state directory, however it was started."""
        deadline = time.monotonic() + STOP_SECONDS
        self._state.signal_running_process(signal.SIGTERM)
        while self._state.running_process() is not None:
            if time.monotonic() > deadline:
                self._state.signal_running_process(signal.SIGKILL)
                deadline = time.monotonic() + STOP_SECONDS
            time.sleep(0.05)

    def uninstall(self) -> None:
        self.stop()
        _remove_files(self._state, self._program)

    @property
    def _log(self) -> Path:
        return self._state.directory / "agent.log"

    def _environment(self) -> dict[str, str]:
        # A task that starts an agent must not mark it as its own process.
        inherited = {name: value for name, value in os.environ.items() if name != TASK_ID_VARIABLE}
        return {**inherited, **read_environment(self._state)}

    def _start(self) -> subprocess.Popen[bytes]:
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                command_line(self._state, self._program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._environment(),
                start_new_session=True,
            )


def _refuse_unregistered(state: State) -> None:
    if not state.is_registered():
        raise NotRegistered(f"No agent is registered in {state.directory}. Use --register first.")


def _remove_files(state: State, program: Path) -> None:
    """Remove the program, and the state as well unless a registration would be lost with it."""
    if program.suffix == ".pyz":
        program.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            program.parent.rmdir()
    if state.is_registered():
        sys.stdout.write(f"still registered: the identity is kept in {state.directory}\n")
    else:
        state.erase()


def _systemctl(*words: str) -> None:
    finished = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if finished.returncode != 0:
        raise ServiceFailed(f"systemctl {' '.join(words)} failed: {finished.stderr.strip()}")

"""The state directory: identity, key, lock, and what the agent remembers between starts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent import durable, facts
from agent.errors import NotRegistered, StateInUse

if TYPE_CHECKING:
    import signal


# Everything but the folders; also what the service keeps beside it.
OWN_FILES = (
    "identity.json",
    "key.pem",
    "ca.pem",
    "boot-id",
    "deregistered",
    "lock",
    "environment",
    "agent.log",
    "agent.log.1",
)


class Identity(NamedTuple):
    instance_id: str
    machine_id: str
    region_id: str
    server: str


def default_directory() -> Path:
    if facts.is_privileged():
        return Path("/var/lib/cloud-assistant")
    return Path.home() / ".local/share/cloud-assistant"


class State:
    """One directory is one agent: two processes never work in the same one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tasks = directory / "tasks"
        self.schedules = directory / "schedules"
        self.ca_file = directory / "ca.pem"
        self._identity = directory / "identity.json"
        self._key = directory / "key.pem"
        self._boot = directory / "boot-id"
        self._deregistered = directory / "deregistered"
        self._lock = directory / "lock"

    def prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.tasks, self.schedules):
            folder.mkdir(mode=0o700, exist_ok=True)

    def is_registered(self) -> bool:
        return self._identity.exists()

    def was_deregistered(self) -> bool:
        return self._deregistered.exists()

    def identity(self) -> Identity:
        try:
            content = json.loads(self._identity.read_bytes())
            return Identity(*(str(content[name]) for name in Identity._fields))
        except FileNotFoundError:
            raise NotRegistered(f"No agent is registered in {self.directory}.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise NotRegistered(f"The file {self._identity} is damaged: {error!r}.") from error

    def private_key(self) -> str:
        try:
            return self._key.read_text(encoding="ascii")
        except FileNotFoundError:
            raise NotRegistered(f"The private key {self._key} is missing.") from None

    def save(self, identity: Identity, private_key: str) -> None:
        # What another identity was told to do is no business of this one.
        self._forget_schedules()
        # The identity comes last: where it is, everything else is.
        durable.write_file(self._key, private_key.encode("ascii"))
        durable.write_file(self._identity, json.dumps(identity._asdict(), indent=1).encode())
        with contextlib.suppress(FileNotFoundError):
            self._deregistered.unlink()

    def forget(self) -> None:
        """Give up the identity; the marker tells a later start that this was on purpose."""
        durable.write_file(self._deregistered, str(facts.now_ms()).encode())
        for path in (self._identity, self._key):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        self._forget_schedules()
        durable.sync_directory(self.directory)

    def erase(self) -> None:
        """Remove what agents write here and, if nothing else is left, the directory."""
        import shutil  # noqa: PLC0415  (of no use to a running agent, and large)

        shutil.rmtree(self.tasks, ignore_errors=True)
        self._forget_schedules()
        with contextlib.suppress(OSError):
            self.schedules.rmdir()
        for name in OWN_FILES:
            (self.directory / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.directory.rmdir()

    def _forget_schedules(self) -> None:
        for path in self.schedules.glob("*"):
            path.unlink(missing_ok=True)

    def is_cold_start(self) -> bool:
        """Whether no agent has reported its start since the machine booted."""
        try:
            return self._boot.read_text(encoding="ascii").strip() != facts.boot_id()
        except FileNotFoundError:
            return True

    def remember_boot(self) -> None:
        durable.write_file(self._boot, facts.boot_id().encode())

    def lock(self) -> int:
        """Take the directory for this process; the lock ends with the process."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StateInUse(f"Another agent (process {holder}) already runs on {self.directory}.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor

    def running_process(self) -> int | None:
        """The process that holds the lock now; the number alone would prove nothing."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(descriptor, 32) or 0) or None
        else:
            return None
        finally:
            os.close(descriptor)

    def signal_running_process(self, number: signal.Signals) -> None:
        process = self.running_process()
        if process is not None and process != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

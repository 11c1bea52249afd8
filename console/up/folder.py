"""The data folder: ours, writable, and in the hands of one `up` only."""

import errno
import fcntl
import json
import os
import uuid
from pathlib import Path

from console.up.errors import CannotStart
from console.up.files import write_file

MARKER = "cloud-assistant.json"
# Raised when the folder's layout changes so that older code cannot work with it.
FORMAT = 1

# What a new file system has at its root.
NOT_OURS_BUT_EMPTY = frozenset({"lost+found"})


class DataFolder:
    """An opened data folder. The lock is held as long as the object and its process live."""

    def __init__(self, path: Path, *, role: str = "") -> None:
        self.path = path
        self._lock_file = path / (f"up-{role}.lock" if role else "up.lock")
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_foreign()
            self._descriptor = self._lock()
            self.installation_id = self._mark()
        except OSError as error:
            raise CannotStart(unusable(path, error)) from error

    def close(self) -> None:
        self._lock_file.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _refuse_foreign(self) -> None:
        found = {entry.name for entry in os.scandir(self.path)} - NOT_OURS_BUT_EMPTY
        if MARKER not in found and found - {self._lock_file.name}:
            raise CannotStart(
                f"The folder {self.path} is not empty and is no data folder of this console. "
                "Name a new or an empty one with --data-dir or DATA_DIR."
            )

    def _lock(self) -> int:
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise CannotStart(
                f"`up` already runs on the data folder {self.path} (process {holder}). "
                "Stop it first, or name another folder with --data-dir."
            ) from None
        if not self._is_still_there(descriptor):
            # The one before us took its file away between our open and our lock.
            os.close(descriptor)
            return self._lock()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._lock_file.stat())
        except FileNotFoundError:
            return False

    def _mark(self) -> str:
        """The installation's id; the first start writes it."""
        self.path.chmod(0o700)
        marker = self.path / MARKER
        try:
            content = json.loads(marker.read_bytes())
            written_as, installation_id = int(content["format"]), str(content["id"])
        except FileNotFoundError:
            installation_id = uuid.uuid4().hex
            text = json.dumps({"format": FORMAT, "id": installation_id})
            write_file(marker, f"{text}\n".encode(), mode=0o600)
            return installation_id
        except (ValueError, KeyError, TypeError) as error:
            raise CannotStart(f"The file {marker} is damaged. Restore it from a backup.") from error
        if written_as > FORMAT:
            raise CannotStart(
                f"The data folder {self.path} was written by a newer version of this console. "
                "Start that version, or name another folder with --data-dir."
            )
        return installation_id


def unusable(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk that holds {path} is full. Make room on it and start again."
    return (
        f"The data folder {path} cannot be used: {error.strerror}. "
        "Make it a folder that you may write to, or name another one with --data-dir or DATA_DIR."
    )

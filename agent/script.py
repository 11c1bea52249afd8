"""The file that a command's text is written to for the time of its run."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from agent import durable
from agent.checks import POWERSHELL, Plan

SCRIPT_MODE = 0o700


class ScriptNotWritten(Exception):
    """Told apart from a failure to start the script, which is an OSError too."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Script:
    """In the task's own folder; for other accounts, which cannot go there, in a temporary one."""

    def __init__(self, plan: Plan, folder: Path, kind: str) -> None:
        self._plan = plan
        self._temporary: Path | None = None
        if not plan.account.is_own:
            self._temporary = folder = _make_temporary(plan)
        # PowerShell runs only files with its own ending.
        self.path = folder / ("script.ps1" if kind == POWERSHELL else "script")

    @property
    def command(self) -> list[str]:
        return [*self._plan.interpreter, str(self.path)]

    @property
    def spelled_out_command(self) -> list[str]:
        """The interpreter line's words before the file, for places whose files must not be executed."""
        first_line = self._plan.script.partition(b"\n")[0].decode("utf-8", "surrogateescape")
        words = first_line[2:].split(maxsplit=1) if first_line.startswith("#!") else self._plan.interpreter
        return [*(word.strip() for word in words), str(self.path)]

    def write(self) -> None:
        try:
            self._write()
        except OSError as error:
            raise ScriptNotWritten(error) from error

    def _write(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, SCRIPT_MODE)
        try:
            if self._temporary:
                os.fchown(descriptor, self._plan.account.uid, self._plan.account.gid)
            durable.write_all(descriptor, self._plan.script)
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        if self._temporary:
            # Most agents never need it, and it would be a fiftieth of their memory.
            import shutil  # noqa: PLC0415

            shutil.rmtree(self._temporary, ignore_errors=True)


def _make_temporary(plan: Plan) -> Path:
    """A new directory that only the plan's account can enter."""
    folder = Path(os.environ.get("TMPDIR") or "/tmp") / f"ca-{os.urandom(8).hex()}"  # noqa: S108
    folder.mkdir(mode=0o700)
    os.chown(folder, plan.account.uid, plan.account.gid)
    return folder

"""What has to be so before a command may start (agent-gateway 9.1), and what follows from it."""

from __future__ import annotations

import binascii
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent import facts
from agent.errors import InvalidTask, StartFailed

if TYPE_CHECKING:
    from agent.journal import RunId
    from agent.tasks import Task

SHELL, POWERSHELL = "RunShellScript", "RunPowerShellScript"

POWERSHELL_NOT_FOUND = -10

# A service manager may start the agent with next to no environment.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The agent's own affair; the proxy's address may hold a password.
OWN_VARIABLES = frozenset({"ACTIVATION_CODE", "ALIYUN_ASSIST_PROXY"})

# For scripts that want to know.
TASK_ID_VARIABLE = "CLOUD_ASSISTANT_TASK_ID"
# Marks every process of a run, also those that leave its session; what an earlier run of the task has
# left behind on purpose is not part of it.
RUN_ID_VARIABLE = "CLOUD_ASSISTANT_RUN_ID"


class Account(NamedTuple):
    name: str
    uid: int
    gid: int
    groups: list[int]
    home: str
    shell: str
    is_own: bool


class Plan(NamedTuple):
    """A task that passed the checks: what to run, as whom, and where."""

    script: bytes
    account: Account
    directory: str
    interpreter: list[str]


def plan(task: Task) -> Plan:
    """Raises InvalidTask in the protocol's order of checks, or StartFailed."""
    if task.kind not in (SHELL, POWERSHELL):
        raise InvalidTask("TypeInvalid", f"TypeInvalid_{task.kind}")
    if task.container:
        text = "UnsupportedContainerRuntime: this agent runs commands on the host only"
        raise InvalidTask("UnsupportedContainerRuntime", text)
    script = _decode(task.content)
    account = _account(task.username)
    directory = _directory(task.working_directory, account)
    return Plan(script, account, directory, _interpreter(task.kind, script))


def environment(chosen: Account, run_id: RunId) -> dict[str, str]:
    """The agent's own environment, with what belongs to the account replaced."""
    values = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    values.setdefault("PATH", DEFAULT_PATH)
    values["HOME"] = chosen.home
    values[TASK_ID_VARIABLE], values[RUN_ID_VARIABLE] = run_id.task_id, run_id.mark
    values["USER"] = values["LOGNAME"] = chosen.name
    values["SHELL"] = chosen.shell
    return values


def _decode(content: str) -> bytes:
    # Strictness by hand: the library's own switch for it is younger than Python 3.9.
    text = content.replace("\r", "").replace("\n", "")
    try:
        script = binascii.a2b_base64(text)
    except ValueError as error:
        raise InvalidTask("CommandContentInvalid", str(error)) from error
    if binascii.b2a_base64(script, newline=False).decode() != text:
        raise InvalidTask("CommandContentInvalid", "illegal base64 data")
    return script


def _account(username: str) -> Account:
    own_name = facts.account_name()
    if username in ("", own_name):
        return _entry(own_name, is_own=True)
    if not facts.is_privileged():
        text = f"UserInvalid_{username}: the agent runs as {own_name} and cannot become another user"
        raise InvalidTask("UsernameOrPasswordInvalid", text)
    return _entry(username, is_own=False)


def _entry(username: str, *, is_own: bool) -> Account:
    try:
        found = pwd.getpwnam(username)
    except (KeyError, ValueError):
        if is_own:
            home = os.environ.get("HOME", "/")
            return Account(username, os.geteuid(), os.getegid(), [], home, "/bin/sh", is_own=True)
        raise InvalidTask("UsernameOrPasswordInvalid", f"UserInvalid_{username}: unknown user") from None
    groups = os.getgrouplist(username, found.pw_gid)
    shell = found.pw_shell or "/bin/sh"
    return Account(found.pw_name, found.pw_uid, found.pw_gid, groups, found.pw_dir, shell, is_own)


def _directory(wanted: str, account: Account) -> str:
    if not wanted:
        # Some accounts, such as nobody, have a home that does not exist.
        return account.home if Path(account.home).is_dir() else "/"
    if not Path(wanted).is_dir():
        raise InvalidTask("workingDirectory", f"WorkingDirectoryNotExist: {wanted}")
    return wanted


def _interpreter(kind: str, script: bytes) -> list[str]:
    """What the script file is handed to; nothing where it says so itself."""
    if kind == POWERSHELL:
        import shutil  # noqa: PLC0415  (rarely needed, and large)

        program = shutil.which("pwsh") or shutil.which("powershell")
        if program is None:
            raise StartFailed(POWERSHELL_NOT_FOUND, "PowershellNotFound: no powershell is installed")
        return [program, "-NoProfile", "-NonInteractive", "-File"]
    return [] if script.startswith(b"#!") else ["/bin/sh"]

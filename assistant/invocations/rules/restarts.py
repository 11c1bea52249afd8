"""A restart that follows a run: where, with which script, and when it has succeeded (CA-273 to CA-277).

The script answers first and restarts a moment later, because a server that goes down under a command says
nothing of its end. It has succeeded where the agent has come back with its system, not before.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from assistant.commands.states import CommandType
from assistant.invocations.rules.rollouts import Share
from assistant.invocations.states import Status

NAME = _("Restart")

# Beside the agent's service, which takes its own processes with it; and where there is no systemd, in a
# session of its own. The paths are said because agents' surroundings may be bare.
LINUX = """#!/bin/sh
PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin"
if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
    go="systemctl reboot{systemd}"
else
    go="{sysv}"
fi
if ! {{ command -v systemd-run >/dev/null && [ -d /run/systemd/system ] &&
    systemd-run --quiet --collect --on-active={seconds} /bin/sh -c "$go"; }}; then
    setsid sh -c "sleep {seconds}; $go" </dev/null >/dev/null 2>&1 &
fi
echo "Restarts in {seconds} seconds."
"""
WINDOWS = "shutdown /r{force} /t {seconds}\r\necho Restarts in {seconds} seconds.\r\n"
# Time for the answer to leave the server.
SECONDS = 5


@dataclass(frozen=True, slots=True)
class RestartTerms:
    """Where the command has succeeded, or wherever it has run; and how many servers at a time."""

    at_a_time: Share
    only_succeeded: bool = True
    # Without waiting for services to end.
    force: bool = False


def script_for(os_type: str, *, force: bool) -> tuple[CommandType, str]:
    if os_type == "windows":
        return CommandType.BAT, WINDOWS.format(force=" /f" if force else "", seconds=SECONDS)
    systemd, sysv = (" --force", "reboot -f") if force else ("", "shutdown -r now || reboot")
    return CommandType.SHELL, LINUX.format(systemd=systemd, sysv=sysv, seconds=SECONDS)


def is_wanted(status: Status, *, has_begun: bool, only_succeeded: bool) -> bool:
    """Whether a restart follows a run that has ended so: never one that was stopped or has not begun."""
    if status is Status.SUCCESS:
        return True
    ran = has_begun and status in (Status.FAILED, Status.TIMEOUT, Status.ERROR)
    return ran and not only_succeeded

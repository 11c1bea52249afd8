"""What each error code means and what to do about it (CA-195, CA-198)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.invocations.rules import codes


@dataclass(frozen=True, slots=True)
class Remedy:
    cause: str | Promise
    remedy: str | Promise


REMEDIES: Mapping[str, Remedy] = {
    codes.EXIT_CODE_NONZERO: Remedy(
        _("The command ended with an exit code other than 0."), _("Check the script and its output.")
    ),
    codes.EXECUTION_TIMEOUT: Remedy(
        _("The command did not end within its timeout."),
        _("Raise the timeout, or look at what the command waits for."),
    ),
    codes.EXECUTION_EXCEPTION: Remedy(
        _("The command could not be run."), _("Read the error text, mend its cause and run again.")
    ),
    codes.EXECUTION_INTERRUPTED: Remedy(
        _("The run was broken off: the agent ended while the command ran."),
        _("Find out whether the command had its effect, then run again."),
    ),
    codes.INSTANCE_RESTARTED: Remedy(
        _("The server restarted while the command ran."),
        _("Do not restart a server while a command runs on it. Run again."),
    ),
    codes.INSTANCE_RELEASED: Remedy(
        _("The server was deregistered before the command ended."), _("Register it again, then run again.")
    ),
    codes.CLIENT_NOT_RUNNING: Remedy(
        _("The agent is not running, or has never been heard of."),
        _("Start the agent's service on the server; if there is none, install the agent."),
    ),
    codes.CLIENT_NOT_ONLINE: Remedy(
        _("The agent has lost its connection to this console."),
        _("Check that the server runs and reaches this console over HTTPS, then restart the agent."),
    ),
    codes.CLIENT_NOT_RESPONSE: Remedy(
        _("The agent took the command and then said nothing more about it."),
        _("Search the execution ID in the agent's log, then restart the agent and run again."),
    ),
    codes.DELIVERY_TIMEOUT: Remedy(
        _("The command could not be handed to the agent in time."),
        _("Run again. If it happens again, restart the agent."),
    ),
    codes.COMMAND_NOT_APPLICABLE: Remedy(
        _("The type of the command does not fit the system."), _("Choose another type or other servers.")
    ),
    codes.ACCOUNT_NOT_EXISTS: Remedy(
        _("The account that the command should run as does not exist there, or cannot be used."),
        _("Create the account on the server, or name another one."),
    ),
    codes.DIRECTORY_NOT_EXISTS: Remedy(
        _("The directory that the command should run in does not exist there."),
        _("Create the directory on the server, or name another one."),
    ),
}


def remedy_for(code: str) -> Remedy | None:
    return REMEDIES.get(code)

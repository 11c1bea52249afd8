"""What each error code means and what to do about it (CA-195, CA-198)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.invocations.rules import codes


@dataclass(frozen=True, slots=True)
class Remedy:
    """Why it happened and what to do, with commands to copy where there are any."""

    cause: str | Promise
    remedy: str | Promise
    commands: tuple[str, ...] = ()
    # The text that stands beside the code where the agent has said nothing of its own.
    info: str = ""


START_SERVICE = ("systemctl restart cloud-assistant", "systemctl restart aliyun.service")

REMEDIES: Mapping[str, Remedy] = {
    codes.EXIT_CODE_NONZERO: Remedy(
        _("The command ended with an exit code other than 0."), _("Check the script and its output.")
    ),
    codes.EXECUTION_TIMEOUT: Remedy(
        _("The command did not end within its timeout."),
        _("Raise the timeout (60 seconds unless you say otherwise), or look at what the command waits for."),
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
    codes.INSTANCE_NOT_EXISTS: Remedy(
        _("There is no such instance, or it was deregistered."), _("Check the instance ID.")
    ),
    codes.INSTANCE_NOT_RUNNING: Remedy(
        _("The server was not running when the run began."),
        _("Start it, check that it runs as it should, then run again."),
    ),
    codes.INSTANCE_RELEASED: Remedy(
        _("The server was deregistered before the command ended."), _("Register it again, then run again.")
    ),
    codes.CLIENT_NOT_RUNNING: Remedy(
        _("The agent is not running, or has never been heard of."),
        _(
            "Look for its process on the server and start its service; if there is none, install the agent. "
            "On Windows it is AliyunService in the Server Manager."
        ),
        ("ps -ef | grep -e cloud-assistant -e aliyun-service", *START_SERVICE),
    ),
    codes.CLIENT_NETWORK_BLOCKED: Remedy(
        _("The server runs, and its network does not let the agent reach this console."),
        _(
            "Ask the console for the instance ID from the server. If that fails, check firewall, DNS and routes, "
            "and open outbound TCP to this console's port."
        ),
        ("curl https://<console>/luban/api/instance/instance-id",),
    ),
    codes.CLIENT_NEED_UPGRADE: Remedy(
        _("The agent is too old for what it was asked."),
        _("Upgrade it by hand, or turn its automatic upgrade on, then run again."),
    ),
    codes.CLIENT_IS_UPGRADING: Remedy(
        _("The agent was being upgraded at that moment."), _("Run again in some minutes.")
    ),
    codes.CLIENT_NOT_ONLINE: Remedy(
        _("The agent has lost its connection to this console."),
        _("Check that the server runs and reaches this console over HTTPS, then restart the agent."),
        START_SERVICE,
    ),
    codes.CLIENT_NOT_RESPONSE: Remedy(
        _("The agent took the command and then said nothing more about it."),
        _(
            "Search the execution ID in the agent's log and read what is around it. "
            "If it is not there, run again; if that does not help, restart the agent."
        ),
        ("journalctl -u cloud-assistant | grep <execution ID>", *START_SERVICE),
    ),
    codes.DELIVERY_TIMEOUT: Remedy(
        _("The command could not be handed to the agent in time."),
        _("Run again. If it happens again, restart the agent."),
    ),
    codes.HELD_BACK: Remedy(
        _("The moment at which it should have run was within a blackout window."),
        _("Run it again, or choose another moment."),
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
    codes.BAD_CRON_EXPRESSION: Remedy(
        _("The agent cannot keep the plan: its expression is invalid there, or has no further time."),
        _("Correct the expression and run again; the run form shows its next times before."),
    ),
    codes.FILE_ALREADY_EXISTS: Remedy(
        _("There is a file of this name in the target directory."),
        _("Give it another name, or choose to overwrite it."),
    ),
    codes.FILE_CREATE_FAIL: Remedy(
        _("The file could not be created."),
        _(
            "Check that the directory is there, that the account may write into it and that the disk has room."
        ),
    ),
    codes.FILE_CONTENT_INVALID: Remedy(_("The content of the file is invalid."), _("Correct the content.")),
    codes.FILE_NAME_INVALID: Remedy(_("The name of the file is invalid."), _("Correct the name.")),
    codes.FILE_PATH_INVALID: Remedy(_("The target directory is invalid."), _("Correct the directory.")),
    codes.FILE_AUTHORITY_INVALID: Remedy(
        _("The permissions, the user or the group of the file are invalid."),
        _("Correct them; they must exist on the server."),
    ),
    codes.ROLLOUT_HALTED: Remedy(
        _("It never began here: too many runs before it had failed."),
        _("Find out why the others failed, then run it on the rest."),
    ),
    codes.ROLLOUT_NOT_CONFIRMED: Remedy(
        _("It never began here: nobody confirmed the rollout in time."),
        _("Run it on the rest, and confirm when the first ones have ended."),
    ),
    codes.ROLLOUT_NOT_ALLOWED: Remedy(
        _("It never began here: whoever ran it may do so no longer."),
        _("Have somebody run it on the rest who is allowed to."),
    ),
    codes.RESTART_NOT_DUE: Remedy(
        _("It was not restarted: the command before did not end as a restart needs it."),
        _("Look at the run before, mend what failed there, and run it again."),
    ),
    codes.RESTART_NOT_SEEN: Remedy(
        _("It was told to restart, and its agent has not come back with the system."),
        _("Look at the server's own console: it may be starting still, or be stuck."),
    ),
}


def remedy_for(code: str) -> Remedy | None:
    remedy = REMEDIES.get(code)
    return replace(remedy, info=codes.INFO.get(code, "")) if remedy else None

"""From what agents say to the API's error codes (CA-195)."""

from collections.abc import Mapping

BAD_CRON_EXPRESSION = "BadCronExpression"
EXIT_CODE_NONZERO = "ExitCodeNonzero"
EXECUTION_TIMEOUT = "ExecutionTimeout"
EXECUTION_EXCEPTION = "ExecutionException"
EXECUTION_INTERRUPTED = "ExecutionInterrupted"
INSTANCE_NOT_EXISTS = "InstanceNotExists"
INSTANCE_NOT_RUNNING = "InstanceNotRunning"
INSTANCE_RESTARTED = "InstanceRestarted"
INSTANCE_RELEASED = "InstanceReleased"
CLIENT_IS_UPGRADING = "ClientIsUpgrading"
CLIENT_NEED_UPGRADE = "ClientNeedUpgrade"
CLIENT_NETWORK_BLOCKED = "ClientNetworkBlocked"
CLIENT_NOT_RUNNING = "ClientNotRunning"
CLIENT_NOT_ONLINE = "ClientNotOnline"
CLIENT_NOT_RESPONSE = "ClientNotResponse"
DELIVERY_TIMEOUT = "DeliveryTimeout"
COMMAND_NOT_APPLICABLE = "CommandNotApplicable"
# Ours: the only moment of a plan was within a blackout window.
HELD_BACK = "HeldBack"
ACCOUNT_NOT_EXISTS = "AccountNotExists"
DIRECTORY_NOT_EXISTS = "DirectoryNotExists"
FILE_ALREADY_EXISTS = "FileAlreadyExists"
FILE_CREATE_FAIL = "FileCreateFail"
FILE_CONTENT_INVALID = "FileContentInvalid"
FILE_NAME_INVALID = "FileNameInvalid"
FILE_PATH_INVALID = "FilePathInvalid"
FILE_AUTHORITY_INVALID = "FileAuthorityInvalid"
# Ours, for what a rollout never let begin.
ROLLOUT_HALTED = "RolloutHalted"
ROLLOUT_NOT_CONFIRMED = "RolloutNotConfirmed"
ROLLOUT_NOT_ALLOWED = "RolloutNotAllowed"
# Ours, for restarts that follow a run.
RESTART_NOT_DUE = "RestartNotDue"
RESTART_NOT_SEEN = "RestartNotSeen"

# `ErrorInfo` where nobody has said more: programs read it, so it is in the API's one language.
INFO: Mapping[str, str] = {
    BAD_CRON_EXPRESSION: "the plan of the execution is invalid.",
    EXIT_CODE_NONZERO: "the exit code of the command is not 0.",
    EXECUTION_TIMEOUT: "the command execution has been timeout.",
    EXECUTION_EXCEPTION: "the command could not be executed.",
    EXECUTION_INTERRUPTED: "the command execution has been interrupted.",
    INSTANCE_NOT_EXISTS: "the specified instance does not exists",
    INSTANCE_NOT_RUNNING: "the specified instance is not running.",
    INSTANCE_RESTARTED: "the instance has been restarted while the command was running.",
    INSTANCE_RELEASED: "the instance has been released.",
    CLIENT_IS_UPGRADING: "the client is being upgraded.",
    CLIENT_NEED_UPGRADE: "the client needs to be upgraded for this.",
    CLIENT_NETWORK_BLOCKED: "the network of the client is blocked.",
    CLIENT_NOT_RUNNING: "the client is not running or is not installed.",
    CLIENT_NOT_ONLINE: "the client is not online.",
    CLIENT_NOT_RESPONSE: "the client does not respond.",
    DELIVERY_TIMEOUT: "the command could not be delivered to the client in time.",
    COMMAND_NOT_APPLICABLE: "the command is not applicable to the instance.",
    ACCOUNT_NOT_EXISTS: "the specified account does not exists.",
    DIRECTORY_NOT_EXISTS: "the specified directory does not exists.",
    FILE_ALREADY_EXISTS: "the file already exists.",
    FILE_CREATE_FAIL: "the file could not be created.",
    FILE_CONTENT_INVALID: "the content of the file is invalid.",
    FILE_NAME_INVALID: "the name of the file is invalid.",
    FILE_PATH_INVALID: "the path of the file is invalid.",
    FILE_AUTHORITY_INVALID: "the permissions of the file are invalid.",
    HELD_BACK: "the execution has been held back by a blackout window.",
    ROLLOUT_HALTED: "too many executions before it have failed.",
    ROLLOUT_NOT_CONFIRMED: "the rollout has not been confirmed in time.",
    ROLLOUT_NOT_ALLOWED: "the user of the rollout is no longer allowed to run the command.",
    RESTART_NOT_DUE: "the execution that the restart follows has not ended as it needs.",
    RESTART_NOT_SEEN: "the instance has not come back from its restart in time.",
}

# `errCode` of an `error` report. Positive ones are the system's error numbers.
AGENT_CODES: Mapping[str, str] = {
    # EINTR: our own agent was told to end while the command ran.
    "4": EXECUTION_INTERRUPTED,
    # ERESTART: the system was restarted under a run of a schedule.
    "85": INSTANCE_RESTARTED,
    # The script file is there already: this task did run here once.
    "-9": EXECUTION_INTERRUPTED,
    "-2": COMMAND_NOT_APPLICABLE,
    "-10": COMMAND_NOT_APPLICABLE,
}

# `param` of an `invalid` report; this one is about the plan itself, the others about a run.
CRON_PARAMETER = "cron"
# What agents then say of times that they understand, and that are over.
CRON_USED_UP = "CronExpressionExpired"
INVALID_CODES: Mapping[str, str] = {
    "TypeInvalid": COMMAND_NOT_APPLICABLE,
    "UsernameOrPasswordInvalid": ACCOUNT_NOT_EXISTS,
    "workingDirectory": DIRECTORY_NOT_EXISTS,
    CRON_PARAMETER: BAD_CRON_EXPRESSION,
}


def of_error(code: str) -> str:
    return AGENT_CODES.get(code, EXECUTION_EXCEPTION)


def of_invalid(parameter: str) -> str:
    return INVALID_CODES.get(parameter, EXECUTION_EXCEPTION)


def info_of(code: str, said: str = "") -> str:
    """The text beside a code: what the agent said, else what the code says of itself."""
    return said or INFO.get(code, "")

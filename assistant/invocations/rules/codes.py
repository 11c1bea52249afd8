"""From what agents say to the API's error codes (CA-195)."""

from collections.abc import Mapping

EXIT_CODE_NONZERO = "ExitCodeNonzero"
EXECUTION_TIMEOUT = "ExecutionTimeout"
EXECUTION_EXCEPTION = "ExecutionException"
EXECUTION_INTERRUPTED = "ExecutionInterrupted"
INSTANCE_RESTARTED = "InstanceRestarted"
INSTANCE_RELEASED = "InstanceReleased"
CLIENT_NOT_RUNNING = "ClientNotRunning"
CLIENT_NOT_ONLINE = "ClientNotOnline"
CLIENT_NOT_RESPONSE = "ClientNotResponse"
DELIVERY_TIMEOUT = "DeliveryTimeout"
COMMAND_NOT_APPLICABLE = "CommandNotApplicable"
ACCOUNT_NOT_EXISTS = "AccountNotExists"
DIRECTORY_NOT_EXISTS = "DirectoryNotExists"

# `errCode` of an `error` report. Positive ones are the system's error numbers.
AGENT_CODES: Mapping[str, str] = {
    # EINTR: our own agent was told to end while the command ran.
    "4": EXECUTION_INTERRUPTED,
    # The script file is there already: this task did run here once.
    "-9": EXECUTION_INTERRUPTED,
    "-2": COMMAND_NOT_APPLICABLE,
    "-10": COMMAND_NOT_APPLICABLE,
}

# `param` of an `invalid` report.
INVALID_CODES: Mapping[str, str] = {
    "TypeInvalid": COMMAND_NOT_APPLICABLE,
    "UsernameOrPasswordInvalid": ACCOUNT_NOT_EXISTS,
    "workingDirectory": DIRECTORY_NOT_EXISTS,
    "cron": "BadCronExpression",
}


def of_error(code: str) -> str:
    return AGENT_CODES.get(code, EXECUTION_EXCEPTION)


def of_invalid(parameter: str) -> str:
    return INVALID_CODES.get(parameter, EXECUTION_EXCEPTION)

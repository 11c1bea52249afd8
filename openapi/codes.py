"""The HTTP status that the API has for a code, where it is not the one of the refusal behind it."""

FORBIDDEN = (
    "CmdContent.ExceedLimit",
    "CmdName.ExceedLimit",
    "CmdDesc.ExceedLimit",
    "CmdParamCount.ExceedLimit",
    "CmdParamName.ExceedLimit",
    "InstanceIds.ExceedLimit",
    "InvalidLauncher.LengthLimitExceeded",
    "InvalidParameterCharacter.CommandDescription",
    "InvalidParameterCharacter.CommandName",
    "InvalidParameterCharacter.CommandWorkingDir",
    "InvalidTimeout.ExceedLimit",
    "Operation.Forbidden",
    "Parameter.NotMatched",
    "ParameterCount.ExceedLimit",
    "ParameterKey.Duplicate",
    "ParameterKey.ExceedLimit",
    "ParameterStore.NotSupported",
    "ParameterType.NotSupported",
    "Username.ExceedLimit",
    "WindowsPasswordName.ExceedLimit",
    # Of ModifyInvocationAttribute.
    "InvalidInstanceId.CountLimitExceeded",
    "InvalidInstanceId.OSTypeUnsupported",
    "InvalidOperation.CloudAssistantVersionUnsupported",
    "InvalidOperation.InvokeAlreadyFinished",
    "InvalidOperation.ModifyPublicCommandUnsupported",
    "InvalidOperation.RepeatModeUnsupported",
)
NOT_FOUND = (
    "InvalidCmdType.NotFound",
    "InvalidRepeatMode.NotFound",
    "InvalidResourceGroup.NotFound",
    "InvalidTerminationMode.NotFound",
)
STATUSES = {**dict.fromkeys(FORBIDDEN, 403), **dict.fromkeys(NOT_FOUND, 404)}

"""Codes of the API: the HTTP status of each, where it is not that of the refusal behind it, and who says which."""

from openapi.actions.base import Action, Regional, RegionUnknown, parameters_of
from openapi.errors import TokenMismatch

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
SCRIPT = """
    CmdContent.ExceedLimit CmdParam.EmptyKey CmdParam.InvalidParamName CmdParamCount.ExceedLimit
    CmdParamName.ExceedLimit InvalidCmdType.NotFound InvalidLauncher.LengthLimitExceeded
"""
RUN = """
    ConfirmationRequired DryRunOperation InvalidContainerId.Malformed InvalidInstance.NotFound
    InvalidParam.Frequency InvalidParameter.Tag InvalidRepeatMode.NotFound InvalidResourceGroup.NotFound
    InvalidResourceTag.ConflictWithInstanceIds InvalidResourceTag.InstanceNotFound
    InvalidTerminationMode.NotFound Invocation.ExceedQuota MissingParam.Frequency MissingParam.InstanceId
    Parameter.Disabled Parameter.MissingValue Parameter.NotMatched ParameterCount.ExceedLimit
    ParameterKey.Duplicate ParameterKey.ExceedLimit ParameterStore.NotSupported
    ParameterType.NotSupported Username.ExceedLimit
"""
# By which the operations behind an action refuse, beside what its declaration says.
MORE = {
    "CreateActivation": "ActivationCount.ExceedLimit InvalidParameter.Tag",
    "CreateCommand": f"{SCRIPT} CmdCount.ExceedQuota InvalidParameter.Tag InvalidResourceGroup.NotFound",
    "DeleteActivation": "ActivationId.NotFound",
    "DeleteCommand": "InvalidCmdId.NotFound InvalidOperation",
    "DeregisterManagedInstance": "InvalidInstanceId.NotFound",
    "DescribeAccountAttributes": "InvalidParameter.AttributeName",
    "DescribeCloudAssistantStatus": "InvalidInstance.NotFound",
    "DescribeInstances": "DryRunOperation",
    "DisableActivation": "ActivationId.NotFound",
    "InstallCloudAssistant": "InvalidInstance.NotFound",
    "InvokeCommand": f"{RUN} CmdContent.ExceedLimit InvalidCmdId.NotFound",
    "ListTagResources": "InvalidResourceType.NotFound",
    "ModifyCommand": "InvalidCmdId.NotFound",
    "ModifyInvocationAttribute": """
        ConfirmationRequired InvalidInstanceId.NotFound InvalidInvokeId.NotFound
        InvalidOperation.InvokeAlreadyFinished InvalidOperation.RepeatModeUnsupported
    """,
    "ModifyManagedInstance": "InvalidInstanceId.NotFound",
    "RebootInstance": "DryRunOperation IncorrectInstanceStatus InvalidInstanceId.NotFound Invocation.ExceedQuota",
    "RebootInstances": """
        DRYRUN.SUCCESS IncorrectInstanceStatus InvalidInstanceId.NotFound Invocation.ExceedQuota
        MissingParam.InstanceId
    """,
    "RunCommand": f"{SCRIPT} {RUN} CmdCount.ExceedQuota",
    "StopInvocation": "InvalidInstanceId.NotFound InvalidInvokeId.NotFound",
    "TagResources": "InvalidResourceId.NotFound InvalidResourceType.NotFound",
    "UntagResources": "InvalidResourceId.NotFound InvalidResourceType.NotFound MissingParameter.TagKey",
}

# Of any action, before its parameters are looked at (openapi 4.3).
COMMON = {
    "Forbidden.RAM": 403,
    "IncompleteSignature": 400,
    "InternalError": 500,
    "InvalidAccessKeyId.Inactive": 400,
    "InvalidAccessKeyId.NotFound": 404,
    "InvalidAction.NotFound": 404,
    "InvalidParameter": 400,
    "InvalidSignatureMethod": 400,
    "InvalidTimeStamp.Expired": 400,
    "InvalidTimeStamp.Format": 400,
    "InvalidVersion": 400,
    "MissingParameter": 400,
    "RegionId.ApiNotSupported": 400,
    "SignatureDoesNotMatch": 400,
    "SignatureNonceUsed": 400,
    "Throttling.User": 400,
    "UnsupportedHTTPMethod": 405,
}


def codes_of(action: type[Action]) -> list[str]:
    """By which an action itself refuses; those of COMMON come from any."""
    found = set(action.codes.values()) | set(MORE.get(action.name(), "").split())
    for parameter in parameters_of(action):
        found |= parameter.codes()
    if issubclass(action, Regional):
        found.add(RegionUnknown.code)
    if action.is_idempotent:
        found |= {TokenMismatch.code, "InvalidParameter.ClientToken"}
    return sorted(found - COMMON.keys())

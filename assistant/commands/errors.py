"""Refusals of this room.

NotFound
└── CommandUnknown              deleted, or never saved
Conflict
└── CommandInUse                a run of it goes on, or a plan
InvalidParameter
├── CharacterRefused            a control character in what is one line
├── BundleBroken                a file of commands that cannot be read, or not taken
├── CommandContentMissing
├── CommandContentTooLarge
├── CommandTypeUnknown
├── ParameterNameMissing        {{}}
├── ParameterNameTooLong
├── ParameterNameWrong          not a key, and no built-in parameter
├── ParametersTooMany
├── ParametersDisabled          values for a command that does not use parameters
├── ParameterNotMatched         a name that the command does not have
├── ParameterTwice
├── ParameterValueMissing       of one that is required
└── ParameterValueWrong         not one of the allowed values, a secret in the open
"""

from console.kit.errors import Conflict, InvalidParameter, NotFound


class CommandUnknown(NotFound):
    code = "InvalidCmdId.NotFound"


class CommandInUse(Conflict):
    code = "InvalidOperation"
    status = 403


class CharacterRefused(InvalidParameter):
    code = "InvalidParameterCharacter"


class BundleBroken(InvalidParameter):
    pass


class CommandContentMissing(InvalidParameter):
    code = "MissingParam.CommandContent"


class CommandContentTooLarge(InvalidParameter):
    code = "CmdContent.ExceedLimit"


class CommandTypeUnknown(InvalidParameter):
    code = "InvalidCmdType.NotFound"


class ParameterNameMissing(InvalidParameter):
    code = "CmdParam.EmptyKey"


class ParameterNameTooLong(InvalidParameter):
    code = "CmdParamName.ExceedLimit"


class ParameterNameWrong(InvalidParameter):
    code = "CmdParam.InvalidParamName"


class ParametersTooMany(InvalidParameter):
    code = "CmdParamCount.ExceedLimit"


class ParametersDisabled(InvalidParameter):
    code = "Parameter.Disabled"


class ParameterNotMatched(InvalidParameter):
    code = "Parameter.NotMatched"


class ParameterTwice(InvalidParameter):
    code = "ParameterKey.Duplicate"


class ParameterValueMissing(InvalidParameter):
    code = "Parameter.MissingValue"


class ParameterValueWrong(InvalidParameter):
    code = "InvalidParameter.Parameters"

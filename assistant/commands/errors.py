"""Refusals of this room.

InvalidParameter
├── CommandContentMissing
├── CommandContentTooLarge
└── CommandTypeUnknown
"""

from console.kit.errors import InvalidParameter


class CommandContentMissing(InvalidParameter):
    code = "MissingParam.CommandContent"


class CommandContentTooLarge(InvalidParameter):
    code = "CmdContent.ExceedLimit"


class CommandTypeUnknown(InvalidParameter):
    code = "InvalidCmdType.NotFound"

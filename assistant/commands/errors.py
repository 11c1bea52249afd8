"""Refusals of this room.

NotFound
└── CommandUnknown              deleted, or never saved
InvalidParameter
├── CommandContentMissing
├── CommandContentTooLarge
└── CommandTypeUnknown
"""

from console.kit.errors import InvalidParameter, NotFound


class CommandUnknown(NotFound):
    code = "InvalidCmdId.NotFound"


class CommandContentMissing(InvalidParameter):
    code = "MissingParam.CommandContent"


class CommandContentTooLarge(InvalidParameter):
    code = "CmdContent.ExceedLimit"


class CommandTypeUnknown(InvalidParameter):
    code = "InvalidCmdType.NotFound"

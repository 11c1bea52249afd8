"""Refusals of this room.

Conflict
├── ExportNotReady          it is still being written, or was broken off
└── ExportsExhausted        one person keeps as many as there may be
InvalidParameter
└── ExportTooLarge          more output than one file may hold
NotFound
└── ExportUnknown           one that is none, is not to be seen, or is no longer kept
"""

from console.kit.errors import Conflict, InvalidParameter, NotFound


class ExportNotReady(Conflict):
    code = "OperationConflict.ExportNotReady"


class ExportsExhausted(Conflict):
    code = "OperationConflict.TooManyExports"


class ExportTooLarge(InvalidParameter):
    code = "InvalidParameter.ExportTooLarge"


class ExportUnknown(NotFound):
    code = "InvalidExport.NotFound"

"""Refusals, raised once where the fact is known and rendered once per door.

ConsoleError
├── InvalidParameter        400  what was sent cannot be taken
├── NotAllowed              403  the principal may not do this
├── NotFound                404  there is none, or none that the principal may see
├── Conflict                409  it is not in a state that allows this
├── QuotaExceeded           403  a limit is used up
└── Unavailable             503  something that is needed does not answer
"""

from collections.abc import Mapping
from typing import ClassVar


class ConsoleError(Exception):
    """A refusal with the API's code, an HTTP status and one sentence for people."""

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, field: str = "", **facts: str | int) -> None:
        super().__init__(message)
        self.message = message
        # The form field or API parameter that is meant, where there is one.
        self.field = field
        self.facts: Mapping[str, str | int] = facts


class InvalidParameter(ConsoleError):
    code = "InvalidParameter"
    status = 400


class NotAllowed(ConsoleError):
    code = "Forbidden.RAM"
    status = 403


class NotFound(ConsoleError):
    code = "InvalidResource.NotFound"
    status = 404


class Conflict(ConsoleError):
    code = "OperationConflict"
    status = 409


class QuotaExceeded(ConsoleError):
    code = "QuotaExceed"
    status = 403


class Unavailable(ConsoleError):
    code = "ServiceUnavailable"
    status = 503

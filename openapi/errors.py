"""Refusals of this door, before or beside those that operations raise.

ApiError
├── Malformed                   the request itself cannot be read
├── MissingParameter            a parameter is absent
├── InvalidParameter            one has the wrong type, range or form
├── ActionUnknown               no such action in this version
├── ActionNotServed             the API has it, this console does not yet
├── VersionUnknown
├── MethodNotAllowed
├── KeyUnknown, KeyInactive
├── SignatureWrong              its message is part of the contract
├── SignatureIncomplete
├── SignatureMethodUnknown
├── TimeFormat, TimeExpired
├── NonceUsed
├── Throttled
└── TokenMismatch               the same ClientToken with other parameters
"""

from typing import ClassVar

from console.kit.errors import ConsoleError


class ApiError(ConsoleError):
    code: ClassVar[str] = "InvalidRequest"
    status: ClassVar[int] = 400


class Malformed(ApiError):
    code = "InvalidParameter"


class MissingParameter(ApiError):
    code = "MissingParameter"


class InvalidParameter(ApiError):
    """`code` names the parameter: `InvalidParameter.Timeout`."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message, field=name)
        self.code = f"InvalidParameter.{name}"  # type: ignore[misc]


class ActionUnknown(ApiError):
    code = "InvalidAction.NotFound"
    status = 404


class ActionNotServed(ApiError):
    code = "RegionId.ApiNotSupported"


class VersionUnknown(ApiError):
    code = "InvalidVersion"


class MethodNotAllowed(ApiError):
    code = "UnsupportedHTTPMethod"
    status = 405


class KeyUnknown(ApiError):
    code = "InvalidAccessKeyId.NotFound"
    status = 404


class KeyInactive(ApiError):
    code = "InvalidAccessKeyId.Inactive"


class SignatureWrong(ApiError):
    code = "SignatureDoesNotMatch"


class SignatureIncomplete(ApiError):
    code = "IncompleteSignature"


class SignatureMethodUnknown(ApiError):
    code = "InvalidSignatureMethod"


class TimeFormat(ApiError):
    code = "InvalidTimeStamp.Format"


class TimeExpired(ApiError):
    code = "InvalidTimeStamp.Expired"


class NonceUsed(ApiError):
    code = "SignatureNonceUsed"


class Throttled(ApiError):
    """`retry_after` in milliseconds goes out as a header, too."""

    code = "Throttling.User"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenMismatch(ApiError):
    code = "IdempotentParameterMismatch"
    status = 403

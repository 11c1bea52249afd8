"""Why a call of an agent is not answered as it wishes.

    GatewayError
    ├── Unsigned            401  no identity headers
    ├── SignatureWrong      401  unknown instance, or signed with another key
    ├── ClockWrong          401  the agent's clock is too far off
    ├── Replayed            401  this very call has been made before
    ├── Released            403  the instance is ours no more
    ├── Malformed           400  an agent takes 400 as "do not repeat"
    ├── UnknownPath         404
    ├── TooSlow             408  the body does not come
    └── TooManyCalls        429

An agent repeats what is answered above 400 and takes 400 itself for a success (section 1.2 of the wire).
"""

from typing import ClassVar


class GatewayError(Exception):
    status: ClassVar[int] = 400
    code: ClassVar[str] = "InvalidParameter"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unsigned(GatewayError):
    status = 401
    code = "Unsigned"


class SignatureWrong(GatewayError):
    status = 401
    code = "SignatureDoesNotMatch"


class ClockWrong(GatewayError):
    status = 401
    code = "InvalidTimeStamp.Expired"


class Replayed(GatewayError):
    status = 401
    code = "SignatureNonceUsed"


class Released(GatewayError):
    status = 403
    code = "InstanceReleased"


class Malformed(GatewayError):
    """What was sent is not what the path takes."""


class UnknownPath(GatewayError):
    status = 404
    code = "InvalidAction.NotFound"


class TooSlow(GatewayError):
    status = 408
    code = "RequestTimeout"


class TooManyCalls(GatewayError):
    status = 429
    code = "Throttling"

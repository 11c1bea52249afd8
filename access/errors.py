"""Refusals of this room.

Conflict
├── LastAdministrator       somebody has to be left who may do everything
├── NotConfirmed            somebody loses something by it, which has to be said first
├── ApiAccessOff            a key of a user who may not use the API would never count
├── SecondFactorBound       the user has an authenticator; it has to be taken off first
├── SecondFactorMissing     the user has none, or its setting up was not begun
├── RoleTaken               in a role nobody takes on another
├── RoleEnded               what was meant to be done in a role was not done without it
├── PolicyShipped           it comes with the product and stays as it is
└── EntityInUse             something else still refers to it
InvalidParameter
├── EntityExists            the name is taken
├── SignOnNotCompleted      the provider's answer is none to what was asked: to be begun anew
├── NumberWrong             not the number of now, taken already, or no recovery code
├── PasswordWrong           not the password that counts now
├── PasswordRefused         not what passwords must be like
├── ActivationTooLarge      more instances than the region allows in one activation code
└── PolicyMalformed         the document is no policy; says where and why
QuotaExceeded
├── RunsUsedUp              as many runs as the region may have in a day
├── CommandsUsedUp          as many saved commands as the region may have
├── InstancesUsedUp         as many managed instances
├── ActivationsUsedUp       as many activation codes in force
└── AccessKeysExhausted     a user has at most two
NotAllowed
└── SignOnRefused           the provider vouches for somebody whom nobody here is
TooManyTries                wrong passwords or numbers; time has to pass
Unavailable
├── ProviderUnavailable     the single sign-on provider does not answer, or not as agreed
└── SecretNotOpened         a stored secret was changed, moved, or its key is gone
    └── MasterKeyMissing    the master key that sealed it is not here
"""

from console.kit.errors import (
    Conflict,
    ConsoleError,
    InvalidParameter,
    NotAllowed,
    QuotaExceeded,
    Unavailable,
)


class LastAdministrator(Conflict):
    code = "DeleteConflict.LastAdministrator"


class NotConfirmed(Conflict):
    code = "OperationDenied.NotConfirmed"


class ApiAccessOff(Conflict):
    code = "OperationDenied.ApiAccessOff"


class SecondFactorBound(Conflict):
    code = "EntityAlreadyExists.User.MFADevice"


class SecondFactorMissing(Conflict):
    code = "EntityNotExist.User.MFADevice"


class RoleTaken(Conflict):
    code = "OperationDenied.RoleTaken"


class RoleEnded(Conflict):
    code = "OperationDenied.RoleEnded"


class EntityInUse(Conflict):
    code = "DeleteConflict"


class PolicyShipped(Conflict):
    code = "OperationDenied.SystemPolicy"


class EntityExists(InvalidParameter):
    code = "EntityAlreadyExists"


class NumberWrong(InvalidParameter):
    code = "InvalidParameter.AuthenticationCode"


class PasswordWrong(InvalidParameter):
    code = "InvalidParameter.OldPassword"


class PasswordRefused(InvalidParameter):
    code = "InvalidParameter.Password.PolicyViolation"


class PolicyMalformed(InvalidParameter):
    code = "MalformedPolicyDocument"


class AccessKeysExhausted(QuotaExceeded):
    code = "LimitExceeded.User.AccessKey"


class RunsUsedUp(QuotaExceeded):
    code = "Invocation.ExceedQuota"


class CommandsUsedUp(QuotaExceeded):
    code = "CmdCount.ExceedQuota"


class InstancesUsedUp(QuotaExceeded):
    code = "ManagedInstanceCountExceedLimit"


class ActivationsUsedUp(QuotaExceeded):
    code = "Activation.ExceedQuota"


class ActivationTooLarge(InvalidParameter):
    code = "ActivationCount.ExceedLimit"


class TooManyTries(ConsoleError):
    code = "Throttling.User"
    status = 429


class SecretNotOpened(Unavailable):
    pass


class MasterKeyMissing(SecretNotOpened):
    pass


class SignOnRefused(NotAllowed):
    code = "Forbidden.SingleSignOn"


class SignOnNotCompleted(InvalidParameter):
    code = "InvalidParameter.SingleSignOn"


class ProviderUnavailable(Unavailable):
    code = "ServiceUnavailable.SingleSignOn"

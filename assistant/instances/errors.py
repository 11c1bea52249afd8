"""Refusals of this room.

NotAllowed
└── RegistrationRefused             an activation that registers nothing (CA-36)
    ├── ActivationUnknown           no such id
    ├── ActivationCodeWrong         the code is not this activation's
    ├── ActivationExpired
    ├── ActivationDisabled
    ├── ActivationUsedUp
    ├── ActivationAddressRefused    registers from other addresses only
    ├── ActivationRegionWrong
    └── MachineElsewhere            the same machine is there in another region
InvalidParameter
├── SelectionNameTaken              the viewer has one of this name
└── SelectionEmpty                  neither a filter nor an instance
Conflict
├── ActivationInUse                 servers registered with it are still there
└── InstanceGone                    deregistered already
"""

from console.kit.errors import Conflict, InvalidParameter, NotAllowed


class RegistrationRefused(NotAllowed):
    code = "InvalidActivation"


class ActivationUnknown(RegistrationRefused):
    code = "InvalidActivationId.NotFound"


class ActivationCodeWrong(RegistrationRefused):
    code = "InvalidActivationCode.Mismatch"


class ActivationExpired(RegistrationRefused):
    code = "InvalidActivation.Expired"


class ActivationDisabled(RegistrationRefused):
    code = "InvalidActivation.Disabled"


class ActivationUsedUp(RegistrationRefused):
    code = "InvalidActivation.QuotaExceeded"


class ActivationAddressRefused(RegistrationRefused):
    code = "InvalidActivation.IpAddressRange"


class ActivationRegionWrong(RegistrationRefused):
    code = "InvalidRegionId.Mismatch"


class MachineElsewhere(RegistrationRefused):
    code = "InvalidMachineId.RegionMismatch"


class SelectionNameTaken(InvalidParameter):
    code = "InvalidSelectionName.Duplicate"


class SelectionEmpty(InvalidParameter):
    code = "MissingParam.Selection"


class ActivationInUse(Conflict):
    code = "OperationDenied.ActivationInUse"


class InstanceGone(Conflict):
    code = "InvalidInstance.Released"

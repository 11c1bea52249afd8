"""Refusals of this room.

InvalidParameter
├── TargetsMissing              no instance at all
├── TargetsMixed                Linux and Windows in one run
├── CommandNotApplicable        the type does not fit the system
├── RunAsRefused                an agent that cannot switch to the named user
├── FrequencyRefused            no plan, or one that the limits do not allow
└── FrequencyMissing            a plan that runs again and does not say when
NotFound
├── InstanceUnknown             an id that is none, or is gone
└── RepeatModeUnknown           a word that names no kind of plan
Conflict
└── NothingToStop               everything has ended
"""

from console.kit.errors import Conflict, InvalidParameter, NotFound


class TargetsMissing(InvalidParameter):
    code = "MissingParam.InstanceId"


class TargetsMixed(InvalidParameter):
    code = "InvalidInstance.OSTypeMixed"


class CommandNotApplicable(InvalidParameter):
    code = "InvalidInstance.CommandNotApplicable"


class RunAsRefused(InvalidParameter):
    code = "InvalidUsername.NotSupported"


class FrequencyRefused(InvalidParameter):
    code = "InvalidParam.Frequency"


class FrequencyMissing(InvalidParameter):
    code = "MissingParam.Frequency"


class InstanceUnknown(NotFound):
    code = "InvalidInstance.NotFound"


class RepeatModeUnknown(NotFound):
    code = "InvalidRepeatMode.NotFound"


class NothingToStop(Conflict):
    code = "InvalidInvocationStatus.NotRunning"

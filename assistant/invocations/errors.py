"""Refusals of this room.

InvalidParameter
├── TargetsMissing              no instance at all
├── TargetsMixed                Linux and Windows in one run
├── CommandNotApplicable        the type does not fit the system
├── RunAsRefused                an agent that cannot switch to the named user
├── ExpiryRefused               a plan that would be over before it begins
├── RolloutRefused              steps that cannot be, or not with this plan
├── OfflineWaitRefused          a wait for offline servers that cannot be
├── RestartRefused              a restart that cannot follow
├── PatternRefused              a line of the guard's patterns
├── FrequencyRefused            no plan, or one that the limits do not allow
└── FrequencyMissing            a plan that runs again and does not say when
NotFound
├── InstanceUnknown             an id that is none, or is gone
├── ResultUnknown               a run or a result that is none, is not to be seen, or is no longer kept
└── RepeatModeUnknown           a word that names no kind of plan
Conflict
├── ConfirmationNeeded          the guard asks once more, and says why
├── InstanceNotConnected        a server that cannot be reached is not restarted
├── PlanNotOpen                 no plan to which instances could be added
│   └── PlanOver                one that is over
├── NothingToConfirm            the rollout does not wait for a word
└── NothingToStop               everything has ended
"""

from collections.abc import Sequence

from console.kit.errors import Conflict, InvalidParameter, NotFound


class TargetsMissing(InvalidParameter):
    code = "MissingParam.InstanceId"


class TargetsMixed(InvalidParameter):
    code = "InvalidInstance.OSTypeMixed"


class CommandNotApplicable(InvalidParameter):
    code = "InvalidInstance.CommandNotApplicable"


class RunAsRefused(InvalidParameter):
    code = "InvalidUsername.NotSupported"


class ExpiryRefused(InvalidParameter):
    code = "InvalidParam.ExpirationTime"


class RolloutRefused(InvalidParameter):
    code = "InvalidParam.RateControl"


class OfflineWaitRefused(InvalidParameter):
    code = "InvalidParam.OfflineWait"


class FrequencyRefused(InvalidParameter):
    code = "InvalidParam.Frequency"


class FrequencyMissing(InvalidParameter):
    code = "MissingParam.Frequency"


class InstanceUnknown(NotFound):
    code = "InvalidInstance.NotFound"


class ResultUnknown(NotFound):
    code = "InvalidInvokeId.NotFound"


class RepeatModeUnknown(NotFound):
    code = "InvalidRepeatMode.NotFound"


class RestartRefused(InvalidParameter):
    code = "InvalidParam.Restart"


class PatternRefused(InvalidParameter):
    code = "InvalidParam.Pattern"


class ConfirmationNeeded(Conflict):
    """Who does the same again with `digest` as its confirmation has read the reasons."""

    code = "ConfirmationRequired"

    def __init__(self, message: str, *, reasons: Sequence[str], digest: str) -> None:
        super().__init__(message)
        self.reasons = reasons
        self.digest = digest


class InstanceNotConnected(Conflict):
    code = "IncorrectInstanceStatus"
    status = 403


class NothingToConfirm(Conflict):
    code = "InvalidInvocationStatus.NotPaused"


class PlanNotOpen(Conflict):
    code = "InvalidOperation.RepeatModeUnsupported"
    status = 403


class PlanOver(PlanNotOpen):
    code = "InvalidOperation.InvokeAlreadyFinished"


class NothingToStop(Conflict):
    code = "InvalidInvocationStatus.NotRunning"

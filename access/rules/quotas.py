"""The quotas there are, with their defaults (CA-95, CA-290)."""

from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from access.errors import (
    ActivationsUsedUp,
    ActivationTooLarge,
    CommandsUsedUp,
    InstancesUsedUp,
    RunsUsedUp,
)
from console.kit.errors import ConsoleError, QuotaExceeded


class Kind(StrEnum):
    """What is counted."""

    # What happened on one day, by the calendar of UTC (CA-96).
    PER_DAY = "per day"
    # What is there now.
    STANDING = "standing"
    # Nothing: how large one thing may be.
    SIZE = "size"
    # What is beyond it is deleted, the oldest first; nothing is refused. 0 is no limit.
    KEPT = "kept"


class QuotaRule(NamedTuple):
    """A quota by the API's name (`AttributeName` of DescribeAccountAttributes)."""

    name: str
    kind: Kind
    label: Any
    unit: Any
    default: int
    # The largest value that may be set.
    most: int
    refusal: type[ConsoleError]


# Above that a database column ends, or a fleet.
MOST = 1_000_000_000

RUNS = QuotaRule(
    "max-axt-invocation-daily",
    Kind.PER_DAY,
    _("Runs per day"),
    _("runs of a command, on however many instances"),
    5000,
    MOST,
    RunsUsedUp,
)
COMMANDS = QuotaRule(
    "max-axt-command-count",
    Kind.STANDING,
    _("Saved commands"),
    _("commands"),
    100,
    MOST,
    CommandsUsedUp,
)
INSTANCES = QuotaRule(
    "max-axt-managed-instance-count",
    Kind.STANDING,
    _("Managed instances"),
    _("registered instances"),
    50_000,
    MOST,
    InstancesUsedUp,
)
ACTIVATIONS = QuotaRule(
    "max-axt-activation-count",
    Kind.STANDING,
    _("Activation codes in force"),
    _("codes that are neither disabled nor expired nor used up"),
    100,
    MOST,
    ActivationsUsedUp,
)
ACTIVATION_SIZE = QuotaRule(
    "max-axt-activation-instance-count",
    Kind.SIZE,
    _("Instances per activation code"),
    _("instances that one code may register"),
    1000,
    1000,
    ActivationTooLarge,
)
RESULT_DAYS = QuotaRule(
    "max-axt-result-days",
    Kind.KEPT,
    _("Days that results are kept"),
    _("days after the end of a run; 0 for no limit"),
    14,
    36_500,
    QuotaExceeded,
)
RESULTS = QuotaRule(
    "max-axt-result-count",
    Kind.KEPT,
    _("Results kept"),
    _("results, one per instance and run, the newest; 0 for no limit"),
    100_000,
    MOST,
    QuotaExceeded,
)

ALL = [RUNS, COMMANDS, INSTANCES, ACTIVATIONS, ACTIVATION_SIZE, RESULT_DAYS, RESULTS]
BY_NAME = {rule.name: rule for rule in ALL}

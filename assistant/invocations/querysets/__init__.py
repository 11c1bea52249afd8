"""Questions about runs, one module per subject."""

from assistant.invocations.querysets.outputs import IndexedOutputQuerySet, OutputChunkQuerySet
from assistant.invocations.querysets.plans import BlackoutQuerySet, RolloutQuerySet
from assistant.invocations.querysets.runs import (
    GOING_ON,
    STARTS,
    InvocationQuerySet,
    RecordQuerySet,
    TargetQuerySet,
    lock,
    pairs,
)

__all__ = [
    "GOING_ON",
    "STARTS",
    "BlackoutQuerySet",
    "IndexedOutputQuerySet",
    "InvocationQuerySet",
    "OutputChunkQuerySet",
    "RecordQuerySet",
    "RolloutQuerySet",
    "TargetQuerySet",
    "lock",
    "pairs",
]

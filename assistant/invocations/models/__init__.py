"""The truth about runs, one module per subject."""

from assistant.invocations.models.blackouts import Blackout
from assistant.invocations.models.rollouts import Guard, Rollout
from assistant.invocations.models.runs import Invocation, OutputChunk, Record, RunState, Target
from assistant.invocations.models.searching import IndexedOutput, UnindexedOutput

__all__ = [
    "Blackout",
    "Guard",
    "IndexedOutput",
    "Invocation",
    "OutputChunk",
    "Record",
    "Rollout",
    "RunState",
    "Target",
    "UnindexedOutput",
]

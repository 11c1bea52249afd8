"""What the search of outputs keeps."""

from typing import ClassVar

from django.db import models

from assistant.invocations.models.runs import Invocation, Target
from assistant.invocations.querysets import IndexedOutputQuerySet


class UnindexedOutput(models.Model):
    """A note that an output is there to be read for the search: written with the end of its run."""

    # Plain numbers: a note is written on the main road, and one of a run that is gone is dropped.
    target_id = models.BigIntegerField()
    number = models.PositiveIntegerField()

    objects: "models.Manager[UnindexedOutput]" = models.Manager()

    def __str__(self) -> str:
        return f"{self.target_id}/{self.number}"


class IndexedOutput(models.Model):
    """An output as the search has read it. The pieces of its text are beside it (`operations.indexing`)."""

    target = models.ForeignKey(Target, models.CASCADE, related_name="indexed_outputs", db_index=False)
    invocation = models.ForeignKey(Invocation, models.CASCADE, related_name="indexed_outputs", db_index=False)
    number = models.PositiveIntegerField()
    ended_at = models.DateTimeField()
    # Folded, on one line, of a long output the beginning and the end.
    text = models.TextField()

    objects = IndexedOutputQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["invocation"], name="indexed_output_invocation"),
            models.Index(fields=["ended_at", "id"], name="indexed_output_ended"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "number"], name="indexed_output_once")
        ]

    def __str__(self) -> str:
        return f"{self.target_id}/{self.number}"

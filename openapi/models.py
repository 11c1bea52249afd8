from typing import Any, ClassVar

from django.db import models


class IdempotentCall(models.Model):
    """A call that was made with a ClientToken, and its answer: the same call again gets it and does nothing."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=80)
    token = models.CharField(max_length=64)
    # Of the parameters; the same token with others is a mistake.
    digest = models.CharField(max_length=64)
    answer: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "action", "token"], name="idempotent_call_once")
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotent_call_created")]

    def __str__(self) -> str:
        return f"{self.action} {self.token}"

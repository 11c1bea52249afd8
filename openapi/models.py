from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ChangeKind(models.TextChoices):
    """What programs are told of."""

    INVOCATION_CREATED = "InvocationCreated", _("a run was made")
    INVOCATION_ENDED = "InvocationEnded", _("a run has ended")
    INSTANCE_RELEASED = "InstanceReleased", _("an instance was deregistered")


class Change(models.Model):
    """Something that has happened. Ids rise in the order of the commits: who has seen one has seen all before."""

    kind = models.CharField(max_length=32, choices=ChangeKind)
    region_id = models.CharField(max_length=32)
    # The run's or the instance's; what it is called now is asked when it is told.
    resource_id = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="change_created")]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.resource_id}"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def due(self, now: datetime) -> "WebhookQuerySet":
        """Those for which there may be something to send now."""
        newest = Change.objects.order_by("-pk").values("pk")[:1]
        return self.filter(enabled=True, told__lt=models.Subquery(newest)).filter(
            Q(next_try_at__isnull=True) | Q(next_try_at__lte=now)
        )


class Webhook(models.Model):
    """An address that is told of changes, in their order, each at least once."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    url = models.URLField(_("address"), max_length=500)
    # Empty: of all of them.
    kinds = models.JSONField(_("tells of"), default=list, blank=True)
    sealed_secret = models.TextField(editable=False)
    # Only what this user may see is told.
    user = models.ForeignKey("access.User", models.CASCADE, related_name="+", verbose_name=_("acts for"))
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(default=timezone.now)
    # The last change that it has been told of, or that is not its affair.
    told = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class IdempotentCall(models.Model):
    """A call that was made with a ClientToken, and its answer: the same call again gets it and does nothing."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=80)
    token = models.CharField(max_length=64)
    # Of the parameters; the same token with others is a mistake.
    digest = models.CharField(max_length=64)
    answer: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    # The same where it holds a secret.
    sealed_answer = models.TextField(default="", blank=True, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "action", "token"], name="idempotent_call_once")
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotent_call_created")]

    def __str__(self) -> str:
        return f"{self.action} {self.token}"

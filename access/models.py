from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.principals import Door


class User(AbstractUser):
    """A person who signs in. Ours from the start: Django cannot change the class later."""


class AuditEntry(models.Model):
    """Who did what, from where, on what, with which outcome. Written once, never changed."""

    class Outcome(models.TextChoices):
        DONE = "Done", _("Done")
        REFUSED = "Refused", _("Refused")

    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    principal = models.CharField(_("who"), max_length=150)
    door = models.CharField(_("door"), max_length=10, choices=[(door.value, door.value) for door in Door])
    source_ip = models.CharField(_("from"), max_length=45, blank=True)
    action = models.CharField(_("action"), max_length=64)
    resource = models.CharField(_("resource"), max_length=200, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.DONE)
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["action", "-at"], name="audit_action_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.principal} {self.action} {self.resource}"

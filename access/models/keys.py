from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models.users import User


class AccessKey(models.Model):
    """A program's name and secret (CA-226). The secret is shown once and sealed at rest."""

    id = models.CharField(_("access key ID"), max_length=32, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_keys", verbose_name=_("user"))
    sealed_secret = models.TextField(editable=False)
    disabled = models.BooleanField(_("disabled"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    used_from = models.CharField(_("last used from"), max_length=45, blank=True)

    class Meta:
        verbose_name = _("access key")
        verbose_name_plural = _("access keys")
        ordering: ClassVar = ["created_at"]

    def __str__(self) -> str:
        return self.pk


class DataKey(models.Model):
    """A key that seals secrets, itself sealed by the installation's master key."""

    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("data key")
        verbose_name_plural = _("data keys")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return str(self.pk)

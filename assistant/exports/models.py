from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models import User
from access.principals import Door
from assistant.exports import limits
from assistant.exports.querysets import ExportQuerySet
from assistant.exports.states import Format, Status
from assistant.invocations.models import Invocation


class Export(models.Model):
    """The results of one run as a file that is being written, or that is there for a day."""

    id = models.CharField(_("export ID"), max_length=40, primary_key=True)
    invocation = models.ForeignKey(Invocation, models.CASCADE, related_name="exports", verbose_name=_("run"))
    # Of a plan that recurs: every run that is kept, not the last one of each instance alone.
    has_history = models.BooleanField(_("all runs"), default=False)
    form = models.CharField(_("format"), max_length=8, choices=Format)
    status = models.CharField(_("state"), max_length=16, choices=Status, default=Status.PENDING)
    # Why it was broken off.
    reason = models.CharField(_("reason"), max_length=limits.REASON_CHARACTERS, blank=True)

    # Who asked and how: with this the permission is asked again while the file is written.
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, verbose_name=_("user"))
    role = models.CharField(max_length=64, blank=True)
    door = models.CharField(max_length=10, choices=[(door.value, door.value) for door in Door])
    source_ip = models.CharField(max_length=45, blank=True)
    is_secure = models.BooleanField(default=False)
    has_second_factor = models.BooleanField(default=False)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"))

    # How far it is: the last target (or record) that is in the file, and how long the file was then.
    n_total = models.PositiveIntegerField(default=0)
    n_done = models.PositiveIntegerField(default=0)
    last_target = models.PositiveBigIntegerField(default=0)
    file_bytes = models.PositiveBigIntegerField(_("size"), default=0)
    heard_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="export_expires")]

    def __str__(self) -> str:
        return self.pk

    def get_absolute_url(self) -> str:
        return reverse("exports:export_detail", args=[self.pk])

    @property
    def state(self) -> Status:
        return Status(self.status)

    @property
    def is_final(self) -> bool:
        return self.state.is_final

    @property
    def is_ready(self) -> bool:
        return self.state is Status.FINISHED

    @property
    def path(self) -> Path:
        return Path(settings.EXPORTS_DIR) / self.pk

    @property
    def draft(self) -> Path:
        """Where it is written until it is whole."""
        return Path(settings.EXPORTS_DIR) / f"{self.pk}.part"

    @property
    def file_name(self) -> str:
        return f"{self.invocation_id}.{self.form}"

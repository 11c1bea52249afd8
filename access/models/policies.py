from typing import ClassVar

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import limits
from access.models.users import Role, User
from access.querysets import PolicyAttachmentQuerySet, PolicyQuerySet, PolicyVersionQuerySet


class Policy(models.Model):
    """Statements under a name, in versions of which one is in force (CA-227)."""

    class Kind(models.TextChoices):
        SYSTEM = "System", _("System")
        CUSTOM = "Custom", _("Custom")

    name = models.CharField(_("name"), max_length=limits.POLICY_NAME_CHARACTERS, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.CUSTOM)
    description = models.CharField(_("description"), max_length=limits.DESCRIPTION_CHARACTERS, blank=True)
    # The number of the version that is in force.
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("access:policy_detail", args=[self.name])

    @property
    def is_system(self) -> bool:
        return self.kind == self.Kind.SYSTEM


class PolicyVersion(models.Model):
    """A policy's document as it was saved once. Never changed."""

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("version"))
    document = models.TextField(_("document"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class PolicyAttachment(models.Model):
    """A policy at a user, a group or a role: exactly one of them."""

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="attachments")
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="attachments")
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="attachments")
    role = models.ForeignKey(Role, models.CASCADE, null=True, blank=True, related_name="attachments")
    created_at = models.DateTimeField(_("attached"), default=timezone.now, editable=False)
    created_by = models.CharField(_("attached by"), max_length=150)

    objects = PolicyAttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy attachment")
        verbose_name_plural = _("policy attachments")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True, role__isnull=True)
                | Q(user__isnull=True, group__isnull=False, role__isnull=True)
                | Q(user__isnull=True, group__isnull=True, role__isnull=False),
                name="attachment_at_one",
            ),
            models.UniqueConstraint(fields=["policy", "user"], name="attachment_user_once"),
            models.UniqueConstraint(fields=["policy", "group"], name="attachment_group_once"),
            models.UniqueConstraint(fields=["policy", "role"], name="attachment_role_once"),
        ]

    def __str__(self) -> str:
        return f"{self.policy} → {self.user or self.group or self.role}"

from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models import User
from access.scopes import arn
from assistant.commands import limits
from assistant.commands.querysets import CommandQuerySet
from assistant.commands.rules.parameters import Definition, keys_in
from assistant.commands.states import CommandType
from assistant.instances.models import Region


class Command(models.Model):
    """A script with its settings. Its content never changes: runs refer to it as their snapshot (CA-92)."""

    id = models.CharField(_("command ID"), max_length=40, primary_key=True)
    region = models.ForeignKey(Region, models.PROTECT, related_name="commands", verbose_name=_("region"))
    name = models.CharField(_("name"), max_length=limits.NAME_CHARACTERS, blank=True)
    description = models.CharField(_("description"), max_length=limits.DESCRIPTION_CHARACTERS, blank=True)
    type = models.CharField(_("type"), max_length=24, choices=CommandType)
    content = models.TextField(_("content"))
    working_dir = models.CharField(_("directory"), max_length=limits.WORKING_DIR_CHARACTERS, blank=True)
    timeout = models.PositiveIntegerField(_("timeout"), default=limits.TIMEOUT_DEFAULT)
    # {{key}} and {{ACS::Name}} in the content are filled in per run (CA-98), as `definitions` say.
    enable_parameter = models.BooleanField(_("uses parameters"), default=False)
    parameter_definitions = models.JSONField(_("parameters"), default=list, blank=True)
    # Its first telling line: what a run without a name is called.
    opening = models.CharField(max_length=limits.OPENING_CHARACTERS, blank=True, editable=False)
    # False for a script that was run without being saved (CA-84).
    kept = models.BooleanField(_("saved"), default=False)
    # Who supplied it, where it is the snapshot of a common command; empty for people's own (CA-216).
    provider = models.CharField(
        _("provider"), max_length=limits.PROVIDER_CHARACTERS, blank=True, editable=False
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, verbose_name=_("created by"))

    objects = CommandQuerySet.as_manager()

    class Meta:
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["-created_at"], name="command_kept", condition=models.Q(kept=True)),
        ]

    def __str__(self) -> str:
        return self.name or self.opening or self.pk

    def get_absolute_url(self) -> str:
        return reverse("commands:command_detail", args=[self.pk])

    @property
    def definitions(self) -> list[Definition]:
        """What is said of its parameters."""
        return [Definition.stored(document) for document in self.parameter_definitions]

    @property
    def parameters(self) -> list[Definition]:
        """All that a run takes values for, with what is said of them."""
        if not self.enable_parameter:
            return []
        said = {definition.key: definition for definition in self.definitions}
        return [said.get(key.lower()) or Definition(key) for key in keys_in(self.content)]

    @property
    def arn(self) -> str:
        return arn("ecs", "command", self.pk, region=self.region_id)

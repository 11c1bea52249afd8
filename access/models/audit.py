from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.principals import Door
from access.querysets import AuditEntryQuerySet
from access.rules.chain import Link, canonical, moment


class AuditEntry(models.Model):
    """Who did what, from where, on what, with which outcome. Written once, never changed.

    Each entry holds the hash of the one before: `access.rules.chain` says how it is made.
    """

    class Outcome(models.TextChoices):
        DONE = "Done", _("Done")
        REFUSED = "Refused", _("Refused")

    # The place in the chain, without holes: 1, 2, 3 ... Entries older than the chain have none.
    number = models.PositiveBigIntegerField(_("number"), unique=True, null=True, editable=False)
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    principal = models.CharField(_("who"), max_length=150)
    role = models.CharField(_("in the role"), max_length=64, blank=True)
    door = models.CharField(_("door"), max_length=10, choices=[(door.value, door.value) for door in Door])
    source_ip = models.CharField(_("from"), max_length=45, blank=True)
    action = models.CharField(_("action"), max_length=64)
    resource = models.CharField(_("resource"), max_length=200, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.DONE)
    # The policy and the number of the statement that decided, `Name#1`; empty for administrators.
    decided_by = models.CharField(_("decided by"), max_length=140, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    previous = models.CharField(max_length=64, blank=True, editable=False)
    hash = models.CharField(max_length=64, blank=True, editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-pk"]
        # Each filter of the page with the order of the page: a list is read from its end, never sorted.
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["action", "-at", "-id"], name="audit_action_at"),
            models.Index(fields=["principal", "-at", "-id"], name="audit_principal_at"),
            models.Index(fields=["resource", "-at", "-id"], name="audit_resource_at"),
            models.Index(fields=["door", "-at", "-id"], name="audit_door_at"),
            models.Index(
                fields=["-at", "-id"], name="audit_refused_at", condition=models.Q(outcome="Refused")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.principal} {self.action} {self.resource}"

    @property
    def tone(self) -> str:
        return "bad" if self.outcome == self.Outcome.REFUSED else "good"

    @property
    def said_facts(self) -> list[tuple[str, str]]:
        """The facts as one reads them: JSON where it is more than a word."""
        return [
            (name, value if isinstance(value, str) else canonical(value))
            for name, value in self.facts.items()
        ]

    @property
    def link(self) -> Link:
        """The entry as the chain knows it."""
        return Link(
            number=self.number,
            at=moment(self.at),
            principal=self.principal,
            role=self.role,
            door=str(self.door),
            source_ip=self.source_ip,
            action=self.action,
            resource=self.resource,
            outcome=str(self.outcome),
            decided_by=self.decided_by,
            facts=self.facts,
            previous=self.previous,
            hash=self.hash,
        )


class AuditHead(models.Model):
    """The end of the chain: one row, held by whoever adds to it."""

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return str(self.number)

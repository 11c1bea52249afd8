from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import limits
from access.models.users import User


class ExternalIdentity(models.Model):
    """Whom a single sign-on provider means by a subject: a user of ours.

    A table of our own and not allauth's: it is there, and its rows go with their users, while single
    sign-on is switched off.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="external_identities", db_index=False)
    issuer = models.CharField(_("provider"), max_length=limits.ISSUER_CHARACTERS)
    subject = models.CharField(_("subject"), max_length=limits.SUBJECT_CHARACTERS)
    # What the provider calls the person; for people to read.
    label = models.CharField(_("known there as"), max_length=limits.NAME_CHARACTERS, blank=True)
    # Linked by the user, who had signed in; else by the e-mail address that the provider vouched for.
    linked_by_user = models.BooleanField(_("linked by the user"), default=False)
    created_at = models.DateTimeField(_("linked"), default=timezone.now, editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        ordering: ClassVar = ["issuer", "subject"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="external_subject_once"),
            models.UniqueConstraint(fields=["user", "issuer"], name="external_user_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label or self.subject} ({self.issuer})"

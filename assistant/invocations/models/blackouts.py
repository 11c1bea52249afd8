"""When no plan runs."""

from datetime import time
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.instances.limits import TAG_KEY_CHARACTERS, TAG_VALUE_CHARACTERS
from assistant.instances.models import Region
from assistant.invocations import limits
from assistant.invocations.querysets import BlackoutQuerySet
from assistant.invocations.rules.blackouts import Single, Weekly, Window
from assistant.invocations.rules.zones import UTC_ZONE, zone_named

# The longest name of a zone.
ZONE_CHARACTERS = 64


class Blackout(models.Model):
    """A time in which no plan runs on some instances: every week by the clock, or once."""

    reason = models.CharField(_("reason"), max_length=limits.REASON_CHARACTERS)
    # Where: every region if none is named, every instance there if no tag is.
    region = models.ForeignKey(
        Region, models.CASCADE, null=True, blank=True, related_name="blackouts", verbose_name=_("region")
    )
    tag_key = models.CharField(_("tag"), max_length=TAG_KEY_CHARACTERS, blank=True)
    # Any value if none is named.
    tag_value = models.CharField(_("value of the tag"), max_length=TAG_VALUE_CHARACTERS, blank=True)
    # Every week: days (1 is Monday) as digits, and times of the zone's clock. Else from a moment to another.
    weekdays = models.CharField(_("days"), max_length=7, blank=True)
    opens = models.TimeField(_("from"), null=True, blank=True)
    closes = models.TimeField(_("to"), null=True, blank=True)
    zone = models.CharField(_("time zone"), max_length=ZONE_CHARACTERS, default="UTC")
    starts_at = models.DateTimeField(_("begins"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150)

    objects = BlackoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("blackout window")
        verbose_name_plural = _("blackout windows")
        ordering: ClassVar = ["reason", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(weekdays="", starts_at__isnull=False, ends_at__gt=F("starts_at"))
                | Q(~Q(weekdays=""), opens__isnull=False, closes__isnull=False),
                name="blackout_has_times",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    def get_absolute_url(self) -> str:
        return reverse("invocations:blackout_modify", args=[self.pk])

    @property
    def is_weekly(self) -> bool:
        return bool(self.weekdays)

    @property
    def days_in_words(self) -> str:
        """`Mon, Tue`, in the viewer's language."""
        if len(self.weekdays) == len(WEEKDAYS_ABBR):
            return gettext("Every day")
        return ", ".join(str(WEEKDAYS_ABBR[int(day) - 1]) for day in self.weekdays)

    @property
    def tag(self) -> str:
        """As it is typed and shown: `env`, `env=prod`, or nothing."""
        return f"{self.tag_key}={self.tag_value}" if self.tag_value else self.tag_key

    @property
    def window(self) -> Window:
        if self.starts_at and self.ends_at:
            return Single(self.starts_at, self.ends_at)
        days = [int(day) for day in self.weekdays]
        return Weekly(days, self.opens or time(), self.closes or time(), zone_named(self.zone) or UTC_ZONE)

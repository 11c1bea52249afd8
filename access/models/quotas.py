from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from access.limits import NAME_CHARACTERS
from access.querysets import QuotaQuerySet

# A region's id; empty stands for every region that has no value of its own. Regions live on the floor above.
REGION_CHARACTERS = 32


class Quota(models.Model):
    """How much of something a region may have, where an administrator says other than the default."""

    name = models.CharField(_("quota"), max_length=NAME_CHARACTERS)
    region_id = models.CharField(_("region"), max_length=REGION_CHARACTERS, blank=True)
    value = models.PositiveIntegerField(_("value"))

    objects = QuotaQuerySet.as_manager()

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        ordering: ClassVar = ["name", "region_id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["name", "region_id"], name="quota_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.region_id or '*'}"


class QuotaUse(models.Model):
    """What has been used of a quota in a region; of one per day, on a day. Its row is the lock."""

    name = models.CharField(max_length=NAME_CHARACTERS)
    region_id = models.CharField(max_length=REGION_CHARACTERS)
    # A date (UTC) for quotas per day, else empty.
    period = models.CharField(max_length=10, blank=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "region_id", "period"], name="quota_use_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.region_id} {self.period}: {self.used}"

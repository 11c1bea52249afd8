"""How runs go out step by step, and when they are asked about once more."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from access.models import User
from assistant.invocations import limits
from assistant.invocations.models.runs import Invocation, counter
from assistant.invocations.querysets import RolloutQuerySet
from assistant.invocations.rules.rollouts import OVER, RolloutState, RolloutTerms, Standing, share


class Rollout(models.Model):
    """How an invocation goes out step by step: what was asked for, and where it stands (`rules.rollouts`)."""

    invocation = models.OneToOneField(
        Invocation, models.CASCADE, primary_key=True, related_name="rollout", verbose_name=_("invocation")
    )
    # A number or a part such as 10%.
    at_a_time = models.CharField(_("at a time"), max_length=8)
    first_batch = models.PositiveIntegerField(_("first batch"), default=0)
    wait = models.PositiveIntegerField(_("seconds between batches"), default=0)
    stop_after = models.CharField(_("stops after failures"), max_length=8, blank=True)
    # Of one that follows another run: not where that has failed.
    only_succeeded = models.BooleanField(default=True)
    state = models.CharField(_("state"), max_length=9, choices=RolloutState, default=RolloutState.RUNNING)
    # Until when it waits for a confirmation, or for the next batch.
    next_at = models.DateTimeField(_("next step"), null=True, blank=True)
    n_released = counter(_("begun"))
    n_batches = counter(_("batches"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    confirmed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    # How its last word was given, of whoever made or confirmed it: with this the permission is asked again.
    role = models.CharField(max_length=64, blank=True)
    source_ip = models.CharField(max_length=45, blank=True)
    is_secure = models.BooleanField(default=False)
    has_second_factor = models.BooleanField(default=False)

    objects = RolloutQuerySet.as_manager()

    class Meta:
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        indexes: ClassVar = [
            models.Index(
                fields=["state"],
                name="rollout_going_on",
                condition=~Q(state__in=sorted(OVER)),
            ),
        ]

    def __str__(self) -> str:
        return self.invocation_id

    @cached_property
    def terms(self) -> RolloutTerms:
        stop_after = share(self.stop_after, field="stop_after") if self.stop_after else None
        return RolloutTerms(share(self.at_a_time, field="at_a_time"), self.first_batch, self.wait, stop_after)

    @property
    def standing(self) -> Standing:
        is_confirmed = self.confirmed_at is not None
        return Standing(RolloutState(self.state), self.next_at, self.n_released, is_confirmed)

    @property
    def begins_batch(self) -> bool:
        """Whether those that begin next are a batch of their own."""
        has_batches = self.wait and (self.confirmed_at or not self.first_batch)
        return bool(has_batches or not self.n_released)

    @property
    def n_left(self) -> int:
        return self.invocation.n_total - self.n_released

    @property
    def n_batches_in_all(self) -> int:
        """Those that were, and as many as the rest makes up."""
        return self.n_batches + -(-self.n_left // self.terms.at_a_time.of(self.invocation.n_total))

    @property
    def is_over(self) -> bool:
        return self.standing.state.is_over


class Guard(models.Model):
    """When a run is asked about once more, where an administrator says other than the defaults. One row."""

    percent = models.PositiveSmallIntegerField(_("percent of a region"), default=limits.GUARD_PERCENT)
    least = models.PositiveIntegerField(_("at least so many instances"), default=limits.GUARD_LEAST)
    patterns = models.TextField(_("patterns"), blank=True)
    # Programs that were written for the API as it is elsewhere cannot answer a question.
    asks_programs = models.BooleanField(_("ask programs too"), default=False)

    class Meta:
        verbose_name = _("guard of runs")
        verbose_name_plural = _("guard of runs")

    def __str__(self) -> str:
        return f"{self.percent}% {self.least}"

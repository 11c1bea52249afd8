"""Questions about what holds runs back: rollouts and blackout windows."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from assistant.invocations.querysets.runs import lock
from assistant.invocations.rules.blackouts import Stretch, stretch_at
from assistant.invocations.rules.rollouts import OVER

if TYPE_CHECKING:
    from assistant.invocations.models import Blackout, Rollout  # noqa: F401 - for annotations only


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def going_on(self) -> Self:
        return self.exclude(state__in=sorted(OVER))

    def to_look_at(self, now: datetime) -> Self:
        """Those that may have a step to take: what waits does when its time has come or its runs have ended."""
        waits = Q(next_at__gt=now, invocation__finished_at__isnull=True)
        return self.going_on().exclude(waits)

    def locked(self) -> Self:
        """Held until the transaction ends. Rollouts before targets, targets before invocations."""
        return lock(self.order_by("pk"))


class BlackoutQuerySet(models.QuerySet["Blackout"]):
    def in_force(self, now: datetime, *, ahead: timedelta = timedelta()) -> "list[tuple[Blackout, Stretch]]":
        """Those in whose window `now` is, or is about to be `ahead`. There are few: each is looked at."""
        found = []
        for blackout in self.select_related("region"):
            stretch = stretch_at(blackout.window, now) or stretch_at(blackout.window, now + ahead)
            if stretch:
                found.append((blackout, stretch))
        return found

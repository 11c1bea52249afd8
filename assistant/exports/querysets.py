"""Questions about exports."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from access.principals import Principal
from assistant.exports import limits
from assistant.exports.states import OPEN, Status
from assistant.invocations.models import Invocation

if TYPE_CHECKING:
    from assistant.exports.models import Export  # noqa: F401 - for annotations only


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, principal: Principal) -> Self:
        """Those of runs that may be seen. Who reads one is asked for the results in it (`open_export`)."""
        return self.filter(invocation__in=Invocation.objects.visible_to(principal).values("pk"))

    def of(self, principal: Principal) -> Self:
        return self.filter(created_by=principal.user_id)

    def for_table(self) -> Self:
        return self.select_related("invocation__command", "created_by").defer("invocation__command__content")

    def unfinished(self) -> Self:
        return self.filter(status__in=OPEN)

    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lte=now)

    def unheard(self, now: datetime) -> Self:
        """Open ones of which no step has been heard for long: their task was lost or has died."""
        return self.unfinished().filter(heard_at__lte=now - limits.STALE_AFTER)

    def advance(self, **written: object) -> int:
        """Note how far the writing is; says how many did: none when it was taken back meanwhile."""
        return self.unfinished().update(status=Status.RUNNING, attempts=0, **written)

    def end(self, wanted: Status, **facts: object) -> int:
        return self.unfinished().update(status=wanted, **facts)

    def try_again(self, now: datetime) -> int:
        """Count an attempt; those that have used theirs up are left alone."""
        return self.filter(Q(attempts__lt=limits.ATTEMPTS)).update(attempts=F("attempts") + 1, heard_at=now)

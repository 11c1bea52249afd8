"""Questions about commands."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, DateTimeField, Exists, IntegerField, Max, OuterRef, Q, Value

from access.principals import Principal
from access.rules.scoping import Scoped
from access.scopes import extent, scope
from assistant.instances.querysets import INSTANCES

if TYPE_CHECKING:
    from assistant.commands.models import Command  # noqa: F401 - for annotations only


COMMANDS = Scoped("ecs", "command", id="id", region="region_id")


class CommandQuerySet(models.QuerySet["Command"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, "ecs:DescribeCommands", on=[COMMANDS])

    def open_to(self, principal: Principal, action: str) -> Self:
        """Those on which the principal may do `action`."""
        return scope(principal, self, action, on=[COMMANDS])

    def kept(self) -> Self:
        """The saved ones: neither deleted nor the snapshot of a single run."""
        return self.filter(kept=True)

    def held(self) -> Self:
        """Their rows are kept from being deleted or changed until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)

    def unused(self, before: datetime) -> Self:
        """Scripts that are not saved, were made before then, and that nothing refers to."""
        rows = self.filter(kept=False, created_at__lt=before)
        for relation in self.model._meta.related_objects:  # noqa: SLF001 - Django's own name for what it offers
            referring = relation.related_model._base_manager.filter(  # noqa: SLF001
                **{relation.field.name: OuterRef("pk")}
            )
            rows = rows.exclude(Exists(referring))
        return rows

    def for_table(self, principal: Principal) -> Self:
        """What a row of the table prints, with `n_invocations` and `last_invoked_at`; not the content.

        Of runs that the principal may not all see neither the number nor the time is told.
        """
        rows = self.select_related("created_by", "region").defer("content").order_by("-created_at", "pk")
        if extent(principal, "ecs:DescribeInvocations", on=[COMMANDS, INSTANCES]) is not True:
            return rows.annotate(
                n_invocations=Value(None, IntegerField()), last_invoked_at=Value(None, DateTimeField())
            )
        return rows.annotate(
            n_invocations=Count("invocations"), last_invoked_at=Max("invocations__created_at")
        )

    def search(self, text: str) -> Self:
        return self.filter(Q(name__icontains=text) | Q(description__icontains=text) | Q(pk=text))

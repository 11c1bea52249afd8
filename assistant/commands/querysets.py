"""Questions about commands."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Max, Q

from access.principals import Principal
from access.rules.scoping import Scoped
from access.scopes import scope

if TYPE_CHECKING:
    from assistant.commands.models import Command  # noqa: F401 - for annotations only


COMMANDS = Scoped("ecs", "command", id="id", region="region_id")


class CommandQuerySet(models.QuerySet["Command"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, "ecs:DescribeCommands", on=[COMMANDS])

    def kept(self) -> Self:
        """The saved ones: neither deleted nor the snapshot of a single run."""
        return self.filter(kept=True)

    def for_table(self) -> Self:
        """What a row of the table prints, with `n_invocations` and `last_invoked_at`; not the content."""
        runs = {"n_invocations": Count("invocations"), "last_invoked_at": Max("invocations__created_at")}
        return (
            self.select_related("created_by", "region")
            .defer("content")
            .annotate(**runs)
            .order_by("-created_at", "pk")
        )

    def search(self, text: str) -> Self:
        return self.filter(Q(name__icontains=text) | Q(description__icontains=text) | Q(pk=text))

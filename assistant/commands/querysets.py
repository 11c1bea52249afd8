"""Questions about commands."""

from typing import TYPE_CHECKING, Self

from django.db import models

from access.principals import Principal

if TYPE_CHECKING:
    from assistant.commands.models import Command  # noqa: F401 - for annotations only


class CommandQuerySet(models.QuerySet["Command"]):
    def visible_to(self, principal: Principal) -> Self:
        return self if principal.is_known else self.none()

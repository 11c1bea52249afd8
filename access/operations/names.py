"""What users, groups and roles may be called."""

import re
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from access import limits
from access.errors import EntityExists
from access.principals import ANONYMOUS, SYSTEM
from console.kit.errors import InvalidParameter

# No wildcard, slash or colon: the name is part of a resource's name, and policies compare it as it is.
NAME_FORM = re.compile(r"[A-Za-z0-9._@-]+")
# Names that the audit trail gives to those who are no users, and those that no address can hold.
RESERVED = frozenset({SYSTEM.name, ANONYMOUS.name, ".", ".."})


def check_name(name: str) -> None:
    if not 1 <= len(name) <= limits.NAME_CHARACTERS or not NAME_FORM.fullmatch(name):
        message = _("The name has 1 to %(most)d letters, digits or . _ @ -")
        raise InvalidParameter(message % {"most": limits.NAME_CHARACTERS}, field="name")
    if name.lower() in RESERVED:
        raise InvalidParameter(_("This name is kept for the console itself."), field="name")


def check_name_free(rows: "QuerySet[Any]", column: str, name: str) -> None:
    """Raise EntityExists also for a name that differs in capitals alone: people would mix them up."""
    if rows.filter(**{f"{column}__iexact": name}).exists():
        raise EntityExists(_("The name %(name)s is taken.") % {"name": name}, field="name")

"""Reading the audit trail out: exports that end when the permission does."""

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from access.models import AuditEntry, User
from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.identities import Origin, principal_for
from access.operations.roles_taken import role_in_force
from access.principals import Door, Principal
from access.querysets import AuditEntryQuerySet
from access.rules import exports
from access.rules.exports import End, Format
from access.rules.marks import TakenRole

LOOK_UP = "actiontrail:LookupEvents"
# How many entries are handed out before the permission is asked for again.
BATCH = 500

Ended = Callable[[End], None]


def export_entries(
    principal: Principal,
    entries: AuditEntryQuerySet,
    form: Format,
    *,
    filters: dict[str, str],
    said: dict[str, str],
    most: int | None = None,
    ended: Ended = lambda _end: None,
    taken: TakenRole | None = None,
) -> Iterator[str]:
    """The lines of an export of `entries`, which the principal is asked for anew at every batch.

    What was asked for is remembered before the first line: `said` in the audit trail, `filters` (all but
    the time) in the last line, which also says whether something broke it off. Entries that are written
    meanwhile are not part of it. `taken` says how long the principal's role lasts, if it is in one.
    """
    begin_export(principal, form, said)
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    until_now = entries.filter(pk__lte=newest)
    return lines(principal, until_now, form, filters=filters, most=most, ended=ended, taken=taken)


@operation(LOOK_UP)
def begin_export(principal: Principal, form: Format, said: dict[str, str]) -> None:
    authorize(principal, LOOK_UP)

    record(principal, "actiontrail:ExportEvents", "", format=form, filters=said)


def lines(
    principal: Principal,
    entries: AuditEntryQuerySet,
    form: Format,
    *,
    filters: dict[str, str],
    most: int | None,
    ended: Ended,
    taken: TakenRole | None,
) -> Iterator[str]:
    end = End(0, None, None, "", filters)
    after: int = 0
    yield exports.head(form)
    while not end.broken_off:
        if not may_still(principal, taken):
            end = end._replace(broken_off=_("The permission to read the audit trail was withdrawn."))
            break
        size = BATCH if most is None else min(BATCH, most - end.entries)
        batch = list(entries.filter(pk__gt=after).order_by("pk")[:size])
        if not batch:
            break
        after, links = batch[-1].id, [one.link for one in batch]
        yield "".join(exports.line(link, form) for link in links)
        first = links[0].number if end.first is None else end.first
        end = end._replace(
            entries=end.entries + len(links), first=first, last=links[-1].number, hash=links[-1].hash
        )
        if end.entries == most:
            message = _("This part ends after %(count)d entries. The next one begins after entry %(last)s.")
            end = end._replace(broken_off=message % {"count": most, "last": end.last})
    yield exports.foot(end, form)
    ended(end)


def may_still(principal: Principal, taken: TakenRole | None) -> bool:
    """Ask the database, not the principal: what they may do was read when the request came."""
    user = User.objects.filter(pk=principal.user_id or 0, is_active=True).first()
    if user is None or (principal.door is Door.CONSOLE and not user.console_access):
        return False
    origin = Origin(principal.source_ip, principal.is_secure, principal.has_second_factor)
    asking = principal_for(user, principal.door, origin=origin)
    if principal.role:
        role = role_in_force(asking, taken) if taken else None
        if role is None:
            return False
        asking = principal_for(user, principal.door, origin=origin, role=role)
    return asking.may(LOOK_UP, "*")

"""From users to principals, and from principals to their policies."""

from datetime import datetime
from threading import Lock
from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _

from access.models import Policy, PolicyVersion, Role, User
from access.principals import Door, Principal
from access.rules import documents
from access.rules.policies import Policy as Statements
from access.rules.policies import PolicySet
from console.kit.errors import NotFound

KEPT = 2048


class Origin(NamedTuple):
    """Where a request came from and how."""

    source_ip: str = ""
    is_secure: bool = False
    has_second_factor: bool = False


NOWHERE = Origin()


def principal_for(
    user: User, door: Door, *, source_ip: str = "", origin: Origin = NOWHERE, role: Role | None = None
) -> Principal:
    """The user at a door; in a role, which counts instead of what the user is."""
    if role is None:
        attached = Q(attachments__user=user.pk) | Q(attachments__group__user=user.pk)
    else:
        attached = Q(attachments__role=role.pk)
    return Principal(
        name=user.get_username(),
        door=door,
        user_id=user.pk,
        is_administrator=user.is_superuser and role is None,
        source_ip=source_ip or origin.source_ip,
        is_secure=origin.is_secure,
        has_second_factor=origin.has_second_factor,
        role=role.name if role else "",
        load_policies=lambda: policies_attached(attached),
    )


def principal_still(user_id: int | None, door: Door, *, origin: Origin, role: str = "") -> Principal | None:
    """Whoever asked for what goes on, with what they may do now; None where they or their role are gone."""
    user = User.objects.filter(pk=user_id or 0, is_active=True).first()
    named = Role.objects.filter(name=role).first() if role else None
    if user is None or (role and named is None):
        return None
    return principal_for(user, door, origin=origin, role=named)


def principal_named(username: str, door: Door) -> Principal:
    """The principal of an active user; raises NotFound with a sentence for the command line."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound(_("There is no active user %(name)s.") % {"name": username})
    return principal_for(user, door)


# --- Policies in force ---


class InForce(NamedTuple):
    """A policy's version that counts: what a process remembers it by."""

    name: str
    version: int
    updated_at: datetime


class Memory:
    """What this process has read: statements per version of a policy, sets per combination of them.

    Which versions are in force is asked of the database every time; only the reading is saved.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._policies: dict[InForce, Statements] = {}
        self._sets: dict[tuple[InForce, ...], PolicySet] = {}

    def policies(self, wanted: tuple[InForce, ...]) -> PolicySet:
        known = self._sets.get(wanted)
        if known is not None:
            return known
        read = self._read(wanted)
        # One that was detached and deleted a moment ago is not there any more, and counts no more.
        made = PolicySet(read[one] for one in wanted if one in read)
        if len(read) == len(wanted):
            with self._lock:
                if len(self._sets) >= KEPT:
                    self._sets.clear()
                self._sets[wanted] = made
        return made

    def _read(self, wanted: tuple[InForce, ...]) -> dict[InForce, Statements]:
        found = {one: self._policies[one] for one in wanted if one in self._policies}
        missing = {(one.name, one.version): one for one in wanted if one not in found}
        # By number, and not what is in force by now: the set that was attached is read whole.
        for version in PolicyVersion.objects.numbered(missing) if missing else ():
            one = missing[version.policy.name, version.number]
            found[one] = documents.read(version.document, name=one.name)
        with self._lock:
            if len(self._policies) + len(found) > KEPT:
                self._policies.clear()
            self._policies.update(found)
        return found


memory = Memory()


def policies_attached(attached: Q) -> PolicySet:
    """The policies whose attachments match, in force now: one query, when all have been read before."""
    rows = Policy.objects.filter(attached).distinct().order_by("name")
    return memory.policies(tuple(InForce(*row) for row in rows.values_list("name", "version", "updated_at")))

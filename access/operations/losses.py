"""Who loses what by a change: told before it is done, and to be confirmed by whoever does it.

told = losses_of_leaving(principal, user, group)
check_confirmed(told, confirmed=confirmed)
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.errors import NotConfirmed
from access.models import Policy, PolicyAttachment, Role, User
from access.operations.holders import Holding, holdings, policies_in_force, takers
from access.operations.identities import InForce
from access.principals import Principal
from access.rules.actions import ALL, Action
from access.rules.losses import Comparison
from access.rules.policies import Effect, Statement

# Policy by policy, action by action: the statements that allow it.
Allowed = defaultdict[str, defaultdict[str, list[Statement]]]

NAMES = [action.name for action in ALL]
# More names than this make no sentence, and more details than that no page.
NAMED = 5
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """What a set of policies allows less than before."""

    # Nothing allows these any more.
    lost: tuple[Action, ...] = ()
    # Something still allows these, though maybe on fewer resources or under conditions.
    narrowed: tuple[Action, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lost or self.narrowed)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one user may not do any more; or, without a user, what a role does not give any more."""

    name: str
    shrinkage: Shrinkage
    is_own: bool = False
    is_role: bool = False


@dataclass(frozen=True, slots=True)
class Losses:
    """Who loses what. Those whom the principal may not see are only counted."""

    seen: tuple[Loss, ...] = ()
    n_hidden: int = 0

    def __bool__(self) -> bool:
        return bool(self.seen or self.n_hidden)

    @property
    def own(self) -> Loss | None:
        return next((one for one in self.seen if one.is_own), None)

    @property
    def shown(self) -> tuple[Loss, ...]:
        """One's own first: that is what must not be missed."""
        return tuple(sorted(self.seen, key=lambda one: not one.is_own)[:SHOWN])

    @property
    def n_not_shown(self) -> int:
        return len(self.seen) + self.n_hidden - len(self.shown)

    @property
    def sentence(self) -> str:
        names = ", ".join(one.name for one in self.seen[:NAMED])
        n_more = len(self.seen[NAMED:]) + self.n_hidden
        if not names:
            text = ngettext("%(n)d user loses permissions.", "%(n)d users lose permissions.", n_more)
        elif n_more:
            text = _("%(names)s and %(n)d more lose permissions.")
        else:
            text = ngettext("%(names)s loses permissions.", "%(names)s lose permissions.", len(self.seen))
        return text % {"names": names, "n": n_more}


NOTHING = Losses()


def check_confirmed(told: Losses, *, confirmed: bool) -> None:
    """Raise NotConfirmed where somebody loses something and nobody has said that this is meant."""
    if told and not confirmed:
        raise NotConfirmed(_("%(losses)s Confirm that this is meant.") % {"losses": told.sentence})


def check_own_confirmed(principal: Principal, user: User, sentence: str, *, confirmed: bool) -> None:
    """Raise NotConfirmed with the sentence where somebody is about to shut themselves out."""
    if user.pk == principal.user_id and not confirmed:
        raise NotConfirmed(sentence)


# --- What goes ---


def losses_of_detaching(principal: Principal, attachment: PolicyAttachment) -> Losses:
    if attachment.role_id is not None:
        return losses_in_role(principal, attachment.role, gone=attachment.policy.name)  # type: ignore[arg-type]
    users = User.objects.filter(attachments=attachment)
    if attachment.group_id is not None:
        users = User.objects.filter(groups=attachment.group_id)
    return losses_among(principal, users, lambda one: one.attachment_id == attachment.pk)


def losses_of_leaving(principal: Principal, user: User, group: Group) -> Losses:
    users = User.objects.filter(pk=user.pk)
    return losses_among(principal, users, lambda one: one.group_id == group.pk)


def losses_of_group(principal: Principal, group: Group) -> Losses:
    """What its members lose when a group is deleted."""
    users = User.objects.filter(groups=group)
    return losses_among(principal, users, lambda one: one.group_id == group.pk)


def losses_of_policy(principal: Principal, policy: Policy) -> Losses:
    """What everybody loses when a policy is deleted or detached everywhere."""
    through = PolicyAttachment.objects.filter(policy=policy)
    users = User.objects.filter(attachments__in=through) | User.objects.filter(
        groups__attachments__in=through
    )
    told = losses_among(principal, users.distinct(), lambda one: one.policy.name == policy.name)
    roles = Role.objects.filter(attachments__in=through)
    in_roles = losses_in_roles(principal, roles, gone=policy.name)
    return Losses(told.seen + in_roles.seen, told.n_hidden + in_roles.n_hidden)


def losses_in_role(principal: Principal, role: Role, *, gone: str = "") -> Losses:
    """What a role gives less without one of its policies, or, without a name, when it is deleted.

    Nobody loses anything where nobody but an administrator may take it on.
    """
    if not takers(role).exists():
        return NOTHING
    return losses_in_roles(principal, Role.objects.filter(pk=role.pk), gone=gone)


def losses_in_roles(principal: Principal, roles: "QuerySet[Role]", *, gone: str) -> Losses:
    held: dict[str, set[InForce]] = defaultdict(set)
    rows = PolicyAttachment.objects.filter(role__in=roles.order_by().values("pk"))
    columns = ("role__name", "policy__name", "policy__version", "policy__updated_at")
    for role, name, version, updated_at in rows.values_list(*columns):
        held[role].add(InForce(name, version, updated_at))
    allowed = allowed_by({policy for policies in held.values() for policy in policies})
    shrunk = {}
    for role, before in held.items():
        after = frozenset(one for one in before if gone and one.name != gone)
        shrunk[role] = shrinkage(allowed, before=frozenset(before), after=after)
    visible = Role.objects.visible_to(principal).filter(name__in=list(held)).order_by("name")
    names = [name for name in visible.values_list("name", flat=True) if shrunk[name]]
    seen = tuple(Loss(name, shrunk[name], is_role=True) for name in names)
    return Losses(seen, sum(map(bool, shrunk.values())) - len(seen))


# --- How it is reckoned ---


def losses_among(principal: Principal, users: "QuerySet[User]", goes: Callable[[Holding], bool]) -> Losses:
    """What each of the users loses when those holdings go. Administrators need none and lose none."""
    held: dict[int, list[Holding]] = defaultdict(list)
    for one in holdings(users.filter(is_superuser=False)):
        held[one.user_id].append(one)
    shrunk = shrinkages(held, goes)
    seen = User.objects.visible_to(principal).filter(pk__in=list(shrunk)).order_by("username")
    names = dict(seen.values_list("pk", "username"))
    if principal.user_id is not None and principal.user_id in shrunk:
        names[principal.user_id] = principal.name
    rows = [Loss(names[pk], shrunk[pk], is_own=pk == principal.user_id) for pk in names]
    return Losses(tuple(rows), len(shrunk) - len(rows))


def shrinkages(held: Mapping[int, list[Holding]], goes: Callable[[Holding], bool]) -> dict[int, Shrinkage]:
    """Per user, those that lose something; reckoned once for all who hold the same."""
    allowed = allowed_by({one.policy for ones in held.values() for one in ones})
    known: dict[tuple[frozenset[InForce], frozenset[InForce]], Shrinkage] = {}
    shrunk = {}
    for user_id, ones in held.items():
        before = frozenset(one.policy for one in ones)
        after = frozenset(one.policy for one in ones if not goes(one))
        if before == after:
            continue
        if (before, after) not in known:
            known[before, after] = shrinkage(allowed, before=before, after=after)
        if known[before, after]:
            shrunk[user_id] = known[before, after]
    return shrunk


def allowed_by(policies: Iterable[InForce]) -> Allowed:
    """Per policy and action the statements that allow it: many users hold the same policies."""
    allowed: Allowed = defaultdict(lambda: defaultdict(list))
    for statement in policies_in_force(policies).statements:
        if statement.effect is Effect.ALLOW:
            for action in filter(statement.names, NAMES):
                allowed[statement.policy][action].append(statement)
    return allowed


def shrinkage(allowed: Allowed, *, before: frozenset[InForce], after: frozenset[InForce]) -> Shrinkage:
    """What goes with the policies that are in `before` alone and is not allowed as far by those left."""
    left: dict[str, list[Statement]] = defaultdict(list)
    for policy in after:
        for action, statements in allowed[policy.name].items():
            left[action] += statements
    comparison = Comparison()
    less = {
        action
        for policy in before - after
        for action, statements in allowed[policy.name].items()
        if not all(comparison.is_replaced(one, left[action]) for one in statements)
    }
    return Shrinkage(
        lost=tuple(one for one in ALL if one.name in less and not left[one.name]),
        narrowed=tuple(one for one in ALL if one.name in less and left[one.name]),
    )

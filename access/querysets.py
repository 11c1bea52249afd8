"""Questions about users, policies, quotas and the audit trail."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NoReturn, Self

from django.contrib.auth.models import Group
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone

from access.principals import Principal
from access.scopes import GROUPS, POLICIES, ROLES, USERS, scope

if TYPE_CHECKING:
    from access.models import (  # noqa: F401 - for annotations only
        AuditEntry,
        PasswordPolicy,
        Policy,
        PolicyAttachment,
        PolicyVersion,
        Quota,
        Role,
        Session,
        User,
    )


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, "ram:ListUsers", on=[USERS])

    def administrators(self) -> Self:
        return self.filter(is_superuser=True, is_active=True)

    def search(self, text: str) -> Self:
        return self.filter(
            Q(username__icontains=text) | Q(display_name__icontains=text) | Q(email__icontains=text)
        )

    def holding(self, policies: Iterable[int]) -> Self:
        """Those for whom one of the policies counts, of their own or through a group."""
        from access.models import PolicyAttachment

        attached = PolicyAttachment.objects.filter(policy__in=list(policies))
        own = attached.filter(user=OuterRef("pk"))
        through = attached.filter(group__user=OuterRef("pk"))
        return self.filter(Exists(own) | Exists(through))

    def for_table(self) -> Self:
        """Everything a row of the users' table prints, in one query; administrators first."""
        from access.models import Authenticator, PolicyAttachment

        memberships = self.model.groups.through.objects.filter(user=OuterRef("pk"))
        own_policies = PolicyAttachment.objects.filter(user=OuterRef("pk"))
        factors = Authenticator.objects.filter(user=OuterRef("pk"), confirmed=True)
        return self.annotate(
            n_groups=counted(memberships, by="user"),
            n_policies=counted(own_policies, by="user"),
            has_second_factor=Exists(factors),
        ).order_by("-is_superuser", "username")


def counted(rows: "models.QuerySet[Any]", *, by: str) -> Coalesce:
    """How many of the rows there are, as a column: a subquery, so that several do not multiply each other."""
    numbers = rows.order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(numbers), 0)


class UserManager(DjangoUserManager["User"]):
    """Django's own, with our questions."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def visible_to(self, principal: Principal) -> UserQuerySet:
        return self.get_queryset().visible_to(principal)

    def administrators(self) -> UserQuerySet:
        return self.get_queryset().administrators()


class RoleQuerySet(models.QuerySet["Role"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, "ram:ListRoles", on=[ROLES])

    def assumable_by(self, principal: Principal) -> Self:
        """The roles that this user may take on."""
        return scope(principal, self, "sts:AssumeRole", on=[ROLES])


class SessionQuerySet(models.QuerySet["Session"]):
    def alive(self) -> Self:
        return self.filter(expire_date__gt=timezone.now())

    def of(self, principal: Principal) -> Self:
        """The open sessions of the principal, the one that was last used first."""
        return self.alive().filter(user=principal.user_id).order_by("-seen_at")


class PasswordPolicyQuerySet(models.QuerySet["PasswordPolicy"]):
    def current(self) -> "PasswordPolicy":
        """What passwords must be like: the one row, or the defaults where there is none."""
        return self.filter(pk=1).first() or self.model(pk=1)


class PolicyQuerySet(models.QuerySet["Policy"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, "ram:ListPolicies", on=[POLICIES])

    def search(self, text: str) -> Self:
        return self.filter(Q(name__icontains=text) | Q(description__icontains=text))

    def with_use(self) -> Self:
        """With `n_attached`: at how many users, groups and roles it is."""
        return self.annotate(n_attached=Count("attachments"))


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def in_force(self, names: Iterable[str]) -> Self:
        """The versions that count of the policies with these names."""
        return self.filter(policy__name__in=list(names), number=F("policy__version")).select_related("policy")

    def numbered(self, pairs: Iterable[tuple[str, int]]) -> Self:
        """These versions, (policy's name, number) each."""
        wanted = Q(pk__in=[])
        for name, number in pairs:
            wanted |= Q(policy__name=name, number=number)
        return self.filter(wanted).select_related("policy")


class PolicyAttachmentQuerySet(models.QuerySet["PolicyAttachment"]):
    def visible_to(self, principal: Principal) -> Self:
        """Those at users, groups and roles that may be seen."""
        from access.models import Role, User

        if principal.is_administrator:
            return self
        groups = scope(principal, Group.objects.all(), "ram:ListGroups", on=[GROUPS])
        return self.filter(
            Q(user__in=User.objects.visible_to(principal))
            | Q(group__in=groups)
            | Q(role__in=Role.objects.visible_to(principal))
        )

    def of_user(self, user_id: int) -> Self:
        """The user's own and those of their groups."""
        return self.filter(Q(user=user_id) | Q(group__user=user_id))


class QuotaQuerySet(models.QuerySet["Quota"]):
    def for_region(self, region_id: str) -> Self:
        """The values that may count there: the region's own, and those for every region."""
        return self.filter(region_id__in=[region_id, ""])


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def visible_to(self, principal: Principal) -> Self:
        return self if principal.may("actiontrail:LookupEvents", "*") else self.none()

    def between(self, begin: datetime | None, end: datetime | None) -> Self:
        rows = self.filter(at__gte=begin) if begin else self
        return rows.filter(at__lt=end) if end else rows

    def written_between(self, begin: datetime | None, end: datetime | None) -> Self:
        """The same as a piece of the chain: from the first to the last of them, with all that is between.

        Moments are taken when something begins and places in the chain when it ends: their orders differ.
        """
        if begin is None and end is None:
            return self
        ends = self.between(begin, end).aggregate(first=Min("pk"), last=Max("pk"))
        return self.filter(pk__range=(ends["first"], ends["last"])) if ends["first"] else self.none()

    def newest_first(self) -> Self:
        return self.order_by("-at", "-pk")

    def before(self, at: datetime, pk: int) -> Self:
        """Those that follow this place in the order of the page."""
        return self.filter(at__lte=at).exclude(at=at, pk__gte=pk)

    def back_to(self, at: datetime, pk: int) -> Self:
        return self.filter(at__gte=at).exclude(at=at, pk__lt=pk)

    def equal_to(self, **values: str) -> Self:
        """Those with these values, whatever the database holds of indexes.

        For filters beside a leading one: a planner that walked another index would leave the window
        that the leading one has drawn, and read a million rows.
        """
        rows = self
        for name, value in values.items():
            rows = rows.alias(**{f"{name}_said": Concat(name, Value(""))}).filter(**{f"{name}_said": value})
        return rows

    def mentioning(self, text: str) -> Self:
        """Those that say the text anywhere, in any case of its letters."""
        # SQLite keeps JSON with other letters than ASCII spelled out.
        spelled = json.dumps(text)[1:-1]
        rows = self.alias(facts_said=Cast("facts", models.TextField()))
        names = ("principal", "role", "action", "resource", "source_ip", "facts_said")
        said = [Q(**{f"{name}__icontains": text}) for name in names]
        return rows.filter(reduce(or_, said, Q(facts_said__icontains=spelled)))

    def update(self, **_values: Any) -> NoReturn:
        raise TypeError("The audit trail is written once.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit trail is written once.")

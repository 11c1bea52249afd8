"""Questions about activation codes and instances."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import connection, models
from django.db.models import Case, CharField, Count, Exists, F, Max, OuterRef, Prefetch, Q, Value, When
from django.utils import timezone

from access.principals import Principal
from access.rules.conditions import RUN_AS_KEY
from access.rules.scoping import Scoped
from access.scopes import scope
from assistant.instances import limits
from assistant.instances.rules.fitness import WINDOWS, Able, Fit, Misfit, Part, Wanted, fit

if TYPE_CHECKING:
    from assistant.instances.models import Activation, Instance, Region, Selection, Tag  # noqa: F401 - for annotations only


# What shows an instance in the console: either of the API's two actions does, a Deny of either hides it.
SEES_INSTANCES = ("ecs:DescribeManagedInstances", "ecs:DescribeInstances")


def tags_of(path: str) -> "Callable[[str], models.QuerySet[Tag]]":
    """The tags with a key of the instance whose id is at `path` of the row in question."""

    def tags(key: str) -> "models.QuerySet[Tag]":
        from assistant.instances.models import Tag

        return Tag.objects.filter(instance=OuterRef(path), key=key)

    return tags


INSTANCES = Scoped("ecs", "instance", id="id", region="region_id", tags=tags_of("pk"))
ACTIVATIONS = Scoped("ecs", "activation", id="id", region="region_id")


class RegionQuerySet(models.QuerySet["Region"]):
    def visible_to(self, principal: Principal) -> Self:
        """Those in which the principal may do anything."""
        if principal.is_administrator:
            return self
        ids = self.values_list("pk", flat=True)
        return self.filter(pk__in=[pk for pk in ids if principal.policies.allows_in_region(pk)])


class ActivationQuerySet(models.QuerySet["Activation"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, "ecs:DescribeActivations", on=[ACTIVATIONS])

    def lock_in_order(self, ids: Iterable[str]) -> None:
        """Hold these rows, in primary-key order and before those of instances, as everyone who takes both."""
        rows = self.filter(pk__in=list(ids)).order_by("pk")
        if connection.features.has_select_for_update:
            list(rows.select_for_update(no_key=True).values_list("pk"))

    def usable(self, now: datetime) -> Self:
        """Those that can register a server now."""
        return self.filter(
            disabled=False, expires_at__gt=now, registered_count__lt=models.F("instance_count")
        )


class InstanceQuerySet(models.QuerySet["Instance"]):
    def visible_to(self, principal: Principal) -> Self:
        return scope(principal, self, *SEES_INSTANCES, on=[INSTANCES])

    def open_to(self, principal: Principal, action: str) -> Self:
        """Those on which the principal may do `action`, as far as is known before the form is filled in."""
        return scope(principal, self, action, on=[INSTANCES], open_keys=frozenset({RUN_AS_KEY}))

    def registered(self) -> Self:
        """Those that are still ours: neither deregistered nor replaced by a new registration."""
        return self.filter(released_at__isnull=True)

    def connected(self, now: datetime | None = None) -> Self:
        return self.filter(connected_at(now or timezone.now()))

    def tally(self) -> tuple[int, int]:
        """How many there are, and how many of them are connected. One query."""
        counted = self.aggregate(n=Count("pk"), n_connected=Count("pk", filter=connected_at(timezone.now())))
        return counted["n"], counted["n_connected"]

    def with_misfit(self, wanted: Wanted) -> Self:
        """With `misfit`: why a command that asks this cannot run there (Misfit), or nothing."""
        reasons = [When(refused, then=Value(kind.value)) for kind, refused in self._refusals(wanted)]
        if not reasons:
            return self.annotate(misfit=Value("", CharField()))
        return self.annotate(misfit=Case(*reasons, default=Value(""), output_field=CharField()))

    def fitting(self, wanted: Wanted) -> Self:
        return self.with_misfit(wanted).filter(Q(misfit=""))

    def misfits(self, wanted: Wanted) -> Self:
        return self.with_misfit(wanted).exclude(Q(misfit=""))

    def fit(self, wanted: Wanted) -> Fit:
        """How many a command that asks this runs on, and how many it leaves out why. One query."""
        connected = Count("pk", filter=connected_at(timezone.now()))
        rows = self.with_misfit(wanted).order_by().values_list("region_id", F("misfit"))
        return fit(Part(*row) for row in rows.annotate(number=Count("pk"), n_connected=connected))

    def _refusals(self, wanted: Wanted) -> list[tuple[Misfit, Q]]:
        refusals = []
        if wanted.system == WINDOWS:
            refusals.append((Misfit.SYSTEM, ~Q(os_type=WINDOWS)))
        elif wanted.system:
            refusals.append((Misfit.SYSTEM, Q(os_type=WINDOWS)))
        if wanted.region_id:
            refusals.append((Misfit.REGION, ~Q(region=wanted.region_id)))
        if wanted.username:
            bound = Q(is_privileged=False) & ~Q(default_username=wanted.username)
            refusals.append((Misfit.ACCOUNT, bound))
        if wanted.able:
            refusals.append((Misfit.CLIENT, self._unable(wanted.able)))
        return refusals

    def _unable(self, able: Able) -> Q:
        """Those with a client that is too old; one query, for the kinds of clients that there are."""
        kinds = self.model.objects.registered().order_by()
        unable = Q(pk__in=[])
        for kind in kinds.values_list("os_type", "agent_name", "agent_version").distinct():
            if not able(*kind):
                os_type, name, version = kind
                unable |= Q(os_type=os_type, agent_name=name, agent_version=version)
        return unable

    def at_place(self, region_id: str | None, tag_key: str = "", tag_value: str = "") -> Self:
        """Those in the region, if one is named, with the tag, if one is; any value of it if none is."""
        found = self.filter(region=region_id) if region_id else self.all()
        return found.tagged(tag_key, tag_value or None) if tag_key else found

    def gone(self) -> Self:
        """Those that are deregistered, with `misfit` saying so."""
        return self.filter(released_at__isnull=False).annotate(misfit=Value(Misfit.GONE.value))

    def with_connection(self, now: datetime) -> Self:
        """With `is_connected`, as `connected` asks it."""
        return self.annotate(is_connected=Case(When(connected_at(now), then=True), default=False))

    def disconnected(self, now: datetime | None = None) -> Self:
        return self.exclude(connected_at(now or timezone.now()))

    def with_channel(self) -> Self:
        return self.exclude(channel="")

    def tagged(self, key: str, value: str | None = None) -> Self:
        from assistant.instances.models import Tag

        tags = Tag.objects.filter(instance=OuterRef("pk"), key=key)
        return self.filter(Exists(tags if value is None else tags.filter(value=value)))

    def for_table(self) -> Self:
        """What a row of the instances table prints: two queries, one for the rows, one for their tags."""
        from assistant.instances.models import Tag

        return (
            self.select_related("region", "activation")
            .prefetch_related(Prefetch("tags", queryset=Tag.objects.order_by("key")))
            .defer("public_key")
        )

    def for_choice(self) -> Self:
        """What a line to tick prints, in one query."""
        return self.defer("public_key")

    def with_history(self) -> Self:
        """With `n_invocations` and `last_invoked_at`, as the API's lists have them."""
        history = {"n_invocations": Count("targets"), "last_invoked_at": Max("targets__created_at")}
        return self.defer("public_key").annotate(**history)

    def search(self, text: str) -> Self:
        """Those whose id, name, host name or address contains `text`."""
        return self.filter(
            Q(name__icontains=text)
            | Q(id__istartswith=text)
            | Q(hostname__icontains=text)
            | Q(intranet_ip__startswith=text)
            | Q(internet_ip__startswith=text)
        )

    def with_successor(self) -> Self:
        """With `has_successor`: whether the same machine has registered again and is there."""
        successors = self.model.objects.registered().filter(machine_id=OuterRef("machine_id"))
        return self.annotate(has_successor=Exists(successors.exclude(pk=OuterRef("pk"))))

    def on_dead_nodes(self, now: datetime) -> Self:
        """Those whose socket was held by a web process that is no more."""
        return self.with_channel().filter(
            Q(channel_node__isnull=True) | Q(channel_node__seen_at__lt=now - limits.NODE_GONE_AFTER)
        )

    def fallen_silent(self, now: datetime) -> Self:
        """Those that crossed one of the limits of `connected` within the last two looks of the sweep."""
        looks = 2 * limits.NODE_HEARTBEAT
        beat, lost = now - limits.OFFLINE_AFTER, now - limits.OWN_CHANNEL_GRACE
        silent = Q(last_seen_at__gt=beat - looks, last_seen_at__lte=beat)
        cut = Q(channel="", channel_changed_at__gt=lost - looks, channel_changed_at__lte=lost)
        return self.registered().filter(silent | cut)

    def lock_in_order(self, ids: Iterable[str]) -> list[str]:
        """Lock these rows in primary-key order, the one order in which batches may lock; say which exist."""
        rows = self.filter(pk__in=list(ids)).order_by("pk")
        if connection.features.has_select_for_update:
            rows = rows.select_for_update(of=("self",), no_key=True)
        return list(rows.values_list("pk", flat=True))


class SelectionQuerySet(models.QuerySet["Selection"]):
    def visible_to(self, principal: Principal) -> Self:
        """One's own, and the shared ones for everybody who may see instances at all."""
        own = Q(owner=principal.user_id)
        sees_some = any(principal.opens(action) for action in SEES_INSTANCES)
        return self.filter(own | Q(is_shared=True) if sees_some else own)

    def changeable_by(self, principal: Principal) -> Self:
        """One's own; administrators change the shared ones too."""
        own = Q(owner=principal.user_id)
        return self.filter(own | Q(is_shared=True) if principal.is_administrator else own)

    def for_table(self) -> Self:
        return self.select_related("owner").order_by("name", "pk")


def connected_at(now: datetime) -> Q:
    """`Normal` as Instance.connection_status says it, for the database."""
    silent = Q(
        agent_name=limits.OWN_AGENT, channel="", channel_changed_at__lte=now - limits.OWN_CHANNEL_GRACE
    )
    seen = Q(released_at__isnull=True, last_seen_at__gt=now - limits.OFFLINE_AFTER)
    return seen & ~silent

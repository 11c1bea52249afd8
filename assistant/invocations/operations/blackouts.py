"""Blackout windows: times in which no plan runs, made, changed and deleted by people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.quotas import tomorrow_after
from access.principals import Principal
from access.rules.quotas import RUNS
from assistant.instances.models import Instance, Region
from assistant.instances.querysets import InstanceQuerySet
from assistant.invocations import followups, limits
from assistant.invocations.models import Blackout
from assistant.invocations.querysets import TargetQuerySet
from assistant.invocations.rules.blackouts import Single, Stretch, Weekly, Window, stretch_at
from assistant.invocations.rules.zones import UTC_ZONE
from assistant.invocations.states import OPEN, HoldCause
from console.kit.errors import InvalidParameter, QuotaExceeded


@dataclass(frozen=True, slots=True)
class BlackoutTerms:
    """What a window is: why, when and where. No region is every one, no tag every instance."""

    reason: str
    window: Window
    region: Region | None = None
    tag_key: str = ""
    tag_value: str = ""


@operation("ecs:CreateBlackoutWindow")
def create_blackout(principal: Principal, terms: BlackoutTerms) -> Blackout:
    """Have no plan run there then. Plans that are about to are taken back from their agents at once."""
    authorize(principal, "ecs:CreateBlackoutWindow")

    check_terms(terms)
    if Blackout.objects.count() >= limits.BLACKOUTS:
        message = _("There are %(most)d blackout windows. Delete one first.")
        raise QuotaExceeded(message % {"most": limits.BLACKOUTS})
    blackout = Blackout.objects.create(**columns_of(terms), created_by=principal.name)

    record(principal, "ecs:CreateBlackoutWindow", str(blackout.pk), **facts_of(blackout))
    followups.hold_plans()
    return blackout


@operation("ecs:ModifyBlackoutWindow")
def modify_blackout(principal: Principal, blackout: Blackout, terms: BlackoutTerms) -> Blackout:
    """Say all of it anew. What it no longer holds is given back at once."""
    authorize(principal, "ecs:ModifyBlackoutWindow")

    check_terms(terms)
    for name, value in columns_of(terms).items():
        setattr(blackout, name, value)
    blackout.save()

    record(principal, "ecs:ModifyBlackoutWindow", str(blackout.pk), **facts_of(blackout))
    followups.hold_plans()
    return blackout


@operation("ecs:DeleteBlackoutWindow")
def delete_blackout(principal: Principal, blackout: Blackout) -> None:
    """Forget it. What it holds is given back at once."""
    authorize(principal, "ecs:DeleteBlackoutWindow")

    pk, facts = blackout.pk, facts_of(blackout)
    blackout.delete()

    record(principal, "ecs:DeleteBlackoutWindow", str(pk), **facts)
    followups.hold_plans()


def check_terms(terms: BlackoutTerms) -> None:
    if not 1 <= len(terms.reason.strip()) <= limits.REASON_CHARACTERS:
        message = _("Say in 1 to %(most)d characters why nothing runs then.")
        raise InvalidParameter(message % {"most": limits.REASON_CHARACTERS}, field="reason")
    if terms.tag_value and not terms.tag_key:
        raise InvalidParameter(_("A tag has a key: say env=prod, or env for any value."), field="tag")
    match terms.window:
        case Weekly(weekdays=weekdays) if not weekdays:
            raise InvalidParameter(_("Choose at least one day."), field="days")
        case Single(start=start, end=end) if end <= start:
            raise InvalidParameter(_("It has to end after it has begun."), field="ends")
        case Single(end=end) if end <= timezone.now():
            raise InvalidParameter(_("It is over already."), field="ends")


def columns_of(terms: BlackoutTerms) -> dict[str, object]:
    where = {"region": terms.region, "tag_key": terms.tag_key, "tag_value": terms.tag_value}
    match terms.window:
        case Weekly(weekdays, opens, closes, zone):
            days = "".join(str(day) for day in sorted(weekdays))
            when = {"weekdays": days, "opens": opens, "closes": closes, "zone": zone.name}
            when |= {"starts_at": None, "ends_at": None}
        case Single(start, end):
            when = {"weekdays": "", "opens": None, "closes": None, "zone": UTC_ZONE.name}
            when |= {"starts_at": start, "ends_at": end}
    return {"reason": terms.reason.strip(), **where, **when}


def facts_of(blackout: Blackout) -> dict[str, object]:
    facts = {"reason": blackout.reason, "region": blackout.region_id or "", "tag": blackout.tag}
    if blackout.starts_at and blackout.ends_at:
        return {**facts, "from": blackout.starts_at.isoformat(), "to": blackout.ends_at.isoformat()}
    times = {"days": blackout.weekdays, "from": f"{blackout.opens:%H:%M}", "to": f"{blackout.closes:%H:%M}"}
    return {**facts, **times, "zone": blackout.zone}


# --- What is so now ---


@dataclass(frozen=True, slots=True)
class Dark:
    """A window that is open now: until when, why, and on how many of those that were asked about."""

    until: datetime
    reason: str
    number: int


def dark_now(instance_ids: Iterable[str], *, now: datetime) -> list[Dark]:
    """The windows in which these instances are now, the one that ends last first. One query where there is none."""
    in_force = Blackout.objects.in_force(now)
    if not in_force:
        return []
    ids = set(instance_ids)
    found = []
    for blackout, stretch in in_force:
        there = Instance.objects.at_place(blackout.region_id, blackout.tag_key, blackout.tag_value)
        number = len(ids.intersection(there.registered().values_list("pk", flat=True)))
        if number:
            found.append(Dark(stretch.end, blackout.reason, number))
    return sorted(found, key=lambda dark: dark.until, reverse=True)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A window into which moments of a plan fall, and on how many of its instances."""

    reason: str
    number: int
    moments: list[datetime]


def shadows_on(moments: Sequence[datetime], instances: InstanceQuerySet) -> list[Shadow]:
    """The windows that keep a plan from running there at some of these moments."""
    found = []
    for blackout in Blackout.objects.all():
        dark = [moment for moment in moments if stretch_at(blackout.window, moment)]
        if dark:
            there = instances.at_place(blackout.region_id, blackout.tag_key, blackout.tag_value)
            if number := there.count():
                found.append(Shadow(blackout.reason, number, dark))
    return found


@dataclass(frozen=True, slots=True)
class Hold:
    """Why plans do not run at the moment, until when, and on how many instances."""

    until: datetime
    reason: str
    number: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """How many instances of a plan are held, and by what."""

    number: int
    holds: list[Hold]


@dataclass(frozen=True, slots=True)
class Holding:
    """The windows that are open or about to be, and how to ask what they and the quota hold of some targets."""

    now: datetime
    in_force: Sequence[tuple[Blackout, Stretch]]

    @classmethod
    def at(cls, now: datetime) -> "Holding":
        return cls(now, Blackout.objects.in_force(now, ahead=limits.HOLD_AHEAD))

    def counts(self) -> dict[str, Count]:
        """What a query over targets counts for `held` to read: one query, however many windows there are."""
        counted = {cause.name: held_for(cause) for cause in HoldCause}
        for number, (blackout, _stretch) in enumerate(self.in_force):
            there = Instance.objects.at_place(blackout.region_id, blackout.tag_key, blackout.tag_value)
            counted[f"window_{number}"] = held_for(HoldCause.BLACKOUT, instance__in=there)
        return counted

    def held(self, counted: Mapping[str, Any]) -> Held:
        holds = [
            Hold(stretch.end, blackout.reason, counted[f"window_{number}"])
            for number, (blackout, stretch) in enumerate(self.in_force)
            if counted[f"window_{number}"]
        ]
        if by_quota := counted[HoldCause.QUOTA.name]:
            reason = _("The runs of this region's quota for today are used up.")
            holds.append(Hold(tomorrow_after(self.now), reason, by_quota, RUNS.refusal.code))
        return Held(sum(counted[cause.name] for cause in HoldCause), holds)


def held_for(cause: HoldCause, **where: object) -> Count:
    return Count("pk", filter=Q(held_for=cause, status__in=OPEN, **where))


def held_by_run(targets: TargetQuerySet, *, now: datetime) -> dict[str, Held]:
    """What holds plans of these targets, by invocation. Two queries, however many there are."""
    holding = Holding.at(now)
    rows = targets.held().unfinished().order_by().values("invocation").annotate(**holding.counts())
    return {row["invocation"]: holding.held(row) for row in rows}


def in_words(dark: Dark) -> str:
    message = ngettext(
        "%(number)d instance is in a blackout window until %(until)s UTC: %(reason)s.",
        "%(number)d instances are in a blackout window until %(until)s UTC: %(reason)s.",
        dark.number,
    )
    facts = {"number": dark.number, "until": f"{dark.until:%Y-%m-%d %H:%M}"}
    return message % {**facts, "reason": dark.reason.rstrip(".")}

"""Quotas: how much of something a region may have, counted exactly.

    use(principal, RUNS, region.pk, n=len(places))                      # of a day's quota
    claim(principal, COMMANDS, region.pk, in_use=lambda: stored(region))     # of a standing one

Both belong into the transaction that uses what they count, as late in it as can be: they hold a row of
the region until the commit.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from access.models import Quota, QuotaUse
from access.operations.calls import operation, record
from access.operations.decisions import authorize, authorize_look
from access.principals import Principal
from access.rules import quotas
from access.rules.quotas import Kind, QuotaRule
from console.kit.errors import ConsoleError, InvalidParameter, NotFound

# The part of a quota from which its bar warns.
NEARLY = 0.8

EVERYWHERE = ""


# --- What the floor above tells: regions, and how much of a standing quota is in use ---

Counter = Callable[[str], int]
RegionsOf = Callable[[Principal], Iterable[tuple[str, str]]]

counters: dict[str, Counter] = {}
regions_of: list[RegionsOf] = []


def count_with(quota: QuotaRule, counter: Counter) -> None:
    """Tell how much of a standing quota a region has in use. To be called where an app is made ready."""
    counters[quota.name] = counter


def take_regions_from(source: RegionsOf) -> None:
    """Tell who lists the regions (id and name) that a principal may see."""
    regions_of[:] = [source]


def regions(principal: Principal) -> dict[str, str]:
    return {region_id: name for source in regions_of for region_id, name in source(principal)}


# --- Use ---


def limit(quota: QuotaRule, region_id: str) -> int:
    """What holds in the region: its own value, else that of every region, else the default."""
    values = dict(
        Quota.objects.for_region(region_id).filter(name=quota.name).values_list("region_id", "value")
    )
    return values.get(region_id, values.get(EVERYWHERE, quota.default))


def limits_said(*wanted: QuotaRule) -> list[set[int]]:
    """The values of each of these quotas that hold anywhere: of regions that have their own, and of all others."""
    said = {(quota.name, EVERYWHERE): quota.default for quota in wanted}
    rows = Quota.objects.filter(name__in=[quota.name for quota in wanted])
    said |= {
        (name, region_id): value for name, region_id, value in rows.values_list("name", "region_id", "value")
    }
    return [{value for (name, _region), value in said.items() if name == quota.name} for quota in wanted]


# One conditional UPDATE: of two that ask for the last one gets it, and no value is read that holds no more.
USE = """
    UPDATE access_quotause SET used = used + %(n)s
    WHERE name = %(name)s AND region_id = %(region)s AND period = %(period)s AND used + %(n)s <= COALESCE(
        (SELECT value FROM access_quota WHERE name = %(name)s AND region_id = %(region)s),
        (SELECT value FROM access_quota WHERE name = %(name)s AND region_id = %(everywhere)s),
        %(otherwise)s
    )
"""


def use(principal: Principal, quota: QuotaRule, region_id: str, n: int = 1) -> None:
    """Take `n` from a day's quota. Raises the quota's refusal; what is rolled back was not used."""
    today = today_of(timezone.now())
    if took(quota, region_id, today, n):
        return
    row, _is_new = QuotaUse.objects.get_or_create(name=quota.name, region_id=region_id, period=today)
    if not took(quota, region_id, today, n):
        most = limit(quota, region_id)
        row.refresh_from_db(fields=["used"])
        raise refusal(principal, quota, region_id, used=row.used, most=most, n=n)


def took(quota: QuotaRule, region_id: str, period: str, n: int) -> bool:
    where = {"name": quota.name, "region": region_id, "period": period, "everywhere": EVERYWHERE}
    with connection.cursor() as cursor:
        cursor.execute(USE, {**where, "n": n, "otherwise": quota.default})
        return bool(cursor.rowcount)


def count(quota: QuotaRule, region_id: str, n: int, *, now: datetime) -> None:
    """Note that `n` of a day's quota were used, whatever the quota: what has happened is not refused."""
    if n <= 0:
        return
    row: dict[str, Any] = {"name": quota.name, "region_id": region_id, "period": today_of(now)}
    if not QuotaUse.objects.filter(**row).update(used=F("used") + n):
        QuotaUse.objects.get_or_create(**row)
        QuotaUse.objects.filter(**row).update(used=F("used") + n)


def used_up(quota: QuotaRule, region_ids: Collection[str], *, now: datetime) -> set[str]:
    """Those of these regions that have none of a day's quota left."""
    rows = QuotaUse.objects.filter(name=quota.name, region_id__in=region_ids, period=today_of(now))
    return {pk for pk, used in rows.values_list("region_id", "used") if used >= limit(quota, pk)}


def claim(
    principal: Principal, quota: QuotaRule, region_id: str, in_use: Callable[[], int], n: int = 1
) -> None:
    """Hold the quota until the commit and see that there is room for `n` more. Raises its refusal.

    `in_use` counts the truth, and is asked when nobody else can add to it.
    """
    row, _is_new = QuotaUse.objects.select_for_update().get_or_create(name=quota.name, region_id=region_id)
    most, used = limit(quota, region_id), in_use()
    if used + n > most:
        raise refusal(principal, quota, region_id, used=used, most=most, n=n)
    QuotaUse.objects.filter(pk=row.pk).update(used=used + n)


def check_size(principal: Principal, quota: QuotaRule, region_id: str, n: int, *, field: str) -> None:
    """Raise the quota's refusal where one thing would be larger than the region allows."""
    most = limit(quota, region_id)
    if n > most:
        message = _("%(label)s: at most %(most)s in this region. An administrator may raise the quota.")
        facts = {"label": quota.label, "most": in_words(most)}
        raise quota.refusal(message % facts, field=field, quota=quota.name, region=region_id)


def refusal(
    principal: Principal, quota: QuotaRule, region_id: str, *, used: int, most: int, n: int
) -> ConsoleError:
    facts = {
        "label": quota.label,
        "most": in_words(most),
        "used": in_words(used),
        "n": in_words(n),
    }
    message = _("%(label)s: %(used)s of %(most)s are used in this region, and this needs %(n)s.") % facts
    if quota.kind is Kind.PER_DAY:
        message += " " + _("Counting starts anew at 00:00 UTC.")
    return quota.refusal(message, quota=quota.name, region=region_id)


def in_words(number: int) -> str:
    """5,000 for 5000, in the viewer's language."""
    return number_format(number, use_l10n=True, force_grouping=True)


def today_of(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def tomorrow_after(now: datetime) -> datetime:
    """When a day's quota starts anew."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), tzinfo=UTC)


# --- See and set ---


@dataclass(frozen=True, slots=True)
class QuotaInUse:
    """A quota in a region as people and programs see it."""

    rule: QuotaRule
    value: int
    # None where nothing is counted.
    used: int | None
    # Of a day's quota.
    anew_at: datetime | None
    # Whether the region has a value of its own, and whether that of every region counts.
    is_own: bool
    is_everywhere: bool

    @property
    def tone(self) -> str:
        if self.used is None:
            return ""
        if self.rule.kind is Kind.KEPT:
            return "good"
        if self.used >= self.value:
            return "bad"
        return "warning" if self.used >= self.value * NEARLY else "good"

    @property
    def deletes(self) -> bool:
        """Whether what is beyond it is deleted, rather than nothing more let in."""
        return self.rule.kind is Kind.KEPT

    @property
    def percent(self) -> int:
        """How full the bar is; what is used is seen, however little."""
        if not self.used:
            return 0
        return min(100, max(1, self.used * 100 // self.value)) if self.value else 100

    @property
    def said_used(self) -> str:
        return in_words(self.used or 0)

    @property
    def said_value(self) -> str:
        return in_words(self.value)

    @property
    def said_default(self) -> str:
        return in_words(self.rule.default)


def quotas_in_use(principal: Principal, region_id: str) -> list[QuotaInUse]:
    """Every quota of a region with its use, in a number of queries that does not grow with the region's."""
    if not principal.names("ecs:DescribeAccountAttributes"):
        authorize_look(principal, "quotas:ListProductQuotas")
    now = timezone.now()
    values = {(one.name, one.region_id): one.value for one in Quota.objects.for_region(region_id)}
    used = dict(
        QuotaUse.objects.filter(region_id=region_id, period=today_of(now)).values_list("name", "used")
    )

    def in_use(rule: QuotaRule) -> QuotaInUse:
        everywhere = values.get((rule.name, EVERYWHERE))
        own = values.get((rule.name, region_id))
        return QuotaInUse(
            rule,
            value=next(one for one in (own, everywhere, rule.default) if one is not None),
            used=used_of(rule, region_id, used),
            anew_at=tomorrow_after(now) if rule.kind is Kind.PER_DAY else None,
            is_own=own is not None,
            is_everywhere=own is None and everywhere is not None,
        )

    return [in_use(rule) for rule in quotas.ALL]


def used_of(rule: QuotaRule, region_id: str, of_today: dict[str, int]) -> int | None:
    if rule.kind is Kind.PER_DAY:
        return of_today.get(rule.name, 0)
    counter = counters.get(rule.name)
    return counter(region_id) if counter else None


@operation("quotas:UpdateProductQuota")
def set_quota(principal: Principal, quota: QuotaRule, region_id: str, value: int) -> Quota:
    """Let a region have this much; without a region, every region that has no value of its own.

    What is there already stays, also where it is more. Raises InvalidParameter.
    """
    authorize(principal, "quotas:UpdateProductQuota")

    check_region(principal, region_id)
    if not 0 <= value <= quota.most:
        message = _("Say a whole number from 0 to %(most)s.") % {"most": in_words(quota.most)}
        raise InvalidParameter(message, field="value")
    values = Quota.objects.filter(name=quota.name, region_id=region_id)
    before = values.values_list("value", flat=True).first()
    said, _is_new = values.update_or_create(name=quota.name, region_id=region_id, defaults={"value": value})

    facts = {"region": region_id or "*", "before": before, "value": value}
    record(principal, "quotas:UpdateProductQuota", quota.name, **facts)
    return said


@operation("quotas:UpdateProductQuota")
def reset_quota(principal: Principal, quota: QuotaRule, region_id: str) -> None:
    """Take a value back: what is said for every region counts again, or the default. Twice is once."""
    authorize(principal, "quotas:UpdateProductQuota")

    values = Quota.objects.filter(name=quota.name, region_id=region_id)
    before = values.values_list("value", flat=True).first()
    if before is None:
        return
    values.delete()

    facts = {"region": region_id or "*", "before": before, "value": None}
    record(principal, "quotas:UpdateProductQuota", quota.name, **facts)


def check_region(principal: Principal, region_id: str) -> None:
    if region_id != EVERYWHERE and region_id not in regions(principal):
        raise NotFound(_("There is no region %(region)s.") % {"region": region_id}, field="region")

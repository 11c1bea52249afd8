"""A plan in one plain sentence: `Every Monday at 10:15 in Asia/Shanghai`."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import product

from django.utils.dates import MONTHS as MONTH_NAMES
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.rules.sentences import listed
from assistant.invocations.rules.cron import (
    HOUR,
    LAST_YEAR,
    MINUTE,
    MONTH,
    SECOND,
    WEEK,
    Cron,
    DayKind,
    DayRule,
    Part,
)
from assistant.invocations.rules.plans import Interval, Moment, Plan, PlanKind, in_words

# Times of a day that are still named one by one, and entries of a list before it says "and 3 more".
NAMED_TIMES = 6
NAMED_ENTRIES = 12
SHORTEST_MONTH = 28

UNTIMED: dict[PlanKind, str | Promise] = {
    PlanKind.NOW: gettext_lazy("Right away, once"),
    PlanKind.NEXT_START: gettext_lazy("Once, at the next start of the server"),
    PlanKind.EVERY_START: gettext_lazy("At every start of the server"),
}
# Lengths that are a word of their own behind "every".
ONE: dict[timedelta, str | Promise] = {
    timedelta(hours=1): gettext_lazy("hour"),
    timedelta(days=1): gettext_lazy("day"),
}
NTH: dict[int, str | Promise] = {
    1: gettext_lazy("on the first %(day)s of %(months)s"),
    2: gettext_lazy("on the second %(day)s of %(months)s"),
    3: gettext_lazy("on the third %(day)s of %(months)s"),
    4: gettext_lazy("on the fourth %(day)s of %(months)s"),
    5: gettext_lazy("on the fifth %(day)s of %(months)s"),
}


def sentence(plan: Plan) -> str:
    match plan.schedule:
        case Interval() as interval:
            return interval_sentence(interval)
        case Moment() as moment:
            words = {
                "day": date_format(moment.wall, "l j F Y"),
                "time": f"{moment.wall:%H:%M:%S}",
                "zone": moment.zone.name,
            }
            return _("Once, on %(day)s at %(time)s in %(zone)s") % words
        case Cron() as cron:
            return cron_sentence(cron)
        case None:
            return str(UNTIMED[plan.kind])


def interval_sentence(interval: Interval) -> str:
    length = in_words(interval.length)
    words = {"length": ONE.get(interval.length, length), "wait": length}
    return _("Every %(length)s, for the first time after %(wait)s") % words


def cron_sentence(cron: Cron) -> str:
    if times := named_times(cron):
        parts = [_("%(days)s at %(times)s") % {"days": day_words(cron), "times": listed(times, most=None)}]
    elif cron.day.kind is DayKind.EVERY and is_whole(cron.months, MONTH):
        parts = [rhythm(cron)]
    else:
        parts = [day_words(cron), rhythm(cron)]
    if cron.years:
        parts.append(year_words(cron.years))
    if cron.zone is None:
        parts.append(_("by each server's own clock"))
    elif len(parts) == 1:
        parts = [_("%(times)s in %(zone)s") % {"times": parts[0], "zone": cron.zone.name}]
    else:
        parts.append(_("in %(zone)s") % {"zone": cron.zone.name})
    return capfirst(", ".join(parts))


def year_words(years: Sequence[int]) -> str:
    if len(years) > 2 and list(years) == list(range(years[0], LAST_YEAR + 1, years[1] - years[0])):
        words = {"step": years[1] - years[0], "first": years[0]}
        return ngettext("from %(first)d on", "every %(step)d years from %(first)d on", words["step"]) % words
    return _("only in %(years)s") % {"years": ranges(years)}


# --- Times ---


def named_times(cron: Cron) -> list[str]:
    """The times of a day, if they are few."""
    if len(cron.hours) * len(cron.minutes) * len(cron.seconds) > NAMED_TIMES:
        return []
    times = product(cron.hours, cron.minutes, cron.seconds)
    if cron.seconds == (0,):
        return [f"{hour:02}:{minute:02}" for hour, minute, _second in times]
    return [f"{hour:02}:{minute:02}:{second:02}" for hour, minute, second in times]


def rhythm(cron: Cron) -> str:
    """Many times a day: `every 5 minutes in the hours 14 and 18`."""
    if cron.seconds == (0,):
        parts = [minute_words(cron)]
    else:
        parts = [second_words(cron.seconds)]
        if not is_whole(cron.minutes, MINUTE):
            words = {"minutes": ranges(cron.minutes)}
            parts.append(
                ngettext("in minute %(minutes)s", "in the minutes %(minutes)s", len(cron.minutes)) % words
            )
    is_said = cron.seconds == cron.minutes == (0,) and whole_step(cron.hours, HOUR)
    if not is_said and not is_whole(cron.hours, HOUR):
        parts.append(hour_words(cron.hours))
    return " ".join(parts)


def second_words(seconds: Sequence[int]) -> str:
    if is_whole(seconds, SECOND):
        return _("every second")
    if step := whole_step(seconds, SECOND):
        return _("every %(step)d seconds") % {"step": step}
    message = ngettext(
        "at second %(seconds)s of every minute", "at the seconds %(seconds)s of every minute", len(seconds)
    )
    return message % {"seconds": ranges(seconds)}


def minute_words(cron: Cron) -> str:
    minutes = cron.minutes
    if is_whole(minutes, MINUTE):
        return _("every minute")
    if minutes == (0,):
        return hour_rhythm(cron.hours)
    if step := whole_step(minutes, MINUTE):
        return _("every %(step)d minutes") % {"step": step}
    message = ngettext("at minute %(minutes)s", "at the minutes %(minutes)s", len(minutes))
    if is_whole(cron.hours, HOUR):
        message = ngettext(
            "at minute %(minutes)s of every hour", "at the minutes %(minutes)s of every hour", len(minutes)
        )
    return message % {"minutes": ranges(minutes)}


def hour_rhythm(hours: Sequence[int]) -> str:
    if step := whole_step(hours, HOUR):
        return ngettext("every hour", "every %(step)d hours", step) % {"step": step}
    return _("every hour") if is_run(hours) else _("on the hour")


def hour_words(hours: Sequence[int]) -> str:
    if is_run(hours):
        return _("from %(first)02d:00 to %(last)02d:59") % {"first": hours[0], "last": hours[-1]}
    return _("in the hours %(hours)s") % {"hours": ranges(hours)}


# --- Days ---


def day_words(cron: Cron) -> str:
    rule = cron.day
    if rule.kind in (DayKind.EVERY, DayKind.WEEKDAYS):
        days = every_words(rule)
        months = month_names(cron.months)
        return _("%(days)s in %(months)s") % {"days": days, "months": months} if months else days
    if rule.kind is DayKind.NUMBERS and len(rule.numbers) == len(cron.months) == 1:
        return _("on %(day)s %(month)s") % {"day": rule.numbers[0], "month": month_names(cron.months)}
    words = {"day": day_names(rule), "months": month_names(cron.months) or each_month(rule)}
    return OF_THE_MONTH[rule.kind](rule) % words


def every_words(rule: DayRule) -> str:
    if rule.kind is DayKind.EVERY or is_whole(rule.numbers, WEEK):
        return _("every day")
    if len(rule.numbers) > 2 and is_run(rule.numbers):
        return day_names(rule)
    return _("every %(day)s") % {"day": day_names(rule)}


def day_names(rule: DayRule) -> str:
    if rule.kind in (DayKind.WEEKDAYS, DayKind.LAST_WEEKDAY, DayKind.NTH_WEEKDAY):
        return spans(rule.numbers, lambda number: str(WEEKDAY_NAMES[number - 1]))
    return ranges(rule.numbers)


def month_names(months: Sequence[int]) -> str:
    """Empty where it is every month."""
    return "" if is_whole(months, MONTH) else spans(months, lambda number: str(MONTH_NAMES[number]))


def each_month(rule: DayRule) -> str:
    """Not every month has a day 31 or a fifth Monday."""
    is_by_number = rule.kind in (DayKind.NUMBERS, DayKind.NEAREST_WORKDAY)
    is_rare = rule.nth == 5 or (is_by_number and rule.numbers[0] > SHORTEST_MONTH)
    return _("each month that has one") if is_rare else _("each month")


OF_THE_MONTH: dict[DayKind, Callable[[DayRule], str]] = {
    DayKind.NUMBERS: lambda rule: ngettext(
        "on day %(day)s of %(months)s", "on the days %(day)s of %(months)s", len(rule.numbers)
    ),
    DayKind.LAST: lambda _rule: _("on the last day of %(months)s"),
    DayKind.LAST_WORKDAY: lambda _rule: _("on the last day from Monday to Friday of %(months)s"),
    DayKind.NEAREST_WORKDAY: lambda _rule: _(
        "on the day from Monday to Friday nearest to day %(day)s of %(months)s"
    ),
    DayKind.LAST_WEEKDAY: lambda _rule: _("on the last %(day)s of %(months)s"),
    DayKind.NTH_WEEKDAY: lambda rule: str(NTH[rule.nth]),
}


# --- Lists ---


def is_whole(numbers: Sequence[int], part: Part) -> bool:
    return len(numbers) == part.most - part.least + 1


def is_run(numbers: Sequence[int]) -> bool:
    """Whether no number is left out between the first and the last."""
    return numbers[-1] - numbers[0] == len(numbers) - 1


def whole_step(numbers: Sequence[int], part: Part) -> int:
    """The step that goes round evenly, as 20 does in 0, 20, 40; 0 if there is none."""
    size = part.most + 1
    step = size // len(numbers)
    return (
        step if len(numbers) > 1 and list(numbers) == list(range(0, size, step)) and size % step == 0 else 0
    )


def ranges(numbers: Sequence[int]) -> str:
    return spans(numbers, str)


def spans(numbers: Sequence[int], name: Callable[[int], str]) -> str:
    """`Monday to Friday`, `1, 11 and 21`, `2022 to 2025 and 2030`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    entries: list[str] = []
    for run in runs:
        if len(run) > 2:
            entries.append(_("%(first)s to %(last)s") % {"first": name(run[0]), "last": name(run[-1])})
        else:
            entries += map(name, run)
    return listed(entries, most=NAMED_ENTRIES)

"""Cron texts as plans have them: six or seven fields, then the time zone (CA-131 to CA-142).

    second minute hour day month week [year] [zone]

Whether a text is one is decided here, with the field and the reason; when it fires, in `fires`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.invocations import limits
from assistant.invocations.errors import FrequencyRefused
from assistant.invocations.rules.zones import UTC_ZONE, Zone, zone_named

MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
WEEKDAYS = {
    name: number for number, name in enumerate(("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"), start=1)
}
# Where a stored text may begin: what was right when it was saved is not judged again (CA-141).
FIRST_YEAR = 1970
LAST_YEAR = 2099
# The characters with a meaning of their own in some fields only, and what they look like where they are wrong.
MARKS = (
    ("?", re.compile(r".*\?.*"), gettext_lazy("Day and Week")),
    ("#", re.compile(r".*#.*"), gettext_lazy("Week")),
    ("W", re.compile(r"(?:L|[0-9]*)W"), gettext_lazy("Day")),
    ("L", re.compile(r"[0-9]*L|(?:MON|TUE|WED|THU|FRI|SAT|SUN)L"), gettext_lazy("Day and Week")),
)
# One leading zero is allowed (CA-133).
_NUMBER = re.compile(r"0?(0|[1-9][0-9]{0,3})")
_DIGITS = re.compile(r"[0-9]+")
_LIKE_ZONE = re.compile(r"[A-Za-z]{4,}/[A-Za-z].*|GMT[+-].*")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the seven fields: its range, its names, and the marks that it knows."""

    label: str | Promise
    least: int
    most: int
    names: Mapping[str, int] = field(default_factory=dict)
    marks: str = ""


SECOND = Part(gettext_lazy("Second"), 0, 59)
MINUTE = Part(gettext_lazy("Minute"), 0, 59)
HOUR = Part(gettext_lazy("Hour"), 0, 23)
DAY = Part(gettext_lazy("Day"), 1, 31, marks="?LW")
MONTH = Part(gettext_lazy("Month"), 1, 12, MONTHS)
WEEK = Part(gettext_lazy("Week"), 1, 7, WEEKDAYS, marks="?L#")


def year_part(first_year: int) -> Part:
    return Part(gettext_lazy("Year"), first_year, LAST_YEAR)


class DayKind(Enum):
    """How the days of a month are chosen."""

    EVERY = auto()
    NUMBERS = auto()
    LAST = auto()
    LAST_WORKDAY = auto()
    NEAREST_WORKDAY = auto()
    WEEKDAYS = auto()
    LAST_WEEKDAY = auto()
    NTH_WEEKDAY = auto()


# The fields Day and Week of each.
SPELLED = {
    DayKind.EVERY: ("*", "?"),
    DayKind.NUMBERS: ("{numbers}", "?"),
    DayKind.LAST: ("L", "?"),
    DayKind.LAST_WORKDAY: ("LW", "?"),
    DayKind.NEAREST_WORKDAY: ("{numbers}W", "?"),
    DayKind.WEEKDAYS: ("?", "{weekdays}"),
    DayKind.LAST_WEEKDAY: ("?", "{weekdays}L"),
    DayKind.NTH_WEEKDAY: ("?", "{weekdays}#{nth}"),
}


@dataclass(frozen=True, slots=True)
class DayRule:
    """`numbers` are days of the month or weekdays, Monday is 1."""

    kind: DayKind
    numbers: tuple[int, ...] = ()
    nth: int = 0


EVERY_DAY = DayRule(DayKind.EVERY)


@dataclass(frozen=True, slots=True)
class Cron:
    """A judged text. Without a zone the clock of each server counts (CA-124)."""

    text: str
    zone: Zone | None
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day: DayRule
    months: tuple[int, ...]
    # Empty: every year.
    years: tuple[int, ...]

    @property
    def spelled(self) -> str:
        """The same without names, steps and Sunday as 7: the part of the grammar that all agents read alike."""
        day, week = spelled_days(self.day)
        words = [
            spelled_numbers(self.seconds, SECOND),
            spelled_numbers(self.minutes, MINUTE),
            spelled_numbers(self.hours, HOUR),
            *(day, spelled_numbers(self.months, MONTH), week),
        ]
        words += [",".join(map(str, self.years))] if self.years else []
        return " ".join([*words, *([self.zone.name] if self.zone else [])])


def new_cron(text: str, now: datetime) -> Cron:
    """A text that somebody gives now: no year may be past (CA-141). Raises FrequencyRefused."""
    words, zone = split(text)
    return cron_of(words, zone, now.astimezone((zone or UTC_ZONE).tz).year)


def stored_cron(text: str) -> Cron:
    """A text that was judged when it was saved."""
    words, zone = split(text)
    return cron_of(words, zone, FIRST_YEAR)


def split(text: str) -> tuple[list[str], Zone | None]:
    """The fields and the zone behind them."""
    if len(text) > limits.FREQUENCY_CHARACTERS:
        message = _("The text has more than %(most)d characters.")
        raise refused(message % {"most": limits.FREQUENCY_CHARACTERS})
    if not (text.isascii() and text.isprintable()):
        raise refused(_("It may hold letters of the plain alphabet, numbers, blanks and * , - / ? # only."))
    words = text.split(" ")
    if "" in words and len(words) > 1:
        raise refused(_("Separate the fields by one blank each, with none before or after them."))
    zone = zone_named(words[-1])
    if zone is None and means_zone(words):
        raise no_zone(words[-1])
    fields = words[:-1] if zone else words
    if len(fields) not in (6, 7):
        message = _(
            "It has %(number)d fields and needs 6 or 7: second, minute, hour, day, month, week and, if wanted, year."
        )
        raise refused(message % {"number": len([word for word in fields if word])})
    return fields, zone


def means_zone(words: list[str]) -> bool:
    """Whether the last word can only be meant as a zone, though none is called so."""
    is_behind_fields = len(words) in (7, 8) and re.search("[A-Za-z]", words[-1]) is not None
    return is_behind_fields or _LIKE_ZONE.fullmatch(words[-1]) is not None


def cron_of(words: list[str], zone: Zone | None, first_year: int) -> Cron:
    year = year_part(first_year)
    second, minute, hour, day, month, week, *years = [word.upper() for word in words]
    if years and years[0].startswith("*/"):
        # Counted from the year of its making, also when it is read again later.
        years = [f"{first_year}{years[0][1:]}"]
    return Cron(
        text=" ".join([*words[:6], *years, *([zone.name] if zone else [])]),
        zone=zone,
        seconds=values_of(second, SECOND),
        minutes=values_of(minute, MINUTE),
        hours=values_of(hour, HOUR),
        day=day_rule(day, week),
        months=values_of(month, MONTH),
        years=() if years in ([], ["*"]) else values_of(years[0], year),
    )


# --- Day and Week ---


def day_rule(day: str, week: str) -> DayRule:
    """The one rule that the two fields make (CA-137)."""
    by_day, by_week = day_of_month(day), day_of_week(week)
    if by_day is None and by_week is None:
        raise refusal(WEEK, _("? may stand in one of Day and Week only: the other one says when."))
    if by_day is None or by_week is None:
        return by_day or by_week or EVERY_DAY
    if by_day == by_week == EVERY_DAY:
        return EVERY_DAY
    if by_week == EVERY_DAY:
        raise refusal(WEEK, _("Write ? here, as Day says which days."))
    if by_day == EVERY_DAY:
        raise refusal(DAY, _("Write ? here, as Week says which days."))
    raise refusal(WEEK, _("Day and Week cannot both say which days: write ? in one of them."))


def day_of_month(text: str) -> DayRule | None:
    """The rule of the field Day, or None for `?`."""
    if text == "?":
        return None
    if text == "L":
        return DayRule(DayKind.LAST)
    if text == "LW":
        return DayRule(DayKind.LAST_WORKDAY)
    if text.endswith("W") and _DIGITS.fullmatch(text[:-1]):
        return DayRule(DayKind.NEAREST_WORKDAY, (value_of(text[:-1], DAY),))
    return EVERY_DAY if text == "*" else DayRule(DayKind.NUMBERS, values_of(text, DAY))


def day_of_week(text: str) -> DayRule | None:
    """The rule of the field Week, or None for `?`."""
    if text == "?":
        return None
    if text == "L":
        return DayRule(DayKind.WEEKDAYS, (WEEKDAYS["SUN"],))
    weekday, mark, nth = text.partition("#")
    if mark and "," not in text:
        if nth not in ("1", "2", "3", "4", "5"):
            raise refusal(WEEK, _("Behind # stands a number from 1 to 5."))
        return DayRule(DayKind.NTH_WEEKDAY, (value_of(weekday, WEEK),), int(nth))
    if text.endswith("L") and text[:-1].isalnum():
        return DayRule(DayKind.LAST_WEEKDAY, (value_of(text[:-1], WEEK),))
    return EVERY_DAY if text == "*" else DayRule(DayKind.WEEKDAYS, values_of(text, WEEK))


# --- Lists ---


def values_of(text: str, part: Part) -> tuple[int, ...]:
    """What a list of numbers, ranges and steps names, in order."""
    found: set[int] = set()
    for one in text.split(","):
        if not one:
            raise refusal(part, _("Something is missing beside a comma."))
        span, slash, step = one.partition("/")
        start, stop = span_of(span, part)
        if slash and start == stop and "-" not in span:
            stop = part.most
        found.update(range(start, stop + 1, step_of(step, part) if slash else 1))
    return tuple(sorted(found))


def span_of(text: str, part: Part) -> tuple[int, int]:
    if text == "*":
        return part.least, part.most
    first, hyphen, last = text.partition("-")
    if not hyphen:
        return (value := value_of(text, part)), value
    start, stop = value_of(first, part), value_of(last, part)
    if start > stop:
        raise backwards(first, last, part)
    return start, stop


def step_of(text: str, part: Part) -> int:
    number = _NUMBER.fullmatch(text)
    if number is None or not 1 <= int(number[1]) <= part.most:
        message = _("Behind / stands a number from 1 to %(most)d, not %(text)s.")
        raise refusal(part, message % {"most": part.most, "text": quoted(text)})
    return int(number[1])


def value_of(text: str, part: Part) -> int:
    if text in part.names:
        return part.names[text]
    number = _NUMBER.fullmatch(text)
    if number and part.least <= int(number[1]) <= part.most:
        return int(number[1])
    raise wrong_value(text, part)


# --- Spelling ---


def spelled_numbers(numbers: tuple[int, ...], part: Part) -> str:
    if len(numbers) == part.most - part.least + 1:
        return "*"
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(map(str, numbers))


def spelled_days(rule: DayRule) -> tuple[str, str]:
    """The fields Day and Week. Sunday is 0, which every agent takes, also before L and #."""
    words = {
        "numbers": spelled_numbers(rule.numbers, DAY) if rule.numbers else "",
        "weekdays": ",".join(str(number % 7) for number in rule.numbers),
        "nth": rule.nth,
    }
    day, week = SPELLED[rule.kind]
    return day.format_map(words), week.format_map(words)


# --- Refusals ---


def refusal(part: Part, reason: str) -> FrequencyRefused:
    message = _("%(field)s: %(reason)s") % {"field": part.label, "reason": reason}
    return refused(message, part=str(part.label))


def refused(message: str, **facts: str) -> FrequencyRefused:
    return FrequencyRefused(message, field="frequency", **facts)


def wrong_value(text: str, part: Part) -> FrequencyRefused:
    for mark, looks, home in MARKS:
        if looks.fullmatch(text) and mark in part.marks:
            return refusal(part, _("%(mark)s stands alone, not in a list or range.") % {"mark": mark})
        if looks.fullmatch(text):
            return refusal(part, _("%(mark)s may stand in %(home)s only.") % {"mark": mark, "home": home})
    words = {"text": quoted(text), "least": str(part.least), "most": str(part.most)}
    if re.fullmatch("00[0-9]{1,8}", text):
        return refusal(part, _("%(text)s has more than one leading zero.") % words)
    if _DIGITS.fullmatch(text):
        return refusal(part, _("%(text)s is not from %(least)s to %(most)s.") % words)
    if not part.names:
        return refusal(part, _("%(text)s is no number from %(least)s to %(most)s.") % words)
    names = [*part.names]
    words |= {"first": names[0], "last": names[-1]}
    message = _("%(text)s is no number from %(least)s to %(most)s and no name from %(first)s to %(last)s.")
    return refusal(part, message % words)


def backwards(first: str, last: str, part: Part) -> FrequencyRefused:
    reason = _("%(first)s-%(last)s runs backwards.") % {"first": first, "last": last}
    if part is WEEK:
        reason += " " + _("The week begins with MON, which is 1, and ends with SUN, which is 7.")
    return refusal(part, reason)


def no_zone(text: str) -> FrequencyRefused:
    message = _("%(text)s is no time zone. Write it as Asia/Shanghai, GMT+8:00 or UTC.")
    return refused(message % {"text": quoted(text)}, part=_("Time zone"))


def quoted(text: str) -> str:
    """What was written, short and without what would move a cursor."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    most = limits.QUOTED_CHARACTERS
    return f"“{shown}”" if len(shown) <= most else f"“{shown[:most]}…”"

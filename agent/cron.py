"""Cron texts as the server sends them (agent-gateway 12.1), and when they fire.

    second minute hour day-of-month month day-of-week [year] [zone]

Monday is 1, and Sunday 0 or 7. Where both days are restricted, a day that either names fires.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from agent import days, zones
from agent.errors import InvalidTask

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_SECONDS = zones.DAY_SECONDS
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIRST_YEAR, LAST_YEAR = 1970, 2099

UNRESTRICTED = ("*", "?")
NUMBER = re.compile(r"[0-9]{1,4}")
LIKE_YEAR = re.compile(r"[*?]|\*/[0-9]+|.*(19[7-9][0-9]|20[0-9]{2}).*")


class Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def wrong(self, text: str) -> InvalidTask:
        return InvalidTask("cron", f"syntax error in {self.name} field: '{text}'")

    def value(self, text: str) -> int:
        if text in self.names:
            # Both lists of names begin where their numbers do.
            return self.names.index(text) + self.least
        if not NUMBER.fullmatch(text) or not self.least <= int(text) <= self.most:
            raise self.wrong(text)
        return int(text)

    def span(self, text: str) -> range:
        """One number, a range, or either with a step."""
        whole, slash, step = text.partition("/")
        if slash and (not NUMBER.fullmatch(step) or int(step) == 0):
            raise self.wrong(text)
        first, hyphen, last = whole.partition("-")
        if whole in UNRESTRICTED:
            start, stop = self.least, self.most
        else:
            start = self.value(first)
            stop = self._end(start, last) if hyphen else self.most if slash else start
        if start > stop:
            raise self.wrong(text)
        return range(start, stop + 1, int(step) if slash else 1)

    def _end(self, start: int, text: str) -> int:
        stop = self.value(text)
        # Sunday ends a week as well as it begins one.
        return 7 if self is WEEKDAY and stop == 0 < start else stop

    def numbers(self, text: str) -> tuple[int, ...]:
        return tuple(sorted({number for one in text.split(",") for number in self.span(one)}))


SECOND = Field("second", 0, 59)
MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day-of-month", 1, 31)
MONTH = Field("month", 1, 12, MONTHS)
WEEKDAY = Field("day-of-week", 0, 7, WEEKDAYS)
YEAR = Field("year", FIRST_YEAR, LAST_YEAR)


class Month(NamedTuple):
    """`first` is the number of its first day."""

    first: int
    length: int

    @property
    def last_workday(self) -> int:
        weekday = days.weekday_of(self.first + self.length - 1)
        return self.length - {6: 1, 0: 2}.get(weekday, 0)

    def workday_near(self, day: int) -> int | None:
        """The working day nearest to `day` without leaving the month; None where it has no such day."""
        if day > self.length:
            return None
        weekday = days.weekday_of(self.first + day - 1)
        if weekday == 6:
            return day - 1 if day > 1 else day + 2
        if weekday == 0:
            return day + 1 if day < self.length else day - 2
        return day

    def first_on(self, weekday: int) -> int:
        return 1 + (weekday - days.weekday_of(self.first)) % 7


class DayRule:
    """The days that the two fields for them name; each word of their lists adds some."""

    def __init__(self, day: str, weekday: str) -> None:
        self._is_every = day in UNRESTRICTED and weekday in UNRESTRICTED
        self._numbers: set[int] = set()
        self._nearest: set[int] = set()
        self._weekdays: set[int] = set()
        self._last_weekdays: set[int] = set()
        self._nth_weekdays: set[tuple[int, int]] = set()
        self._has_last = self._has_last_workday = False
        if day not in UNRESTRICTED:
            for word in day.split(","):
                self._add_day(word)
        if weekday not in UNRESTRICTED:
            for word in weekday.split(","):
                self._add_weekday(word)

    def days_of(self, year: int, number: int) -> list[int]:
        """Its days in a month, as their numbers."""
        month = Month(days.number_of(year, number, 1), days.length_of(year, number))
        if self._is_every:
            return list(range(month.first, month.first + month.length))
        found = {day for day in self._numbers if day <= month.length}
        found.update(day for day in map(month.workday_near, self._nearest) if day)
        if self._has_last:
            found.add(month.length)
        if self._has_last_workday:
            found.add(month.last_workday)
        found.update(self._by_weekday(month))
        return sorted(month.first + day - 1 for day in found)

    def _by_weekday(self, month: Month) -> Iterator[int]:
        for weekday in self._weekdays:
            yield from range(month.first_on(weekday), month.length + 1, 7)
        for weekday in self._last_weekdays:
            yield range(month.first_on(weekday), month.length + 1, 7)[-1]
        for weekday, nth in self._nth_weekdays:
            yield from range(month.first_on(weekday), month.length + 1, 7)[nth - 1 : nth]

    def _add_day(self, word: str) -> None:
        if word == "L":
            self._has_last = True
        elif word in ("LW", "WL"):
            self._has_last_workday = True
        elif word.endswith("W"):
            self._nearest.add(DAY.value(word[:-1]))
        else:
            self._numbers.update(DAY.span(word))

    def _add_weekday(self, word: str) -> None:
        weekday, hash_mark, nth = word.partition("#")
        if word == "L":
            self._weekdays.add(0)
        elif hash_mark:
            if nth not in ("1", "2", "3", "4", "5"):
                raise WEEKDAY.wrong(word)
            self._nth_weekdays.add((WEEKDAY.value(weekday) % 7, int(nth)))
        elif word.endswith("L"):
            self._last_weekdays.add(WEEKDAY.value(word[:-1]) % 7)
        else:
            self._weekdays.update(number % 7 for number in WEEKDAY.span(word))


class Cron:
    def __init__(self, text: str) -> None:
        """Raises InvalidTask."""
        second, minute, hour, day, month, weekday, year, zone = _fields(text)
        self._seconds = SECOND.numbers(second)
        self._minutes = MINUTE.numbers(minute)
        self._hours = HOUR.numbers(hour)
        self._day_rule = DayRule(day, weekday)
        self._months = MONTH.numbers(month)
        self._years = YEAR.numbers(year)
        self._zone = zones.zone_named(zone) if zone else zones.local_zone()

    def next_after(self, moment: int) -> int | None:
        """The next time to fire, in seconds of UTC; None when there is none any more.

        What spring leaves out is left out, and what autumn shows twice fires the first time.
        """
        floor = self._zone.wall(moment) + 1
        for day in self._days_from(floor // DAY_SECONDS):
            start = day * DAY_SECONDS
            for second in self._times_from(floor - start):
                found = self._zone.moment(start + second)
                if found is not None and found > moment:
                    return found
        return None

    def _days_from(self, first: int) -> Iterator[int]:
        first_year, first_month = days.month_of(first)
        for year in self._years[bisect_left(self._years, first_year) :]:
            for month in self._months:
                if (year, month) >= (first_year, first_month):
                    yield from (day for day in self._day_rule.days_of(year, month) if day >= first)

    def _times_from(self, floor: int) -> Iterator[int]:
        """The times of a day from `floor` on, in seconds since its midnight."""
        for hour in self._hours[bisect_left(self._hours, floor // 3600) :]:
            for minute in self._minutes:
                start = hour * 3600 + minute * 60
                if start + 59 >= floor:
                    yield from (start + second for second in self._seconds if start + second >= floor)


def _fields(text: str) -> list[str]:
    """All eight of them; no zone is an empty word."""
    words = text.split()
    if len(words) not in (6, 7, 8):
        raise InvalidTask("cron", "InvalidCronExpression")
    timed, rest = [word.upper() for word in words[:6]], words[6:]
    if len(rest) == 2:
        return [*timed, *rest]
    if rest and not LIKE_YEAR.fullmatch(rest[0]):
        return [*timed, "*", rest[0]]
    return [*timed, rest[0] if rest else "*", ""]

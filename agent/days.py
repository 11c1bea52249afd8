"""The calendar in whole numbers: day 0 is 1 January 1970, and Sunday is 0 among the weekdays.

The standard library's own calendar would cost an idle agent memory that it has no other use for.
"""

from __future__ import annotations

# The first of March of the year 0, in days before day 0: years that begin in March end with the leap day.
EPOCH_FROM_MARCH_0 = 719_468
DAYS_OF_FOUR_CENTURIES = 146_097

MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def number_of(year: int, month: int, day: int) -> int:
    """The number of a day."""
    years = year - 1 if month <= 2 else year
    century = years // 400
    year_of_era = years - century * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return century * DAYS_OF_FOUR_CENTURIES + day_of_era - EPOCH_FROM_MARCH_0


def month_of(number: int) -> tuple[int, int]:
    """The year and the month that a day lies in."""
    shifted = number + EPOCH_FROM_MARCH_0
    era, day_of_era = divmod(shifted, DAYS_OF_FOUR_CENTURIES)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = ((5 * day_of_year + 2) // 153 + 2) % 12 + 1
    return year_of_era + era * 400 + (month <= 2), month


def length_of(year: int, month: int) -> int:
    """How many days a month has."""
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return MONTH_DAYS[month - 1] + (month == 2 and is_leap)


def weekday_of(number: int) -> int:
    return (number + 4) % 7

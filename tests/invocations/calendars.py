"""When a cron text fires, found by asking of every moment whether it does: slow, and with rules of its own."""

from calendar import monthrange
from datetime import UTC, date, timedelta

NAMES = {
    name: str(day) for day, name in enumerate(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], start=1)
}


def has(text, value, least, most):
    """Whether a list of numbers, ranges and steps names the value."""
    return any(names(one, value, least, most) for one in text.split(","))


def names(one, value, least, most):
    span, _slash, step = one.partition("/")
    if span == "*":
        first, last = least, most
    elif "-" in span:
        first, last = map(int, span.split("-"))
    else:
        first = int(span)
        last = most if step else first
    return first <= value <= last and (value - first) % int(step or 1) == 0


def is_day(day, month_day, weekday):
    """Whether the fields Day and Week mean this day."""
    return is_day_of_month(day, month_day) and is_day_of_week(day, weekday)


def is_day_of_month(day, text):
    last = monthrange(day.year, day.month)[1]
    if text in ("?", "*"):
        return True
    if text == "L":
        return day.day == last
    if text == "LW":
        working = [n for n in range(1, last + 1) if day.replace(day=n).isoweekday() < 6]
        return day.day == working[-1]
    if text.endswith("W"):
        wanted = int(text[:-1])
        return wanted <= last and day == nearest(date(day.year, day.month, wanted), last)
    return has(text, day.day, 1, 31)


def nearest(day, last):
    if day.isoweekday() == 6:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.isoweekday() == 7:
        return day + timedelta(days=1) if day.day < last else day - timedelta(days=2)
    return day


def is_day_of_week(day, text):
    if text in ("?", "*"):
        return True
    for name, number in NAMES.items():
        text = text.replace(name, number)
    if text == "L":
        return day.isoweekday() == 7
    if text.endswith("L"):
        return day.isoweekday() == int(text[:-1]) and (day + timedelta(days=7)).month != day.month
    if "#" in text:
        weekday, _mark, nth = text.partition("#")
        return day.isoweekday() == int(weekday) and (day.day - 1) // 7 + 1 == int(nth)
    return has(text, day.isoweekday(), 1, 7)


def fires_between(fields, tz, first, last, *, step):
    """Every fire later than `first` and not later than `last`, looked for in steps of `step`."""
    second, minute, hour, day, month, week = fields.split(" ")[:6]
    moment, found = first.astimezone(UTC), []
    while (moment := moment + step) <= last:
        shown = moment.astimezone(tz)
        if (
            # The second pass of an hour in autumn.
            not shown.fold
            and has(second, shown.second, 0, 59)
            and has(minute, shown.minute, 0, 59)
            and has(hour, shown.hour, 0, 23)
            and has(month, shown.month, 1, 12)
            and is_day(shown.date(), day, week)
        ):
            found.append(moment)
    return found

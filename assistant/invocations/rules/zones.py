"""Time zones as plans name them: `Asia/Shanghai`, `GMT+8:00` or `UTC` (CA-124)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Agents take no zone of one word, such as Japan, and no abbreviation but UTC.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(?:/[A-Za-z][A-Za-z0-9_+-]{0,30}){1,2}")
_OFFSET = re.compile(r"GMT([+-])(0|[1-9]|1[0-4]):([0-5][0-9])")
# Copies of the whole table, with and without leap seconds.
_COPIES = ("posix/", "right/")


@dataclass(frozen=True, slots=True)
class Zone:
    name: str
    tz: tzinfo

    def moment(self, wall: datetime) -> datetime | None:
        """When its clocks show `wall`, in UTC; None if they never do. What they show twice counts once (CA-125)."""
        moment = wall.replace(tzinfo=self.tz, fold=0).astimezone(UTC)
        return moment if moment.astimezone(self.tz).replace(tzinfo=None) == wall else None

    def steady_offset(self, day: date) -> timedelta | None:
        """What its clocks are from Greenwich all day, or None on a day on which they are changed."""
        midnight = datetime.combine(day, time(), self.tz)
        offset = midnight.utcoffset()
        return offset if (midnight + timedelta(days=1)).utcoffset() == offset else None

    def label(self, now: datetime) -> str:
        """As the console lists it, with what it is from Greenwich `now`: `(GMT+8:00) Asia/Shanghai`."""
        offset = offset_name(now.astimezone(self.tz).utcoffset() or timedelta())
        return f"({offset}) {self.name}" if self.name != offset else self.name


UTC_ZONE = Zone("UTC", UTC)


def zone_named(name: str) -> Zone | None:
    """The zone, spelled as it is known, or None."""
    if name.upper() == "UTC":
        return UTC_ZONE
    if offset := _OFFSET.fullmatch(name.upper()):
        sign, hours, minutes = offset.groups()
        distance = timedelta(hours=int(hours), minutes=int(minutes))
        return Zone(name.upper(), timezone(-distance if sign == "-" else distance))
    if not _NAME.fullmatch(name):
        return None
    return _listed(name) or _listed(_spelled().get(name.lower(), ""))


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """All zones that have a name, for a form to choose from. The first call reads some hundred files."""
    return ("UTC", *sorted(name for name in available_timezones() if _NAME.fullmatch(name)))


def offset_name(offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    return f"GMT{'-' if offset < timedelta() else '+'}{minutes // 60}:{minutes % 60:02}"


def _listed(name: str) -> Zone | None:
    if not name or name.startswith(_COPIES):
        return None
    try:
        return Zone(name, ZoneInfo(name))
    except (ZoneInfoNotFoundError, OSError, ValueError):
        # A folder of zones is an OSError, a file that is none a ValueError.
        return None


@lru_cache(maxsize=1)
def _spelled() -> dict[str, str]:
    return {name.lower(): name for name in zone_names()}

"""What a session remembers beside its user, in and out of plain values."""

from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any, NamedTuple

SECOND_FACTOR = "second_factor"
ROLE = "role"
HALF_WAY = "half_way"


class TakenRole(NamedTuple):
    """A role that was taken on, and until when."""

    id: int
    name: str
    until: datetime


class HalfWay(NamedTuple):
    """Who has proved the first half of who they are, and may now prove the second."""

    user_id: int
    backend: str
    # Made of the password: a new one sends everybody back to the beginning.
    password_mark: str
    until: datetime
    next_url: str


def has_second_factor(session: Mapping[str, Any]) -> bool:
    return bool(session.get(SECOND_FACTOR))


def put_second_factor(session: MutableMapping[str, Any]) -> None:
    session[SECOND_FACTOR] = True


def take_second_factor(session: MutableMapping[str, Any]) -> None:
    session.pop(SECOND_FACTOR, None)


def taken_role(session: Mapping[str, Any]) -> TakenRole | None:
    kept = session.get(ROLE)
    return TakenRole(kept[0], kept[1], datetime.fromisoformat(kept[2])) if kept else None


def put_role(session: MutableMapping[str, Any], taken: TakenRole) -> None:
    session[ROLE] = [taken.id, taken.name, taken.until.isoformat()]


def take_role(session: MutableMapping[str, Any]) -> None:
    session.pop(ROLE, None)


def half_way(session: Mapping[str, Any], *, now: datetime) -> HalfWay | None:
    """Who stands between the two halves; none when it has taken too long."""
    kept = session.get(HALF_WAY)
    if not kept:
        return None
    found = HalfWay(kept[0], kept[1], kept[2], datetime.fromisoformat(kept[3]), kept[4])
    return found if now < found.until else None


def put_half_way(session: MutableMapping[str, Any], half: HalfWay) -> None:
    session[HALF_WAY] = [
        half.user_id,
        half.backend,
        half.password_mark,
        half.until.isoformat(),
        half.next_url,
    ]

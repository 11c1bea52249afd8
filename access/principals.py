"""Who asks: the first argument of every operation."""

from dataclasses import dataclass
from enum import StrEnum


class Door(StrEnum):
    """Where a request came in."""

    CONSOLE = "console"
    ADMIN = "admin"
    API = "api"
    COMMAND = "command"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user at a door, or the system itself. Frozen: what was asked by whom does not change on the way."""

    name: str
    door: Door
    user_id: int | None = None
    is_administrator: bool = False
    source_ip: str = ""

    @property
    def is_known(self) -> bool:
        return self.user_id is not None or self.door in (Door.SYSTEM, Door.AGENT)


SYSTEM = Principal(name="system", door=Door.SYSTEM, is_administrator=True)
ANONYMOUS = Principal(name="anonymous", door=Door.CONSOLE)

from dataclasses import dataclass
from pathlib import Path

from console import env

PARTS = ("web", "worker", "scheduler")


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` was asked for."""

    only: str = ""
    with_agent: bool = True
    ready_file: Path | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.only,) if self.only else PARTS

    @property
    def has_own_redis(self) -> bool:
        return not self.only and not env.text("REDIS_URL")

"""Which instances a command can run on, and why it cannot on others (CA-66, CA-74, CA-164)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

WINDOWS = "windows"
# Whether a client can do what is wanted, by its system, its name and its version.
Able = Callable[[str, str, str], bool]


class Misfit(TextChoices):
    """Why a command cannot run on an instance, as a list beside the number of them says it."""

    SYSTEM = "system", _("another system than the command is for")
    REGION = "region", _("another region")
    ACCOUNT = "account", _("an agent that runs as its own account only")
    CLIENT = "client", _("a client too old for this plan")
    GONE = "gone", _("deregistered")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command asks of an instance; what is empty is not asked."""

    system: str = ""
    region_id: str = ""
    username: str = ""
    able: Able | None = None


class Part(NamedTuple):
    """Instances of a choice that are alike: how many there are, and how many of them are connected."""

    region_id: str
    misfit: str
    number: int
    n_connected: int


@dataclass(frozen=True, slots=True)
class Fit:
    """How many of a choice the command runs on, in the one region it runs in, and who is left out why."""

    region_id: str = ""
    number: int = 0
    n_connected: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_offline(self) -> int:
        return self.number - self.n_connected

    @property
    def n_left_out(self) -> int:
        return sum(self.left_out.values())

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """(number, words), in the order of the words' list."""
        return [(self.left_out[kind], str(kind.label)) for kind in Misfit if self.left_out.get(kind)]


def fit(parts: Iterable[Part]) -> Fit:
    """A run has one region: that in which it reaches the most (CA-109); who is elsewhere is left out."""
    parts = list(parts)
    left_out = Counter({part.misfit: 0 for part in parts if part.misfit})
    for part in parts:
        if part.misfit:
            left_out[part.misfit] += part.number
    fitting = sorted(
        (part for part in parts if not part.misfit), key=lambda one: (-one.number, one.region_id)
    )
    if not fitting:
        return Fit(left_out=left_out)
    chosen, *others = fitting
    elsewhere = sum(part.number for part in others)
    if elsewhere:
        left_out[Misfit.REGION] += elsewhere
    return Fit(chosen.region_id, chosen.number, chosen.n_connected, left_out)

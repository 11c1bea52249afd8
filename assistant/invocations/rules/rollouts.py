"""A run that goes out step by step: so many at a time, a first batch, pauses, and when it is broken off.

Pure: what is done next is a function of the terms, of where the rollout stands and of how its runs go.
Whoever carries a step out asks again afterwards, and whoever asks twice does no harm.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assistant.instances.states import BAD, BUSY, GOOD, IDLE, WARNING
from assistant.invocations import limits
from assistant.invocations.errors import RolloutRefused
from assistant.invocations.rules import codes

SHARE = re.compile(r"([0-9]{1,6}) ?(%?)")


class RolloutState(TextChoices):
    FOLLOWING = "Following", gettext_lazy("Waits for the run before it")
    RUNNING = "Running", gettext_lazy("Going out")
    PAUSED = "Paused", gettext_lazy("Waits for your word")
    WAITING = "Waiting", gettext_lazy("Between two batches")
    HALTED = "Halted", gettext_lazy("Broken off")
    DONE = "Done", gettext_lazy("Gone out")

    @property
    def is_over(self) -> bool:
        return self in OVER

    @property
    def tone(self) -> str:
        return TONES[self]


TONES: Mapping[RolloutState, str] = {
    RolloutState.FOLLOWING: IDLE,
    RolloutState.RUNNING: BUSY,
    RolloutState.PAUSED: WARNING,
    RolloutState.WAITING: IDLE,
    RolloutState.HALTED: BAD,
    RolloutState.DONE: GOOD,
}
OVER = frozenset({RolloutState.HALTED, RolloutState.DONE})


@dataclass(frozen=True, slots=True)
class Share:
    """A number of instances, or so many per cent of them."""

    number: int
    is_percent: bool = False

    def of(self, total: int) -> int:
        """At least one."""
        return max(1, -(-self.number * total // 100)) if self.is_percent else self.number

    @property
    def text(self) -> str:
        return f"{self.number}%" if self.is_percent else str(self.number)


@dataclass(frozen=True, slots=True)
class RolloutTerms:
    """What somebody asks for. With a wait it goes batch by batch, else the next begins when one has ended."""

    at_a_time: Share
    # So many first, and no more without a confirmation; 0: no such pause.
    first_batch: int = 0
    # Seconds between the end of a batch and the next one.
    wait: int = 0
    stop_after: Share | None = None

    @property
    def sentence(self) -> str:
        parts = [_("%(number)s at a time") % {"number": self.at_a_time.text}]
        if self.first_batch:
            parts.append(_("the first %(number)d, then a confirmation") % {"number": self.first_batch})
        if self.wait:
            parts.append(_("%(number)d s between batches") % {"number": self.wait})
        if self.stop_after:
            parts.append(after_failures(self.stop_after))
        return ", ".join(parts)


def after_failures(share: Share) -> str:
    if share.is_percent:
        return _("stops when %(share)s have failed") % {"share": share.text}
    words = ngettext("stops after %(number)d failure", "stops after %(number)d failures", share.number)
    return words % {"number": share.number}


def share(text: str, *, field: str) -> Share:
    """`10` or `10%`. Raises RolloutRefused."""
    found = SHARE.fullmatch(text.strip())
    number = int(found[1]) if found else 0
    if found is None or not number or (found[2] and number > 100):
        raise RolloutRefused(_("Say a number such as 10, or a part such as 10%."), field=field)
    return Share(number, is_percent=bool(found[2]))


def check_rollout(terms: RolloutTerms) -> None:
    """Raises RolloutRefused for what a share cannot say wrongly."""
    if terms.wait > limits.BATCH_WAIT_MOST:
        message = _("Between two batches are at most %(most)d seconds (a day).")
        raise RolloutRefused(message % {"most": limits.BATCH_WAIT_MOST}, field="batch_wait")
    if terms.first_batch > limits.FIRST_BATCH_MOST:
        message = _("The first batch has at most %(most)d instances.")
        raise RolloutRefused(message % {"most": limits.FIRST_BATCH_MOST}, field="first_batch")
    for number, field in ((terms.first_batch, "first_batch"), (terms.wait, "batch_wait")):
        if number < 0:
            raise RolloutRefused(_("Say a number that is not below 0."), field=field)


# --- What is done next ---


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rollout stands."""

    state: RolloutState
    # Until when it waits for a confirmation, or for the next batch.
    next_at: datetime | None = None
    n_released: int = 0
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Runs:
    """How its runs go: how many there are, are held, have begun and not ended, and ended badly."""

    n_total: int
    n_held: int
    n_begun: int
    n_failed: int


@dataclass(frozen=True, slots=True)
class Step:
    state: RolloutState
    n_released: int = 0
    next_at: datetime | None = None
    # The error code of those that are called off.
    reason: str = ""


def next_step(terms: RolloutTerms, at: Standing, runs: Runs, *, now: datetime) -> Step:
    if at.state.is_over:
        return Step(at.state)
    if not runs.n_held:
        return Step(RolloutState.DONE)
    if terms.stop_after and runs.n_failed >= terms.stop_after.of(runs.n_total):
        return Step(RolloutState.HALTED, reason=codes.ROLLOUT_HALTED)
    if at.next_at is not None and now < at.next_at:
        return Step(at.state, next_at=at.next_at)
    if at.state is RolloutState.PAUSED:
        return Step(RolloutState.HALTED, reason=codes.ROLLOUT_NOT_CONFIRMED)
    return following(terms, at, runs, now=now)


def following(terms: RolloutTerms, at: Standing, runs: Runs, *, now: datetime) -> Step:
    """Who comes next, where nothing keeps the rollout from going on."""
    most = terms.at_a_time.of(runs.n_total)
    free = min(runs.n_held, max(0, most - runs.n_begun))
    if terms.first_batch and not at.is_confirmed:
        left = terms.first_batch - at.n_released
        if left > 0 or runs.n_begun:
            return Step(RolloutState.RUNNING, n_released=max(0, min(free, left)))
        return Step(RolloutState.PAUSED, next_at=now + limits.CONFIRM_WITHIN)
    if not terms.wait:
        return Step(RolloutState.RUNNING, n_released=free)
    if runs.n_begun:
        return Step(RolloutState.RUNNING)
    if at.n_released and at.state is RolloutState.RUNNING:
        return Step(RolloutState.WAITING, next_at=now + timedelta(seconds=terms.wait))
    return Step(RolloutState.RUNNING, n_released=free)

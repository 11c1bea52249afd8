"""How far an invocation is, as the parts of a bar."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.instances.states import BAD, BUSY, GOOD, IDLE, WARNING
from assistant.invocations.states import EXPIRED, FAILURES, STOPPED, Status


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar: where it begins and how wide it is, in percent of the whole."""

    # The word of the filter that lists just these instances.
    group: str
    label: str | Promise
    tone: str
    number: int
    start: float
    width: float


GROUPS: tuple[tuple[str, str | Promise, str, frozenset[Status]], ...] = (
    ("success", _("Task Completed"), GOOD, frozenset({Status.SUCCESS})),
    ("running", _("Task Running"), BUSY, frozenset({Status.RUNNING})),
    ("stopping", _("Task Stopping"), WARNING, frozenset({Status.STOPPING})),
    ("failed", _("Task Failed"), BAD, FAILURES),
    ("stopped", _("Manually Stopped"), IDLE, STOPPED),
    ("scheduled", _("Waiting for execution"), IDLE, frozenset({Status.SCHEDULED})),
    ("pending", _("Pending"), IDLE, frozenset({Status.PENDING})),
)


def segments(counts: Mapping[Status, int], *, expired: bool = False) -> list[Segment]:
    """The parts that are not empty, in the order of the bar. What has `expired` nobody has stopped."""
    total = sum(counts.values()) or 1
    parts, start = [], 0.0
    for group, label, tone, statuses in GROUPS:
        number = sum(counts[status] for status in statuses)
        if number:
            width = 100 * number / total
            word = EXPIRED if expired and group == "stopped" else label
            parts.append(Segment(group, word, tone, number, round(start, 2), round(width, 2)))
            start += width
    return parts

"""The plan in the run panel: what is chosen, in words, and when it would run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import takewhile
from typing import Any

from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from assistant.commands.limits import TIMEOUT_DEFAULT, TIMEOUT_MOST
from assistant.commands.models import Command
from assistant.commands.rules.catalogue import CommonCommand
from assistant.invocations.forms import PlanForm
from assistant.invocations.rules.plan_sentences import sentence
from assistant.invocations.rules.plans import NOW, Plan, next_runs
from assistant.invocations.rules.zones import UTC_ZONE, zone_named, zone_names

# How many of a plan's next times are foretold.
TIMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a plan that is being chosen comes to."""

    sentence: str
    zone: str
    # What clocks in that zone show at each moment.
    times: list[tuple[datetime, datetime]]
    # There are no more than these.
    is_all: bool
    # Each server's own clock shows them, in whatever zone it is.
    is_local: bool
    refusal: str = ""


def plan_form(
    fields: MultiValueDict[str, str],
    command: Command | CommonCommand | None,
    *,
    initial: Mapping[str, Any],
    is_sent: bool,
) -> PlanForm:
    said = {**initial, **fields.dict()}
    timeout = timeout_of(command, said.get("timeout"))
    return PlanForm(fields if is_sent else None, initial=None if is_sent else said, timeout=timeout)


def timeout_of(command: Command | CommonCommand | None, typed: object) -> int:
    """The command's, or what is typed so far."""
    if command:
        return command.timeout
    said = str(typed or "")
    is_number = said.isascii() and said.isdigit() and len(said) <= len(str(TIMEOUT_MOST))
    return int(said) if is_number else TIMEOUT_DEFAULT


def foreseen(form: PlanForm) -> Foreseen | None:
    """The sentence and the next times of what stands in the form, or why there are none.

    None where a plan has nothing to foretell: a run that is to begin now.
    """
    now = timezone.now().replace(microsecond=0)
    # What is shown at first has been sent by nobody and is judged as if it had.
    judged = judged_of(form)
    if not judged.is_valid():
        refusal = next((error for errors in judged.errors.values() for error in errors), "")
        return Foreseen("", "", [], is_all=False, is_local=False, refusal=str(refusal))
    timing = judged.timing
    if not timing.plan.waits:
        return None
    zone = timing.plan.zone or zone_named(judged.cleaned_data["zone"]) or UTC_ZONE
    # One more than is shown says whether these are all.
    times = next_runs(timing.plan, now, TIMES_SHOWN + 1, created_at=now)
    if end := timing.expires_at:
        times = list(takewhile(lambda moment: moment < end, times))
    # Without their zone: templates would turn them back into UTC.
    shown = [(moment, moment.astimezone(zone.tz).replace(tzinfo=None)) for moment in times[:TIMES_SHOWN]]
    return Foreseen(
        sentence(timing.plan),
        zone.label(times[0]) if times else zone.name,
        shown,
        is_all=len(times) <= TIMES_SHOWN,
        is_local=timing.plan.has_own_clocks,
    )


def judged_of(form: PlanForm) -> PlanForm:
    return form if form.is_bound else PlanForm({**initial_of(form)}, timeout=form.timeout)


def plan_in(form: PlanForm) -> Plan:
    """The plan that stands in the form; where it cannot be read, none that asks anything."""
    judged = judged_of(form)
    return judged.timing.plan if judged.is_valid() else NOW.plan


def initial_of(form: PlanForm) -> dict[str, object]:
    return {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}


@lru_cache(maxsize=1)
def zone_choices(today: date) -> tuple[tuple[str, str], ...]:
    """Every zone that has a name, with what it is from Greenwich. The first call of a day reads them all."""
    noon = datetime.combine(today, time(12), UTC)
    zones = (zone_named(name) for name in zone_names())
    return tuple((zone.name, zone.label(noon)) for zone in zones if zone)

import json
import sys
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from assistant.commands.limits import TIMEOUT_DEFAULT
from assistant.invocations.rules.cron import no_zone
from assistant.invocations.rules.plan_sentences import sentence
from assistant.invocations.rules.plans import PERIOD, Plan, PlanKind, clock_text, new_plan, next_runs, on_wire
from assistant.invocations.rules.zones import UTC_ZONE, Zone, zone_named
from console.kit.clock import api_time
from console.kit.errors import ConsoleError, InvalidParameter

COUNT_MOST = 1000


class Command(BaseCommand):
    help = (
        "Say in words when a plan runs, and its next times: a cron text of six or seven fields, "
        "rate(5m) or at(2027-05-17 17:30:50 Asia/Shanghai). Needs neither a console nor its database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("frequency", metavar="TEXT", help="as the API's Frequency has it")
        parser.add_argument(
            "--timezone",
            default="",
            metavar="ZONE",
            help="of a cron text that names none, and the one to show the times in",
        )
        parser.add_argument("--count", type=int, default=5, help="how many times; 5 if not said")
        parser.add_argument(
            "--timeout",
            type=int,
            default=TIMEOUT_DEFAULT,
            metavar="SECONDS",
            help="of the command: runs may not follow one another sooner",
        )
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="print one JSON document, nothing else"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.explain(**options)
        except ConsoleError as error:
            self.stderr.write(error.message, style_func=str)
            sys.exit(1)

    def explain(
        self, *, frequency: str, timezone: str, count: int, timeout: int, as_json: bool, **_options: Any
    ) -> None:
        if not 1 <= count <= COUNT_MOST:
            raise InvalidParameter(_("Say a count from 1 to %(most)d.") % {"most": COUNT_MOST}, field="count")
        chosen = zone_named(timezone) if timezone else None
        if timezone and chosen is None:
            raise no_zone(timezone)
        plan = plan_asked_for(frequency, chosen, timeout)
        now = now_in_seconds()
        # One more than is shown says whether these are all.
        times = next_runs(plan, now, count + 1, created_at=now)
        shown_in = chosen or plan.zone or UTC_ZONE
        document = document_of(plan, times[:count], shown_in, is_last=len(times) <= count)
        if as_json:
            self.stdout.write(json.dumps(document, indent=1))
        else:
            self.stdout.write("\n".join(lines_of(plan, document)))


def plan_asked_for(frequency: str, zone: Zone | None, timeout: int) -> Plan:
    is_clock = frequency and not frequency.startswith(("rate(", "at("))
    text = clock_text(frequency, zone.name if zone else "") if is_clock else frequency
    return new_plan(PERIOD, text, now=timezone.now(), timeout=timedelta(seconds=timeout))


def now_in_seconds() -> datetime:
    """Times of a fixed interval begin now, and nobody reads microseconds."""
    return timezone.now().replace(microsecond=0)


def document_of(plan: Plan, times: list[datetime], shown_in: Zone, *, is_last: bool) -> dict[str, Any]:
    wire = on_wire(plan)
    return {
        "RepeatMode": plan.repeat_mode,
        "Frequency": plan.frequency,
        "Sentence": sentence(plan),
        "TimeZone": shown_in.label(times[0]),
        "NextTimes": [
            {"Local": time.astimezone(shown_in.tz).isoformat(), "Utc": api_time(time)} for time in times
        ],
        "IsExhausted": is_last,
        "ToAgents": {"repeat": wire.repeat, "cron": wire.cron},
    }


def lines_of(plan: Plan, document: dict[str, Any]) -> list[str]:
    whose = "for a server in " if plan.kind is PlanKind.CLOCK and plan.zone is None else ""
    lines = [document["Sentence"], "", f"Next times, {whose}{document['TimeZone']}:"]
    for time in document["NextTimes"]:
        local = datetime.fromisoformat(time["Local"])
        lines.append(f"  {local:%a %Y-%m-%d %H:%M:%S %z}   {time['Utc']}")
    if document["IsExhausted"]:
        lines.append("  and never again")
    return lines

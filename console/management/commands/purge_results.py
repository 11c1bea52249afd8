import math
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from access.principals import Principal
from assistant.invocations import limits
from assistant.invocations.operations.pacing import Pace
from assistant.invocations.operations.retention import order_purge, purge_results, what_would_go
from console.management.doors import DoorCommand


class Command(DoorCommand):
    help = "Delete the results that the quotas do not keep, as the scheduler does every hour. May be interrupted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")

    def act(self, principal: Principal, *, as_json: bool, dry_run: bool, **_options: Any) -> None:
        now = timezone.now()
        if dry_run:
            purged = what_would_go(principal, now=now)
        else:
            order_purge(principal)
            pace = Pace(limits.PURGE_ROWS, most=limits.PURGE_ROWS_MOST)
            purged = purge_results(principal, now=now, pace=pace, until=math.inf)
        document = {
            "Runs": purged.runs,
            "Results": purged.results,
            "Commands": purged.commands,
            "DryRun": dry_run,
        }
        done = "Would be deleted" if dry_run else "Deleted"
        line = f"{done}: runs {purged.runs}, results {purged.results}, unsaved scripts {purged.commands}."
        self.show(document, lambda: [line], as_json=as_json)

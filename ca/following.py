"""A run from its start to its end: output as it comes, and the status that says how it went."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from ca import tables
from ca.errors import FAILED, CliError

if TYPE_CHECKING:
    from ca.api import Api

GOING_ON = frozenset({"Pending", "Running", "Stopping", "Scheduled"})
# Quick at first, for what is over in a moment; then it is the console's time that counts.
FIRST_PAUSE, LONGEST_PAUSE = 0.15, 2.0
# The highest status that a shell passes on from a command.
STATUS_MOST = 125


def follow(api: Api, runs: list[str], *, as_json: bool = False) -> int:
    """Print what the servers say until all have ended; the status to end with."""
    printed: dict[tuple[str, str], int] = {}
    pause, rows = FIRST_PAUSE, [row for run in runs for row in known_results_of(api, run)]
    while True:
        news = False if as_json else print_news(rows, printed)
        if not any(row["InvocationStatus"] in GOING_ON for row in rows):
            break
        pause = FIRST_PAUSE if news else min(LONGEST_PAUSE, pause * 1.5)
        time.sleep(pause)
        rows = [row for run in runs for row in results_of(api, run)]
    if as_json:
        json.dump(rows, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        tables.say_ends(rows)
    return status_of(rows)


def known_results_of(api: Api, run: str) -> list[dict[str, Any]]:
    """Raises CliError where there are none: nobody must take that for a success."""
    rows = results_of(api, run)
    if not rows:
        raise CliError(f"There are no results of {run} to see. Is the id right, and may this key read them?")
    return rows


def results_of(api: Api, run: str, *, history: bool = False) -> list[dict[str, Any]]:
    asked = {"InvokeId": run, "ContentEncoding": "PlainText", "IncludeHistory": history or None}
    return list(
        api.pages("DescribeInvocationResults", "Invocation", "InvocationResults", "InvocationResult", **asked)
    )


def print_news(rows: list[dict[str, Any]], printed: dict[tuple[str, str], int]) -> bool:
    """Print whole lines that have come since; of what has ended, the rest. Says whether there was any."""
    alone, news = len(rows) == 1, False
    for row in rows:
        key, output = (row["InvokeId"], row["InstanceId"]), row.get("Output", "")
        begin = printed.get(key, 0)
        has_ended = row["InvocationStatus"] not in GOING_ON
        end = len(output) if has_ended else output.rfind("\n") + 1
        if end > begin:
            news = True
            printed[key] = end
            for line in output[begin:end].splitlines():
                sys.stdout.write(f"{line}\n" if alone else f"{row['InstanceId']} | {line}\n")
    sys.stdout.flush()
    return news


def status_of(rows: list[dict[str, Any]]) -> int:
    """0 where all went well; of one server its command's own exit code."""
    if all(row["InvocationStatus"] in ("Success", *GOING_ON) for row in rows):
        return 0
    if len(rows) == 1 and rows[0]["InvocationStatus"] == "Failed":
        return max(1, min(STATUS_MOST, int(rows[0].get("ExitCode") or 1)))
    return FAILED

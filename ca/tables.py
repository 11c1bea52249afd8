"""How rows are printed: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Columns = dict[str, str]

INSTANCES: Columns = {
    "INSTANCE": "InstanceId",
    "NAME": "InstanceName",
    "CONNECTED": "Connected",
    "SYSTEM": "OsVersion",
    "ADDRESS": "IntranetIp",
    "AGENT": "AgentVersion",
}
RUNS: Columns = {
    "RUN": "InvokeId",
    "STATE": "InvocationStatus",
    "COMMAND": "CommandName",
    "PLAN": "RepeatMode",
    "CREATED": "CreationTime",
}
COMMANDS: Columns = {"COMMAND": "CommandId", "NAME": "Name", "TYPE": "Type", "DESCRIPTION": "Description"}
RESULTS: Columns = {
    "INSTANCE": "InstanceId",
    "STATE": "InvocationStatus",
    "EXIT": "ExitCode",
    "ERROR": "ErrorCode",
    "FINISHED": "FinishedTime",
}


def show(rows: Sequence[dict[str, Any]], columns: Columns, *, as_json: bool) -> None:
    if as_json:
        json.dump(rows, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    lines = [list(columns), *([plain(row.get(name, "")) for name in columns.values()] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths))  # noqa: B905 - Python 3.9
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def show_ids(runs: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        json.dump([{"InvokeId": run} for run in runs], sys.stdout)
        sys.stdout.write("\n")
    else:
        sys.stdout.writelines(f"{run}\n" for run in runs)


def show_results(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    show(rows, RESULTS, as_json=as_json)
    if not as_json:
        for row in rows:
            if row.get("Output"):
                sys.stdout.write(f"\n--- {row['InstanceId']} ---\n{row['Output'].rstrip()}\n")


def say_ends(rows: Sequence[dict[str, Any]]) -> None:
    """To standard error, so that what servers say can be piped on."""
    for row in rows:
        if row["InvocationStatus"] != "Success":
            facts = [row["InvocationStatus"], row.get("ErrorCode", ""), row.get("ErrorInfo", "")]
            sys.stderr.write(f"{row['InstanceId']}: {' '.join(fact for fact in facts if fact)}\n")
    went_well = sum(row["InvocationStatus"] == "Success" for row in rows)
    if len(rows) > 1:
        sys.stderr.write(f"{went_well} of {len(rows)} went well.\n")


def plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(letter if letter.isprintable() else " " for letter in str(value))

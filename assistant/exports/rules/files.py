"""Results as rows of a table, lines of JSON and files of an archive."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BufferedRandom
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from access.rules.exports import csv_row
from assistant.exports.states import Format
from assistant.invocations.rules.colours import plain
from assistant.invocations.rules.output import assemble
from assistant.invocations.states import Status
from console.kit.clock import api_time

INDEX = "index.csv"
NAME_CHARACTERS = 60


class Result(NamedTuple):
    """What is written of one instance; `pieces` are (offset, body)."""

    instance_id: str
    instance_name: str
    status: str
    exit_code: int | None
    error_code: str
    error_info: str
    username: str
    started_at: datetime | None
    finished_at: datetime | None
    dropped: int
    # Of a plan that recurs: which of its runs this is, and when it was due.
    number: int = 0
    due_at: datetime | None = None
    pieces: Sequence[tuple[int, bytes]] = ()


# CA-187, with the account as the API's results have it.
COLUMNS = (
    "InstanceId",
    "InstanceName",
    "InvocationStatus",
    "InvokeRecordStatus",
    "ExitCode",
    "ErrorCode",
    "ErrorInfo",
    "Username",
    "StartTime",
    "FinishedTime",
    "Dropped",
)


# Where each run of a plan has a row.
RUN_COLUMNS = ("Repeats", "DueTime")


def columns(*, has_history: bool) -> tuple[str, ...]:
    return (*COLUMNS, *RUN_COLUMNS) if has_history else COLUMNS


def cells(result: Result) -> list[object]:
    run = [result.number, api_time(result.due_at)] if result.number else []
    return [
        result.instance_id,
        result.instance_name,
        result.status,
        Status(result.status).coarse.value,
        result.exit_code,
        result.error_code,
        result.error_info,
        result.username,
        api_time(result.started_at),
        api_time(result.finished_at),
        result.dropped,
        *run,
    ]


def text_of(result: Result) -> str:
    return assemble(result.pieces, total=0).text


def table_row(result: Result) -> list[object]:
    """As a spreadsheet takes it: nothing in the place of what is not known."""
    return ["" if cell is None else cell for cell in cells(result)]


def table_line(result: Result) -> bytes:
    return csv_row([*table_row(result), plain(text_of(result))]).encode()


def index_line(result: Result) -> str:
    return csv_row([*table_row(result), file_name(result.instance_id, result.instance_name, result.number)])


def json_line(result: Result) -> bytes:
    names = columns(has_history=bool(result.number))
    document = dict(zip(names, cells(result), strict=True)) | {"Output": text_of(result)}
    return (json.dumps(document, ensure_ascii=False) + "\n").encode()


def file_name(instance_id: str, instance_name: str, number: int = 0) -> str:
    """A name that every file system takes, and that leads nowhere else."""
    name = re.sub(r"[^\w.-]+", "_", instance_name).strip("._")[:NAME_CHARACTERS]
    place = f"results/{name}_{instance_id}" if name else f"results/{instance_id}"
    return f"{place}/run-{number}.txt" if number else f"{place}.txt"


# --- Write: a beginning, any number of batches, an end. The stream is at its end each time. ---


def begin(stream: BufferedRandom, form: Format, *, has_history: bool = False) -> None:
    if form is Format.CSV:
        stream.write(csv_row([*columns(has_history=has_history), "Output"]).encode())
    elif form is Format.ZIP:
        with ZipFile(stream, "w"):
            pass


def add(stream: BufferedRandom, form: Format, results: Iterable[Result]) -> None:
    match form:
        case Format.CSV:
            stream.writelines(table_line(result) for result in results)
        case Format.LINES:
            stream.writelines(json_line(result) for result in results)
        case Format.ZIP:
            with ZipFile(stream, "a", ZIP_DEFLATED, compresslevel=3) as archive:
                for result in results:
                    body = b"".join(body for _offset, body in result.pieces)
                    archive.writestr(file_name(result.instance_id, result.instance_name, result.number), body)


def finish(
    stream: BufferedRandom, form: Format, results: Iterable[Result], *, has_history: bool = False
) -> None:
    """An archive ends with the list of all results, without their output."""
    if form is Format.ZIP:
        head = csv_row([*columns(has_history=has_history), "File"])
        with ZipFile(stream, "a", ZIP_DEFLATED) as archive:
            archive.writestr(INDEX, head + "".join(index_line(result) for result in results))

"""One line per event on standard error.

The standard logging package would cost more memory than the rest of our own code together.
"""

from __future__ import annotations

import contextlib
import os
import time


def info(sentence: str, **facts: object) -> None:
    _write("INFO", sentence, facts)


def warning(sentence: str, **facts: object) -> None:
    _write("WARNING", sentence, facts)


def error(sentence: str, **facts: object) -> None:
    _write("ERROR", sentence, facts)


def defect(sentence: str, error: BaseException, **facts: object) -> None:
    """An error that nobody foresaw, with its trace."""
    # Imported only now: a healthy agent never needs it.
    import traceback  # noqa: PLC0415

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    _write("ERROR", sentence, facts, trace)


def _write(level: str, sentence: str, facts: dict[str, object], trace: str = "") -> None:
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    details = "".join(f" {name}={_one_line(value)}" for name, value in facts.items())
    line = f"{stamp}.{int(now * 1000) % 1000:03d} {level} {sentence}{details}\n{trace}"
    # A full disk or a closed terminal must not stop the agent.
    with contextlib.suppress(OSError):
        os.write(2, line.encode("utf-8", "backslashreplace"))


def _one_line(value: object) -> str:
    return str(value).replace("\r", " ").replace("\n", " ")

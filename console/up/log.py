"""The supervisor's own lines, in the form that the other processes' lines have.

Their formatter would cost more memory than the supervisor itself.
"""

import contextlib
import json
import sys
import time

from console import env

LOGGER = "console.up"
LEVELS = ("debug", "info", "warning", "error")


def info(sentence: str, **facts: object) -> None:
    _write("info", sentence, facts)


def warning(sentence: str, **facts: object) -> None:
    _write("warning", sentence, facts)


def error(sentence: str, **facts: object) -> None:
    _write("error", sentence, facts)


def _write(level: str, sentence: str, facts: dict[str, object]) -> None:
    if LEVELS.index(level) < LEVELS.index(env.text("LOG_LEVEL", "info").lower()):
        return
    details = "".join(f" {name}={value}" for name, value in facts.items())
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
    line = f"{stamp} [{level:<9}] {sentence}{details} [{LOGGER}]"
    if env.text("LOG_FORMAT").lower() == "json":
        line = json.dumps({"event": sentence + details, "logger": LOGGER, "level": level, "timestamp": stamp})
    # A closed terminal or a full disk must not end what runs.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

"""On which line of a policy's text a fault is."""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]

STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


def line_of(document: str, path: str) -> int:
    """The line, counted from 1, of what a path (`Statement[0].Resource[1]`) leads to, or comes nearest to it.

    The document is JSON. A member that is missing is said to be where the object begins that lacks it.
    """
    at = after_space(document, 0)
    for number, name in STEP.findall(path):
        found = element(document, at, int(number)) if number else member(document, at, name)
        if found is None:
            break
        at = found
    return document.count("\n", 0, at) + 1


def after_space(document: str, at: int) -> int:
    match = SPACE.match(document, at)
    return match.end() if match else at


def element(document: str, at: int, number: int) -> int | None:
    """Where the element of the list that begins at a place begins."""
    if document[at] != "[":
        return None
    at = after_space(document, at + 1)
    for _number in range(number):
        at = behind(document, at)
        if document[at] != ",":
            return None
        at = after_space(document, at + 1)
    return at


def member(document: str, at: int, name: str) -> int | None:
    """Where the member of the object that begins at a place begins; its name, not its value."""
    if document[at] != "{":
        return None
    at = after_space(document, at + 1)
    while document[at] == '"':
        key, end = scanstring(document, at + 1)
        value = after_space(document, after_space(document, end) + 1)
        if key == name:
            return value
        at = behind(document, value)
        at = after_space(document, at + 1) if document[at] == "," else at
    return None


def behind(document: str, at: int) -> int:
    """The place of the comma or the closing bracket behind a value."""
    _value, end = DECODER.raw_decode(document, at)
    return after_space(document, end)

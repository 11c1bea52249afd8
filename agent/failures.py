"""The protocol's codes for commands that could not be started (agent-gateway 10.2)."""

from __future__ import annotations

import errno
import os

from agent.errors import StartFailed

SCRIPT_EXISTED = -9
NOT_ENOUGH_SPACE = -8
GENERAL = -13

# The reference's limit for the text, before it is escaped.
MAX_DESCRIPTION_BYTES = 255


def from_system(category: str, error: OSError) -> StartFailed:
    """A failed system call: its number, and `<Category>.<Phrase>: text`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StartFailed(NOT_ENOUGH_SPACE, describe("NoEnoughSpace", str(error)))
    number = error.errno or errno.EIO
    return StartFailed(number, describe(f"{category}.{phrase(number)}", str(error)))


def already_started() -> StartFailed:
    text = "this task was started before and is never started twice"
    return StartFailed(SCRIPT_EXISTED, describe("ScriptFileExisted", text))


def interrupted() -> StartFailed:
    text = "the agent was told to stop while the command ran"
    return StartFailed(errno.EINTR, describe("ExecuteScriptFailed.Interrupted", text))


def left_behind(*, by_restart: bool) -> StartFailed:
    """An earlier agent process ended without a word, perhaps with the whole system."""
    if by_restart:
        text = "the system was restarted while the command ran"
        return StartFailed(errno.ERESTART, describe("ExecuteScriptFailed.Restarted", text))
    text = "the agent ended while the command ran"
    return StartFailed(errno.EINTR, describe("ExecuteScriptFailed.Interrupted", text))


def unforeseen(error: Exception) -> StartFailed:
    return StartFailed(GENERAL, describe("General", repr(error)))


def phrase(number: int) -> str:
    """The system's words for an error as one: PermissionDenied."""
    words = "".join(letter if letter.isalnum() else " " for letter in os.strerror(number)).split()
    return "".join(word[0].upper() + word[1:] for word in words)


def describe(category: str, text: str) -> str:
    return f"{category}: {text}".encode()[:MAX_DESCRIPTION_BYTES].decode("utf-8", "ignore")

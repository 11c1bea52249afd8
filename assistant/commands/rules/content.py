"""Scripts as text and as what goes to a server."""

import base64
import re

from assistant.commands.states import CommandType

# The interpreter lines that the console offers beside the plain shell.
INTERPRETERS = {"python": "#!/usr/bin/env python3", "perl": "#!/usr/bin/env perl"}
LAUNCHER_LINE = "#!/usr/bin/env -S "
# Interpreters that take # for the beginning of a comment.
HASH_COMMENTS = re.compile(r"\b(?:ba|da|k|z)?sh\b|\bpython|\bperl|\bruby")
ERASING_WORD = "oos-secret"
# At the beginning of a line or after what ends another command; with sudo and a path in front of it or without.
REBOOTS = re.compile(
    r"""(?:^|[;&(]|\|\||\|[ \t]) [ \t]* (?:(?:then|else|do|exec|nohup)[ \t]+)?
        (?:sudo[ \t]+(?:-\w+[ \t]+)*)? (?:/[\w/]*/)?
        (?:reboot|poweroff|halt|shutdown(?:\.exe)?|(?:tel)?init[ \t]+[06]
          |systemctl[ \t]+(?:-\S+[ \t]+)*(?:reboot|poweroff|halt|kexec|soft-reboot)
          |restart-computer|stop-computer)
        (?![\w.-])""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)


def encoded(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def encoded_size(content: str) -> int:
    """Characters of the Base64 form, which is what the limit counts (CA-75)."""
    return 4 * -(-len(content.encode()) // 3)


def for_delivery(content: str, kind: CommandType) -> str:
    """Base64 of the script; a shell takes no carriage returns (CA-76), a batch file loses labels without them."""
    lines = content.replace("\r\n", "\n")
    if kind is CommandType.BAT:
        return encoded(lines.replace("\n", "\r\n"))
    return encoded(lines if kind is CommandType.SHELL else content)


def erasable(content: str, kind: CommandType) -> str | None:
    """The script with the comment for which the reference agent deletes its file after the run.

    That agent keeps scripts, readable for everybody on the server. It deletes those that hold this word, if it may
    look for parameters in them: None where it would find any, or where we know no comment of the language.
    """
    if "{{" in content:
        return None
    if kind is CommandType.BAT:
        return f"{content}\r\n@rem {ERASING_WORD}\r\n"
    line = content.partition("\n")[0]
    if line.startswith("#!") and not HASH_COMMENTS.search(line):
        return None
    return f"{content}\n# {ERASING_WORD}\n"


def with_interpreter(content: str, language: str) -> str:
    """Put the interpreter line of `language` in front, unless the script brings one."""
    line = INTERPRETERS.get(language)
    return content if line is None or content.startswith("#!") else f"{line}\n{content}"


def with_launcher(content: str, launcher: str) -> str:
    """Put what a script is started with in its first line; `env -S` takes its words apart."""
    return f"{LAUNCHER_LINE}{launcher}\n{content}"


def launched(content: str) -> tuple[str, str]:
    """What a script is started with, and the script without that; both as `with_launcher` took them."""
    line, _end, rest = content.partition("\n")
    if not line.startswith(LAUNCHER_LINE):
        return "", content
    return line.removeprefix(LAUNCHER_LINE), rest


def language_of(content: str, kind: CommandType) -> str:
    """The language that the console names for a script: `shell`, `python`, `perl`, `bat`, `powershell`."""
    if kind is not CommandType.SHELL:
        return "bat" if kind is CommandType.BAT else "powershell"
    lines = {line: language for language, line in INTERPRETERS.items()}
    return lines.get(content.partition("\n")[0].strip(), "shell")


def opening(content: str, most: int) -> str:
    """The first line that does something, or the first one at all, cut to `most` characters."""
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("#")]
    line = (telling or lines or [""])[0]
    return line if len(line) <= most else f"{line[: most - 1]}…"


def has_reboot(content: str) -> bool:
    """Whether a line restarts or stops the machine, so that no result could come back (CA-161)."""
    return REBOOTS.search(content) is not None

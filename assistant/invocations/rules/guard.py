"""What a script is asked about once more, as an administrator's patterns say.

Patterns are regular expressions with few ways to match, so that none runs away: what repeats without an end
stands alone or takes nothing back. A script is looked at line by line, in pieces, for a short time; one that
could not be looked at in that time is asked about, too.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.utils.translation import gettext as _

from assistant.invocations import limits
from assistant.invocations.errors import PatternRefused

DEFAULT_PATTERNS = r"""# What it does, a colon, and the regular expression that finds it; in scripts, blanks count as one.
deletes everything: \brm (-[-\w=]{1,30}+ ){1,6}["']?/(\*|\.|["']| |[;&|)]|$)
deletes everything: \brm ["']?/\*?["']? -
deletes a folder of the system: \brm (-[-\w=]{1,30}+ ){1,6}["']?/(bin|boot|dev|etc|home|lib|lib64|opt|root|sbin|srv|sys|usr|var)/?\*?(["' ;&|)]|$)
makes a file system: \b(mkfs(\.\w{1,10}+)?|mke2fs|mkswap)\s
writes onto a disk: \bdd .{0,80}\bof=["']?/dev/(?!null\b|zero\b|shm/|std|fd/)
writes onto a disk: > ?/dev/(sd|hd|vd|xvd|nvme|mmcblk|dm-|mapper/)
wipes a disk: \b(wipefs|blkdiscard|sgdisk|sfdisk|parted|fdisk) (?!-l)
stops or restarts the server: (^|[;&(/] ?|\|\| ?|\b(sudo|exec|then|do) )(shutdown(\.exe)?|reboot|halt|poweroff)([ ;&)]|$)
stops or restarts the server: \bsystemctl (-\S{1,30}+ ){0,4}(reboot|poweroff|halt|kexec|rescue|emergency)\b
stops or restarts the server: \b(init|telinit) [06]\b
stops or restarts the server: \b(?i:restart|stop)-(?i:computer)\b
starts processes without end: :\(\) ?\{ ?: ?\| ?: ?& ?\} ?; ?:
opens every file to everybody: \bchmod (-\w{1,10}+ ){1,4}(0?777|a\+rwx) ["']?/(\*|["' ;&|]|$)
formats a drive: \b(format [a-zA-Z]:|Format-Volume|Clear-Disk|Initialize-Disk)
deletes everything: \b(del|erase|rd|rmdir) (/\w ){0,6}["']?[a-zA-Z]:\\(\*|["' &|]|$)
"""

BLANKS = re.compile(r"[ \t\f\v]+")
# A line that goes on in the next one: of a shell, of PowerShell, of Bat.
CONTINUED = re.compile(r"[\\`^]\r?\n")
# More ways to match than may be counted.
ENDLESS = 1 << 60


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a script does, as a sentence says it, and what finds that."""

    words: str
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a script does, and the piece of it that says so."""

    words: str
    quoted: str


# --- The patterns ---


def patterns_of(text: str) -> list[Pattern]:
    """The patterns in an administrator's text. Raises PatternRefused with the number of the line."""
    return [
        pattern_of(line, number)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]


def pattern_of(line: str, number: int) -> Pattern:
    words, colon, expression = line.partition(": ")
    if not colon or not words.strip() or not expression:
        raise refused(number, _("it is not like “what it does: pattern”"))
    if len(line) > limits.PATTERN_CHARACTERS:
        raise refused(number, _("it has more than %(most)d characters") % {"most": limits.PATTERN_CHARACTERS})
    try:
        compiled = re.compile(expression)
        n_ways = ways(parsed(expression))
    except (re.error, RecursionError, OverflowError) as error:
        raise refused(number, _("%(reason)s") % {"reason": error}) from error
    if compiled.search(""):
        raise refused(number, _("it finds something in every line"))
    if n_ways > limits.PATTERN_WAYS:
        message = _(
            "it has too many ways to match: say .{0,40} and not .*, and (?>…) for what repeats as a whole"
        )
        raise refused(number, message)
    return Pattern(words.strip(), compiled)


def refused(number: int, reason: str) -> PatternRefused:
    message = _("Line %(number)d: %(reason)s.")
    return PatternRefused(message % {"number": number, "reason": reason}, field="patterns")


def parsed(expression: str) -> Any:
    # Without a public name, and without types: what `re.compile` itself begins with.
    return import_module("re._parser").parse(expression)


def ways(tree: Any) -> int:
    """In how many ways at most a pattern may be tried at one place: what going back costs."""
    number = 1
    for operation, what in tree:
        number = min(ENDLESS, number * ways_of(str(operation), what))
    return number


def ways_of(operation: str, what: Any) -> int:
    match operation:
        case "MAX_REPEAT" | "MIN_REPEAT":
            return ways_of_repeat(*what)
        case "SUBPATTERN":
            return ways(what[-1])
        case "BRANCH":
            return sum(ways(branch) for branch in what[1])
        case "POSSESSIVE_REPEAT":
            return endless_if_many(ways(what[-1]))
        case "ATOMIC_GROUP":
            return endless_if_many(ways(what))
        case "ASSERT" | "ASSERT_NOT":
            return endless_if_many(ways(what[-1]))
        case "GROUPREF" | "GROUPREF_IGNORE" | "GROUPREF_EXISTS":
            return ENDLESS
        case _:
            return 1


def endless_if_many(inside: int) -> int:
    """What takes nothing back is one way outside; inside it may have some."""
    return 1 if inside <= limits.GUARD_PIECE else ENDLESS


def ways_of_repeat(least: int, most: int, body: Any) -> int:
    number = min(int(most), limits.GUARD_PIECE)
    # 2 to the power of 60 is endless already.
    together: int = ways(body) ** min(number, 60)
    return (number - least + 1) * min(ENDLESS, together)


# --- A script ---


def lines_of(script: str) -> list[str]:
    return [BLANKS.sub(" ", line).strip() for line in CONTINUED.sub(" ", script).splitlines()]


def pieces_of(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield line[: limits.GUARD_PIECE]
        for begin in range(
            limits.GUARD_PIECE // 2, len(line) - limits.GUARD_PIECE // 2, limits.GUARD_PIECE // 2
        ):
            yield line[begin : begin + limits.GUARD_PIECE]


def found_in(
    script: str, patterns: Sequence[Pattern], *, seconds: float = limits.GUARD_SECONDS
) -> list[Found] | None:
    """What the patterns find, each sentence once, with the first piece; None where the time was not enough."""
    found: dict[str, Found] = {}
    end = time.monotonic() + seconds
    for piece in pieces_of(lines_of(script)):
        if time.monotonic() > end:
            return None
        for pattern in patterns:
            match = None if pattern.words in found else pattern.expression.search(piece)
            if match:
                found[pattern.words] = Found(pattern.words, match[0].strip(" ;&|("))
    return list(found.values())

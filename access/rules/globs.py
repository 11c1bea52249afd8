"""Patterns with `*` (any run of characters, also none) and `?` (one character). Nothing else is special."""

import re
from collections.abc import Iterable

WILDCARDS = re.compile(r"[*?]+")


def regex_of(pattern: str, *, any_character: str = ".") -> str:
    """The pattern as a regular expression, to be matched to the end, with DOTALL.

    What stands between two stars is found where it first comes and not looked for again (an atomic
    group): the time grows with the text's length, however many stars there are.
    """
    first, *others = (fixed(part, any_character) for part in re.split(r"\*+", pattern))
    if not others:
        return first
    middle = "".join(f"(?>{any_character}*?{part})" for part in others[:-1])
    return f"{first}{middle}{any_character}*{others[-1]}"


def fixed(part: str, any_character: str) -> str:
    return any_character.join(re.escape(piece) for piece in part.split("?"))


def is_like(pattern: str, text: str) -> bool:
    if not has_wildcard(pattern):
        return pattern == text
    return pattern == "*" or re.fullmatch(regex_of(pattern), text, re.DOTALL) is not None


def has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def tidied(pattern: str) -> str:
    """The same pattern with one `*`, at the end, in every run of wildcards that has any."""
    return WILDCARDS.sub(lambda run: run[0].replace("*", "") + "*" * ("*" in run[0]), pattern)


def residuals(pattern: str, prefix: str) -> list[str]:
    """What is left of the pattern after it has read `prefix`: the rest of a text matches one of these.

    `*` may end before, in or after the prefix, so there can be several; none when it cannot begin so.
    """
    pattern = tidied(pattern)
    places = closure(pattern, {0})
    for character in prefix:
        moved = {
            place if pattern[place] == "*" else place + 1
            for place in places
            if place < len(pattern) and pattern[place] in ("*", "?", character)
        }
        places = closure(pattern, moved)
    rests = {pattern[place:] for place in places}
    if "*" in rests:
        return ["*"]
    # `*x` matches whatever `x` does.
    return sorted(rest for rest in rests if f"*{rest}" not in rests)


def closure(pattern: str, places: Iterable[int]) -> set[int]:
    """The places with those behind a `*` that matches nothing. The pattern is tidied: no `*` follows another."""
    reached = set(places)
    return reached | {place + 1 for place in reached if pattern[place : place + 1] == "*"}

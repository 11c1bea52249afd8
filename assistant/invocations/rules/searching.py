"""Search in outputs: what is asked for, what the index keeps of a text, where the hits are.

One meaning on both databases: every word and every "quoted phrase" occurs in the text, small and capital
letters alike, also inside of longer words. The databases only compare: texts are folded here, and what
their indexes hold are the pieces of two and three characters that a text has (`grams`). A text that has all
pieces of a word is a candidate; whether it has the word is then asked of the text itself.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# What one question may consist of; further words are left out.
TERMS_MOST = 10
# The shortest word that the index knows.
TERM_LEAST = 2
GRAM = 3

# What stands around the first hit.
BEFORE_HIT = 60
SNIPPET = 240

TERM = re.compile(r'"([^"]+)"|(\S+)')


class Part(NamedTuple):
    """A stretch of a snippet."""

    text: str
    is_hit: bool


def readable(text: str) -> str:
    """On one line: phrases are found across line ends, and whatever the spaces between their words."""
    return " ".join(text.split())


def folded(text: str) -> str:
    """With small letters, each in the place of its own: the text's length stays."""
    # Lower-case I with a dot is two characters, and what the other two are depends on what follows.
    return text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i").lower().replace("ς", "σ")


def terms_of(question: str) -> list[str]:
    """The words and phrases of a question, folded, each once. No character means anything but itself, and a pair of quotes."""
    found = [folded(readable(phrase or word)) for phrase, word in TERM.findall(question)]
    return list(dict.fromkeys(filter(None, found)))[:TERMS_MOST]


def is_askable(terms: Iterable[str]) -> bool:
    """Whether the index can help at all: single characters are in nearly every text."""
    return any(grams(term) for term in terms)


def grams(text: str) -> set[str]:
    """All pieces of two and three characters in the words of a folded text."""
    words = set(text.split())
    pieces = {word[at : at + GRAM] for word in words for at in range(len(word) - GRAM + 1)}
    return pieces | {word[at : at + 2] for word in words for at in range(len(word) - 1)}


def wanted_grams(terms: Iterable[str]) -> list[str]:
    """The pieces that a text with these terms has: of three characters, or the one of a word of two."""
    words = {word for term in terms for word in term.split() if len(word) >= TERM_LEAST}
    return sorted(piece for word in words for piece in grams(word) if len(piece) == min(len(word), GRAM))


def snippet(text: str, terms: Sequence[str]) -> list[Part]:
    """What stands around the first hit in a readable text, with all hits there marked."""
    plain = folded(text)
    first = min((at for at in map(plain.find, terms) if at >= 0), default=0)
    begin = max(0, first - BEFORE_HIT)
    shown, compared = text[begin : begin + SNIPPET], plain[begin : begin + SNIPPET]
    parts = marked(shown, compared, terms)
    if begin:
        parts.insert(0, Part("… ", is_hit=False))
    if begin + SNIPPET < len(text):
        parts.append(Part(" …", is_hit=False))
    return parts


def marked(shown: str, compared: str, terms: Sequence[str]) -> list[Part]:
    # The longest first: of two that begin at the same place it is the one to show.
    either = re.compile("|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True)) or "(?!)")
    parts: list[Part] = []
    end = 0
    for hit in either.finditer(compared):
        parts += [
            Part(shown[end : hit.start()], is_hit=False),
            Part(shown[hit.start() : hit.end()], is_hit=True),
        ]
        end = hit.end()
    return [part for part in [*parts, Part(shown[end:], is_hit=False)] if part.text]

"""Terminal sequences in what machines say: colours and bold are kept as spans, everything else is taken out.

Sixteen colours, as the tokens have them. Where a background is set the text on it has the page's own
surface colour, whatever foreground was asked for: so every pair can be read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

SEQUENCE = re.compile(
    r"""
    \x1b\[ (?P<styles> [0-9;:]* ) m             # styles (SGR)
    | \x1b\[ [0-?]* [\ -/]* (?: [@-~] | \Z )    # other control sequences: the cursor, erasing
    | \x1b[\]PX^_] [^\x07\x1b]* (?: \x07 | \x1b\\ | \Z )   # titles, links and other strings
    | \x1b [\ -/]* (?: [0-~] | \Z )             # other escapes
    """,
    re.VERBOSE,
)
# A carriage return begins a line of its own: what a terminal would write over stays readable.
RETURNS = re.compile(r"\r+\n?")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Style:
    """What a stretch of text looks like. Colours are names of tokens; empty is the page's own."""

    ink: str = ""
    fill: str = ""
    is_bold: bool = False
    is_reversed: bool = False

    @property
    def colour(self) -> str:
        """The one token that is used: of the background where there is one."""
        return (self.ink or "white") if self.is_reversed else (self.fill or self.ink)

    @property
    def is_filled(self) -> bool:
        return self.is_reversed or bool(self.fill)


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    style: Style = PLAIN


def spans(text: str) -> Iterator[Span]:
    """The text in stretches of one style each, without any control character but line ends and tabs."""
    style, start = PLAIN, 0
    for found in SEQUENCE.finditer(text):
        if said := clean(text[start : found.start()]):
            yield Span(said, style)
        start = found.end()
        if found["styles"] is not None:
            style = styled(style, found["styles"])
    if said := clean(text[start:]):
        yield Span(said, style)


def plain(text: str) -> str:
    """The same without any style: for previews, comparisons and spreadsheets."""
    return clean(SEQUENCE.sub("", text))


def clean(text: str) -> str:
    if text.isprintable():
        return text
    return CONTROLS.sub("", RETURNS.sub("\n", text))


def styled(style: Style, said: str) -> Style:
    """The style after one sequence. Colours beyond the sixteen are left out with their numbers."""
    numbers = iter(re.split("[;:]", said))
    for word in numbers:
        code = int(word[:4]) if word else 0
        style = extended(style, code, numbers) if code in (38, 48) else changed(style, code)
    return style


def extended(style: Style, code: int, numbers: Iterator[str]) -> Style:
    """`38;5;n` and `38;2;r;g;b`: of the first kind the sixteen are kept."""
    kind = next(numbers, "")
    if kind == "2":
        for _part in range(3):
            next(numbers, "")
        return style
    number = next(numbers, "") if kind == "5" else ""
    colour = palette(int(number[:4])) if number else ""
    if not colour:
        return style
    return replace(style, ink=colour) if code == 38 else replace(style, fill=colour)


def palette(number: int) -> str:
    if number < 8:
        return NAMES[number]
    return f"bright-{NAMES[number - 8]}" if number < 16 else ""


def changed(style: Style, code: int) -> Style:
    if code == 0:
        return PLAIN
    if code in SWITCHES:
        return replace(style, **SWITCHES[code])  # type: ignore[arg-type]
    for first, field, bright in COLOURS:
        if first <= code < first + 8:
            return replace(style, **{field: bright + NAMES[code - first]})  # type: ignore[arg-type]
    return style


SWITCHES: dict[int, dict[str, bool | str]] = {
    1: {"is_bold": True},
    22: {"is_bold": False},
    7: {"is_reversed": True},
    27: {"is_reversed": False},
    39: {"ink": ""},
    49: {"fill": ""},
}
COLOURS = ((30, "ink", ""), (40, "fill", ""), (90, "ink", "bright-"), (100, "fill", "bright-"))

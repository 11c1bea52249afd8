"""How two texts differ, line by line."""

from collections.abc import Sequence
from difflib import unified_diff
from typing import NamedTuple

# Lines of context around a change.
AROUND = 3


class Line(NamedTuple):
    """A line of a difference: `gone`, `new`, `same`, or a `gap` where lines are left out."""

    kind: str
    text: str

    @property
    def mark(self) -> str:
        return {"gone": "-", "new": "+"}.get(self.kind, " ")


KINDS = {"-": "gone", "+": "new", " ": "same"}


def lines_between(old: Sequence[str], new: Sequence[str], *, around: int = AROUND) -> list[Line]:
    """The lines that differ with some around them; none where both say the same."""
    pieces = list(unified_diff(old, new, n=around, lineterm=""))[2:]
    lines = [
        Line("gap", "") if piece.startswith("@@") else Line(KINDS[piece[0]], piece[1:]) for piece in pieces
    ]
    return lines[1:]

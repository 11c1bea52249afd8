"""How two versions of a policy differ, line by line."""

import json
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


def difference(old: str, new: str) -> list[Line]:
    """The lines that differ with some around them; none where only the layout does."""
    pieces = list(unified_diff(laid_out(old), laid_out(new), n=AROUND, lineterm=""))[2:]
    lines = [
        Line("gap", "") if piece.startswith("@@") else Line(KINDS[piece[0]], piece[1:]) for piece in pieces
    ]
    return lines[1:]


def laid_out(document: str) -> list[str]:
    """The document as if all authors used the same layout, so that only what it says is compared."""
    return json.dumps(json.loads(document), indent=2, ensure_ascii=False).splitlines()

"""Two outputs side by side: which lines are new, which are gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.invocations.rules.colours import plain
from console.kit.differences import Line, lines_between

# Finding what two texts share costs more than in proportion: beyond this many lines nobody reads it either.
LINES_COMPARED = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a newer or other text says against an older or the usual one."""

    lines: Sequence[Line]
    n_new: int
    n_gone: int
    # There is more than was compared or than `lines` shows.
    is_cut: bool


def compare(old: str, new: str, *, most_lines: int, around: int = 3) -> Comparison:
    """Compare as a page shows them: without colours and control characters."""
    before, after = plain(old).splitlines(), plain(new).splitlines()
    lines = lines_between(before[:LINES_COMPARED], after[:LINES_COMPARED], around=around)
    return Comparison(
        lines=lines[:most_lines],
        n_new=sum(line.kind == "new" for line in lines),
        n_gone=sum(line.kind == "gone" for line in lines),
        is_cut=len(lines) > most_lines or max(len(before), len(after)) > LINES_COMPARED,
    )

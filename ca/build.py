"""Makes the one file that is installed, as the agent's is made: the same sources give the same bytes.

python -m ca.build ca.pyz
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent import build as one_file


def build(target: Path) -> None:
    one_file.build(target, Path(__file__).parent)


if __name__ == "__main__":
    build(Path(sys.argv[1]))

"""Makes the one file that the console serves: the same sources give the same bytes.

python -m agent.build agent.pyz
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

INTERPRETER_LINE = b"#!/usr/bin/env python3\n"
STARTER = "import sys\n\nfrom {package} import cli\n\nsys.exit(cli.main(sys.argv[1:]))\n"

# The oldest moment that a zip file can name.
TIMESTAMP = (1980, 1, 1, 0, 0, 0)
UNIX, REGULAR_FILE = 3, 0o100644 << 16

# What makes the file is not needed in it.
LEFT_OUT = frozenset({"__main__.py", "build.py", "line.py"})


def build(target: Path, folder: Path = Path(__file__).parent) -> None:
    """Write the package in `folder` as an executable zip file to `target`, in one step."""
    package = folder.name
    sources = sorted(path for path in folder.glob("*.py") if path.name not in LEFT_OUT)
    draft = target.with_name(target.name + ".new")
    with draft.open("wb") as stream:
        stream.write(INTERPRETER_LINE)
        with zipfile.ZipFile(stream, "w") as archive:
            _add(archive, "__main__.py", STARTER.format(package=package).encode())
            for source in sources:
                _add(archive, f"{package}/{source.name}", source.read_bytes())
    draft.chmod(0o755)
    draft.replace(target)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, TIMESTAMP)
    # The same on every system and with every version of zlib.
    entry.create_system, entry.external_attr = UNIX, REGULAR_FILE
    entry.compress_type = zipfile.ZIP_STORED
    archive.writestr(entry, content)


if __name__ == "__main__":
    build(Path(sys.argv[1]))

"""Files that are still there after a power cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_file(path: Path, *parts: bytes, mode: int = 0o600) -> None:
    """Replace `path` in one step; when this returns, the content is on the disk."""
    draft = path.with_name(path.name + ".new")
    try:
        _write_draft(draft, parts, mode)
        draft.replace(path)
    except OSError:
        # On a full disk half a file would only be in the way.
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _write_draft(draft: Path, parts: tuple[bytes, ...], mode: int) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        for part in parts:
            write_all(descriptor, part)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(path: Path) -> None:
    """Make names that were just created or renamed in `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

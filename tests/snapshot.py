"""What is in a folder, to see whether anything was written to it, even if it was removed again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

Snapshot = dict[str, tuple[int, int, int]]


def snapshot(root: Path, without: Sequence[Path] = ()) -> Snapshot:
    """Returns inode, size and time of every file and folder; the time of a folder changes with each name in it."""
    found: Snapshot = {}
    pending = [root]
    while pending:
        path = pending.pop()
        if path in without:
            continue
        stat = path.lstat()
        found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if path.is_dir() and not path.is_symlink():
            pending += [Path(entry.path) for entry in os.scandir(path)]
    return found

"""Commands of roco as tests run them: exit codes, what a command printed, processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

DONE, DATA, USAGE, INTERRUPTED = 0, 1, 2, 130
INTERRUPTION = "interrupted; completed work is kept: run the same command again to resume\n"


class Result(NamedTuple):
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]


def process(*words: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Starts a command of roco in its own process."""
    command = [sys.executable, "-m", "roco", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

"""Which signals a process blocks, ignores or catches, as Linux lists them."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

ON_LINUX = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells what a process does on a signal"
)


def is_in(field: str, number: signal.Signals, pid: int | str = "self") -> bool:
    """Returns whether a signal is in a field of /proc/PID/status: SigBlk, SigIgn or SigCgt."""
    lines = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(lines[field], 16) >> (number - 1) & 1)

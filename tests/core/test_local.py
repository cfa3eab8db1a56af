"""Worker processes on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from roco.core.folder import RunFolder
from roco.core.local import LocalPool
from roco.core.pipeline import Pipeline

Make = Callable[..., Pipeline]

LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what a process ignores")


def _is_deaf(pid: int, number: signal.Signals) -> bool:
    """Returns whether a process blocks or ignores a signal."""
    lines = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool((int(lines["SigBlk"], 16) | int(lines["SigIgn"], 16)) >> (number - 1) & 1)


@LINUX
def test_ctrl_c_does_not_end_a_worker_not_even_while_it_starts(make: Make, tmp_path: Path) -> None:
    pool = LocalPool(RunFolder(tmp_path / "run", make()), 1)
    process = pool.start()
    try:
        assert _is_deaf(process.child.pid, signal.SIGINT)
        os.kill(process.child.pid, signal.SIGINT)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        process.requests.close()  # without a job, it ends
        assert process.child.wait(60) == 0
    finally:
        process.kill()
        process.close()
        pool.close()

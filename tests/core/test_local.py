"""Worker processes on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from roco.core.folder import RunFolder
from roco.core.local import LocalPool
from roco.core.pipeline import Pipeline
from tests.process_signals import ON_LINUX, is_in

Make = Callable[..., Pipeline]


@ON_LINUX
def test_ctrl_c_does_not_end_a_worker_not_even_while_it_starts(make: Make, tmp_path: Path) -> None:
    pool = LocalPool(RunFolder(tmp_path / "run", make()), 1)
    process = pool.start()
    try:
        pid = process.child.pid
        assert is_in("SigBlk", signal.SIGINT, pid) or is_in("SigIgn", signal.SIGINT, pid)
        os.kill(pid, signal.SIGINT)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        process.requests.close()  # without a job, it ends
        assert process.child.wait(60) == 0
    finally:
        process.kill()
        process.close()
        pool.close()

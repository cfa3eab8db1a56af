"""A command of roco in a process group of its own, which can be paused at one of its writes and disturbed there."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.hooks.sitecustomize import RECORD
from tests.waits import wait_until

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

MEMORY = 12 << 30
"""Bytes of address space of each process."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code, negative after a signal, and its output."""

    command: str
    code: int
    stdout: str
    stderr: str


class Command:
    """A running command `roco …`.

    log: the file of its records; files with the same name and other endings are beside it. pause: number of the record
    before which it waits.
    """

    def __init__(self, words: Sequence[str], cwd: Path, log: Path, pause: int, limits: Sequence[str] = ()) -> None:
        self.words, self.log = words, log
        for path in log.parent.glob(f"{log.name}*"):
            path.unlink()
        env = {**os.environ, "PYTHONPATH": search_path(), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
               "ROCO_CHAOS_LOG": str(log), "ROCO_CHAOS_PAUSE": str(pause),
               "ROCO_CHAOS_CLOCK": str(log.with_name("clock"))}  # fmt: skip
        command = [*_launcher(limits), sys.executable, "-m", "roco", *words]
        with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
            self.process = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )

    def _file(self, ending: str) -> Path:
        return self.log.with_name(f"{self.log.name}.{ending}")

    # --- where it is ------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def records(self) -> list[str]:
        """Returns what its processes wrote so far: `PID CALL PATH`."""
        data = self.log.read_bytes() if self.log.exists() else b""
        return [data[i : i + RECORD].decode(errors="replace").strip() for i in range(0, len(data), RECORD)]

    def wait_for_pause(self) -> bool:
        """Waits until one of its processes is paused; returns False if the command ends before."""
        paused = self._file("paused")
        wait_until(lambda: not self.is_running or paused.exists(), f"a pause of {self.words}")
        return self.is_running and paused.exists()

    def workers(self) -> list[int]:
        """Returns its living worker processes, in its session or, on Ray, in those of other processes."""
        in_session = [pid for pid in members(self.pid) if pid != self.pid]
        return sorted({*in_session, *_workers_with(f"ROCO_CHAOS_LOG={self.log}")})

    # --- its end ----------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """Ends the pause."""
        self._file("go").touch()

    def end(self) -> Ended:
        """Lets the command end, and waits until all of its processes have ended by themselves."""
        self.go()
        wait_until(lambda: not self.is_running, f"the end of {self.words}")
        wait_until(lambda: not self.workers(), f"the end of the workers of {self.words}")
        out, err = (self._file(name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        return Ended(" ".join(self.words), self.process.returncode, out, err)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kills all of its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        for pid in self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _launcher(limits: Sequence[str]) -> list[str]:
    """Returns the command before the command, as far as this system has it.

    The process is killed when this one dies, permissions of files hold for root as well, and memory is limited.
    """
    words: list[str] = []
    if shutil.which("setpriv"):
        words += ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            words += ["--bounding-set", "-dac_override,-dac_read_search"]
    if shutil.which("prlimit"):
        words += ["prlimit", f"--as={MEMORY}:", *limits]
    return words


def search_path() -> str:
    """Returns the PYTHONPATH of all processes: with the hooks before everything else."""
    return os.pathsep.join([str(HERE / "hooks"), str(ROOT)])


def _workers_with(variable: str) -> list[int]:
    """Returns the living workers of roco that have a variable in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_worker = b"roco.core.worker" in (folder / "cmdline").read_bytes().split(b"\0")
            if is_worker and variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def members(group: int) -> list[int]:
    """Returns the living processes of a session."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _session(pid) == group]  # noqa: PTH208


def _session(pid: int) -> int:
    """Returns the session of a process; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    state, session = fields[0], int(fields[3])
    return 0 if state in "ZX" else session


def pause_for(seconds: float) -> None:
    """Waits for a moment of the disturbance; no result depends on its length."""
    time.sleep(seconds)

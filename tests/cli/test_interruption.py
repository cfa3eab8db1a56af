"""Ctrl-C and SIGTERM during a run, and a second run in the same folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import roco.recipes.load
from tests.cli.command import DATA, DONE, INTERRUPTED, INTERRUPTION, Command, process
from tests.waits import PATIENCE, wait_until

SLOW = """
import time
from dataclasses import dataclass
from pathlib import Path
from roco import Decision

HERE = Path(__file__).parent

@dataclass(frozen=True, kw_only=True)
class Slow(Decision):
    needs = ("extract",)
    reads = ("caption",)

    def __call__(self, batch):
        (HERE / "reached").touch()
        while (HERE / "wait").exists():
            time.sleep(0.02)
        return batch
"""


@pytest.fixture
def slow(demo: Path) -> Iterator[Path]:
    """A demo whose first stage takes as long as the file `wait` exists."""
    (demo / "sleeper.py").write_text(SLOW)
    (demo / "wait").touch()
    recipe = demo / "demo.toml"
    recipe.write_text(recipe.read_text().replace("[[stage]]", '[[stage]]\nuse = "sleeper:Slow"\n\n[[stage]]', 1))
    yield demo
    (demo / "wait").unlink(missing_ok=True)


@pytest.mark.parametrize(("how", "workers"), [(signal.SIGINT, "0"), (signal.SIGINT, "2"), (signal.SIGTERM, "1")])
def test_an_interrupted_run_prints_how_to_resume_and_resumes(
    command: Command, slow: Path, workers: str, how: signal.Signals
) -> None:
    recipe = slow / "demo.toml"
    with process("run", recipe, "--workers", workers, start_new_session=True) as run:
        wait_until((slow / "reached").exists, "the slow stage")
        os.killpg(run.pid, how)  # as a terminal does: to the driver and its workers
        out, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out) == (INTERRUPTED, "")
    assert err.endswith(INTERRUPTION)
    assert "Traceback" not in err
    (slow / "wait").unlink()
    assert command("run", recipe, "--workers", "0").code == DONE
    assert command("verify", slow / "run" / "release").code == DONE


INTERRUPTED_TWICE = """
import os, signal
from roco.cli.progress import ProgressBar, resumable

try:
    with resumable(ProgressBar()):
        raise KeyboardInterrupt
finally:
    os.kill(os.getpid(), signal.{second})
"""


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])
def test_a_second_signal_while_an_interrupted_command_ends_changes_nothing(second: str) -> None:
    code = INTERRUPTED_TWICE.format(second=second)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (INTERRUPTED, INTERRUPTION)


SWALLOWED = """
import os, signal
from roco.cli.progress import ProgressBar, resumable

class Closed:
    def __del__(self):
        os.kill(os.getpid(), signal.{number})

with resumable(ProgressBar()):
    Closed()
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_whose_exception_python_drops_is_reported_at_the_end(number: str) -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED.format(number=number)], capture_output=True, text=True)
    assert done.returncode == INTERRUPTED
    assert "Exception ignored" in done.stderr
    assert done.stderr.endswith(INTERRUPTION)


def test_ctrl_c_is_ignored_where_the_shell_ignores_it() -> None:
    code = SWALLOWED.format(number="SIGINT").replace("with", "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwith")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (DONE, "")


def test_a_run_folder_in_use_is_an_error_with_a_hint(command: Command, slow: Path) -> None:
    with process("run", slow / "demo.toml", "--workers", "0") as run:
        wait_until((slow / "reached").exists, "the slow stage")
        result = command("run", slow / "demo.toml", "--workers", "0")
        assert result.code == DATA
        assert f"is in use by process {run.pid}" in result.err
        assert "--parts 1/2" in result.err
        (slow / "wait").unlink()
        assert run.wait(timeout=PATIENCE) == DONE
        run.communicate()


def test_an_interrupt_during_startup_prints_no_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(roco.recipes.load, "load_recipe", interrupted)
    result = command("status", "some.toml")
    assert result.code == INTERRUPTED
    assert "Traceback" not in result.err

"""Several processes write to one label log, and are killed while they do."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roco.curate.log import Log
from tests.curate.logs import TASKS, labelled, opened


def writer(path: Path, annotator: str, most: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.curate.log_writer", str(path), annotator, str(most)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def images_of(log: Log) -> set[str]:
    return {event.image_key for event in log.current("modality")}


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.db"
    processes = [writer(path, name, 40) for name in ("a1", "a2")]
    outputs = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    with Log.open(path, write=False) as log:
        assert images_of(log) == {f"{name}-{number}" for name in ("a1", "a2") for number in range(40)}
        assert images_of(log) == set(outputs[0]) | set(outputs[1])


def test_a_killed_writer_loses_no_acknowledged_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.db"
    with writer(path, "a1", 100_000) as process:
        assert process.stdout is not None
        acknowledged = {process.stdout.readline().strip() for _ in range(30)}
        process.kill()
        acknowledged |= set(process.stdout.read().split())
    with Log.open(path, TASKS) as log:
        assert acknowledged <= images_of(log)
        labelled(log, "next", "DRCT")


@pytest.mark.slow
def test_no_acknowledged_label_is_lost_in_200_kills(tmp_path: Path) -> None:
    """Each round forks a process in which four threads write, and kills it at a random moment."""
    path = tmp_path / "labels.db"
    opened(path, "first").close()
    rng = random.Random(7)
    acknowledged: set[str] = set()
    for number in range(200):
        acknowledged |= _killed(path, f"k{number}", rng.uniform(0.01, 0.15))
        with Log.open(path, write=False) as log:
            assert acknowledged <= images_of(log)
    assert len(acknowledged) > 1000
    with Log.open(path, TASKS) as log:
        assert acknowledged <= images_of(log)


def _killed(path: Path, name: str, seconds: float) -> set[str]:
    """Returns the images that a process had acknowledged when it was killed."""
    reader, sender = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            os.close(reader)
            log = Log(path, TASKS)

            def work(thread: int) -> None:
                for at in range(100_000):
                    labelled(log, f"{name}-{thread}-{at}", "DRCT")
                    os.write(sender, f"{name}-{thread}-{at}\n".encode())

            for thread in range(4):
                threading.Thread(target=work, args=(thread,)).start()
            time.sleep(60)
        os._exit(1)
    os.close(sender)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader) as lines:
        whole, _, _ = lines.read().rpartition("\n")
    return set(whole.split("\n")) - {""}

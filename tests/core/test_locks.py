"""Locks of a run folder: one driver alone, or several slices."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from roco.base.errors import Busy
from roco.base.locks import hold
from tests.faults.drive import drive, kept, read, script, started, write_articles
from tests.waits import PATIENCE, wait_until

PR_SET_CHILD_SUBREAPER = 36
N = 15  # two parts of seven articles and one of one


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("locks") / "articles", N)


@pytest.fixture(scope="module")
def finished(articles: Path) -> Path:
    folder = articles.with_name("finished")
    drive(articles, folder)
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROCO_TEST_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture
def busy(articles: Path, tmp_path: Path, log: Path) -> Iterator[Callable[..., Popen[str]]]:
    """Starts a run that waits in its first part until it is killed; returns once it has reached that point."""
    (tmp_path / "hold").touch()
    with ExitStack() as running:

        def begin(**options: Any) -> Popen[str]:
            before = read(log)["words"]
            held = {"ROCO_TEST_HOLD": str(tmp_path / "hold")}
            process = running.enter_context(started(articles, tmp_path / "run", held, workers=1, **options))
            wait_until(lambda: read(log)["words"] > before)
            return process

        yield begin


@pytest.fixture
def reaper() -> Iterator[None]:
    """Makes this process adopt orphans, as some init systems and containers do, instead of process 1."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def alive(group: int) -> bool:
    """Returns whether a process of the group is running; zombies do not count."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == group and state != "Z":
            return True
    return False


def test_a_second_driver_fails_at_once_and_names_the_process_that_holds_the_folder(
    articles: Path, tmp_path: Path, busy: Callable[..., Popen[str]]
) -> None:
    first = busy()
    with pytest.raises(Busy, match=f"in use by process {first.pid} on ") as err:
        drive(articles, tmp_path / "run")
    assert first.poll() is None  # the error does not wait for the end of the first run
    assert "\n" not in err.value.message
    assert "--parts" in err.value.hint
    with pytest.raises(Busy, match=f"process {first.pid}"):
        drive(articles, tmp_path / "run", only=(1, 2))
    result = script(articles, tmp_path / "run")
    assert (result["code"], result["error"]) == (1, "Busy")


def test_a_killed_driver_leaves_no_lock_and_no_worker(
    articles: Path, finished: Path, tmp_path: Path, busy: Callable[..., Popen[str]]
) -> None:
    first = busy()
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_until(lambda: not alive(first.pid))
    drive(articles, tmp_path / "run")
    assert kept(tmp_path / "run") == kept(finished)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
@pytest.mark.usefixtures("reaper")
@pytest.mark.parametrize("pause", [pytest.param(0.05, marks=pytest.mark.slow), 0.25])
def test_a_worker_that_starts_while_its_driver_is_killed_does_no_work(
    articles: Path, tmp_path: Path, log: Path, pause: float
) -> None:
    with started(articles, tmp_path / "run", workers=2, slow=0.2) as process:
        wait_until((tmp_path / "run" / "manifest.json").exists)
        time.sleep(pause)  # chooses the moment of the kill; the test passes at any
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.05)  # a worker may be killed a moment after its driver
        before = read(log)
        wait_until(lambda: not alive(process.pid))
        assert read(log) == before


def test_a_full_run_does_not_disturb_slices(articles: Path, tmp_path: Path, busy: Callable[..., Popen[str]]) -> None:
    drive(articles, tmp_path / "run", only=(2, 3))
    with hold(tmp_path / "run" / ".lock"):
        pass  # a previous driver, which must not be named as the holder
    busy(only=(1, 3))
    with pytest.raises(Busy, match="in use by processes with --parts"):
        drive(articles, tmp_path / "run")
    assert drive(articles, tmp_path / "run", only=(3, 3)).measured["read"] == 1


@pytest.mark.slow
def test_two_slices_at_once_and_then_a_run_read_each_part_once(
    articles: Path, finished: Path, tmp_path: Path, log: Path
) -> None:
    with ExitStack() as running:
        slices = [
            running.enter_context(started(articles, tmp_path / "run", workers=1, slow=0.1, only=(i, 2))) for i in (1, 2)
        ]
        assert [process.wait(PATIENCE) for process in slices] == [0, 0]
    assert read(log)["read"] == N
    assert drive(articles, tmp_path / "run").measured == {}
    assert read(log)["read"] == N
    assert kept(tmp_path / "run") == kept(finished)


def test_the_same_slice_twice_at_once_reads_each_part_once(
    articles: Path, tmp_path: Path, log: Path, busy: Callable[..., Popen[str]]
) -> None:
    busy(only=(1, 2))
    outcome = drive(articles, tmp_path / "run", only=(1, 2))
    assert (outcome.measured, outcome.parts_done, outcome.parts_elsewhere) == ({}, 0, 2)
    assert read(log)["read"] == 7


@pytest.mark.slow
def test_slices_started_together_share_the_parts_between_them(articles: Path, tmp_path: Path, log: Path) -> None:
    with ExitStack() as running:
        same = [running.enter_context(started(articles, tmp_path / "run", slow=0.1, only=(1, 1))) for _ in range(3)]
        assert [process.wait(PATIENCE) for process in same] == [0, 0, 0]
    assert read(log)["read"] == N


def test_the_order_of_slices_does_not_matter(articles: Path, finished: Path, tmp_path: Path) -> None:
    for order in itertools.permutations((1, 2, 3)):
        folder = tmp_path / "".join(map(str, order))
        for i in order:
            drive(articles, folder, only=(i, 3))
        assert drive(articles, folder).measured == {}
        assert kept(folder) == kept(finished)


def test_a_released_lock_can_be_acquired_again(tmp_path: Path) -> None:
    for shared in (False, True, False):
        with hold(tmp_path / "lock", shared=shared):
            pass
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(hold(tmp_path / "lock", shared=True))
        with pytest.raises(Busy):
            held.enter_context(hold(tmp_path / "lock"))

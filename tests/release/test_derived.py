"""What `select` and `retract` write appears as a whole, or not at all: on a full disk, and after a kill."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import roco
from roco.base.errors import DataError
from roco.release.retract import retract
from roco.release.select.flags import SelectOptions
from roco.release.select.subset import select
from tests.cli.command import contents
from tests.recorder import Recorder
from tests.stages.publish.finished import publish

Write = Callable[[Path, Path], object]


def write_subset(release: Path, out: Path) -> None:
    select(release, out, SelectOptions(where="split = 'train'"))


def write_next(release: Path, out: Path) -> None:
    retract(release, out, [roco.Release.open(release).table()["id"][0].as_py()], "consent withdrawn", "2026-11-30")


WRITERS = pytest.mark.parametrize("write", [write_subset, write_next])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("small") / "release")


@WRITERS
@pytest.mark.parametrize("moment", [1, 4, 12, 20, 23])
def test_a_full_disk_is_one_error_and_leaves_nothing(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write, moment: int
) -> None:
    before, replace, count = contents(release), os.replace, 0

    def fill(source: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fill)
    with pytest.raises(DataError, match=r"no space left on the disk: cannot write .*out") as error:
        write(release, tmp_path / "out")
    assert "free some space and run the same command again" in error.value.hint
    assert list(tmp_path.iterdir()) == [] and contents(release) == before


@WRITERS
@pytest.mark.parametrize("moment", [pytest.param(2, marks=pytest.mark.slow), 20])
def test_after_a_kill_there_is_no_release_and_the_same_command_writes_it(
    release: Path, tmp_path: Path, write: Write, moment: int
) -> None:
    name = getattr(write, "__name__", "")
    script = f"""
import os, signal
from pathlib import Path
from tests.release import test_derived
replace, count = os.replace, 0
def die(source, target):
    global count
    count += 1
    if count == {moment}:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = die
test_derived.{name}(Path({str(release)!r}), Path({str(tmp_path / "out")!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not (tmp_path / "out").exists() and len(list(tmp_path.iterdir())) == 1
    write(release, tmp_path / "out")
    write(release, tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]  # without what the kill left
    assert contents(tmp_path / "out") == contents(tmp_path / "whole") and roco.verify(tmp_path / "out") == []


def test_the_display_does_not_stay_at_the_last_checksum(release: Path, tmp_path: Path) -> None:
    seen = Recorder()
    first = roco.Release.open(release).table()["id"][0].as_py()
    retract(release, tmp_path / "out", [first], "consent withdrawn", progress=seen)
    others = [name for name in seen.activities if not name.startswith("checksum of")]
    assert others == ["reading figures.parquet", "comparing the tables", "images", "writing the tables"]
    assert seen.activities[-len(others) :] == others

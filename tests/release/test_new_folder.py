"""A folder appears when it is complete, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.release.new_folder import new_folder


def test_the_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with new_folder(out) as part:
        (part / "file").write_text("text")
        assert not out.exists() and part.parent == out.parent
    assert (out / "file").read_text() == "text"
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "out") as part:
        (part / "file").write_text("text")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_appears_in_the_meantime_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder with files is in the place"), new_folder(tmp_path / "out"):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    killed, alive, other = (tmp_path / f".out.{name}.part" for name in (ended.pid, os.getppid(), "x"))
    for folder in (killed, alive, other):
        folder.mkdir()
    with new_folder(tmp_path / "out"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, other.name, "out"])

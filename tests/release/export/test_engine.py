"""The folder of an export: written file by file, continued after a kill, refused where it contains something else."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roco.base.errors import Busy, DataError
from roco.base.locks import hold_folder
from roco.base.progress import NullProgress
from roco.release.export.engine import Exported, PlannedFile, Writing, write_export
from roco.release.export.formats import FORMATS, export
from tests.cli.command import DATA, DONE, contents, process

IDENTITY = {"format": "text", "release": "0" * 64, "options": {"shard_mb": 500}}


class Killed(BaseException):
    """Ends an export as SIGKILL does: nothing handles it."""


def text(name: str, value: str = "text") -> PlannedFile:
    def write(part: Path, writing: Writing) -> None:
        part.write_text(value)
        writing.advance(1)

    return PlannedFile(name, 1, write)


def written(folder: Path, *files: PlannedFile, identity: dict[str, object] | None = None) -> Exported:
    return write_export(folder, identity or IDENTITY, files, NullProgress())


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Kills the process at the n-th file that gets its name; 0: never."""

    def set_moment(number: int) -> None:
        replace = os.replace
        count = 0

        def replace_or_die(source: Path, target: Path) -> None:
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            replace(source, target)

        monkeypatch.setattr(os, "replace", replace_or_die)

    return set_moment


# --- repetition and resumption --------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_has_the_same_bytes_in_another_environment(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    export(small, format, tmp_path / "one")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setattr(time, "time", lambda: 1e9)
    time.tzset()
    umask = os.umask(0o077)
    try:
        export(small, format, tmp_path / "other" / "two")
    finally:
        os.umask(umask)
        monkeypatch.undo()
        time.tzset()
    assert contents(tmp_path / "one") == contents(tmp_path / "other" / "two")


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_killed_at_any_file_is_continued_to_the_same_bytes(
    small: Path, tmp_path: Path, kill_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    done = export(small, format, tmp_path / "whole")
    whole = contents(done.folder)
    names = 2 * len(done.files) + 1  # each file or folder and, after it, export.json, which is completed at the end
    for number in range(1, names + 1, 3):
        out = tmp_path / f"killed-{number}"
        kill_at(number)
        with pytest.raises(Killed):
            export(small, format, out)
        monkeypatch.undo()
        (out / ".README.md.1.part").write_text("what a killed process leaves")
        assert contents(export(small, format, out).folder) == whole


def test_finished_files_are_not_written_again(tmp_path: Path) -> None:
    def fail(part: Path, writing: Writing) -> None:
        raise Killed

    with pytest.raises(Killed):
        written(tmp_path / "out", text("a/one.txt"), PlannedFile("b.txt", 0, fail))
    one = (tmp_path / "out" / "a" / "one.txt").stat()
    done = written(tmp_path / "out", text("a/one.txt"), text("b.txt"))
    assert (tmp_path / "out" / "a" / "one.txt").stat().st_ino == one.st_ino
    assert list(done.files) == ["a/one.txt", "b.txt"]


def test_a_complete_export_is_left_as_it_is(small: Path, tmp_path: Path) -> None:
    export(small, "hf", tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    export(small, "hf", tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_the_record_is_complete_only_at_the_end(tmp_path: Path) -> None:
    seen = []

    def look(part: Path, writing: Writing) -> None:
        seen.append(json.loads((tmp_path / "out" / "export.json").read_text())["complete"])
        part.write_text("")

    written(tmp_path / "out", text("a"), PlannedFile("b", 0, look))
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (seen, record["complete"], list(record["files"])) == ([False], True, ["a", "b"])


def test_a_file_that_is_missing_is_written_again(tmp_path: Path) -> None:
    written(tmp_path / "out", text("a"), text("b"))
    (tmp_path / "out" / "a").unlink()
    written(tmp_path / "out", text("a"), text("b"))
    assert (tmp_path / "out" / "a").read_text() == "text"


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"release": "1" * 64}, "contains another export: release is 000000000000, not 111111111111"),
        ({"format": "other"}, "contains another export: format is text, not other"),
        ({"options": {"shard_mb": 9}}, "contains another export: options is shard_mb 500, not shard_mb 9"),
    ],
)
def test_the_folder_of_another_export_is_refused(tmp_path: Path, identity: dict[str, object], message: str) -> None:
    written(tmp_path / "out", text("a"))
    before = contents(tmp_path / "out")
    with pytest.raises(DataError, match=message):
        written(tmp_path / "out", text("a"), text("b"), identity={**IDENTITY, **identity})
    assert contents(tmp_path / "out") == before


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"is not empty and not an export \(it contains notes.txt\)"):
        written(tmp_path, text("notes.txt"))
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_hidden_files_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".cache" / "huggingface").mkdir(parents=True)
    (tmp_path / ".cache" / "huggingface" / "upload").write_text("state")
    written(tmp_path, text("a"))
    written(tmp_path, text("a"))
    assert (tmp_path / ".cache" / "huggingface" / "upload").read_text() == "state"


def test_a_stale_file_beside_those_of_the_export_is_refused(tmp_path: Path) -> None:
    written(tmp_path, text("a"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00001.parquet").write_text("stale")
    with pytest.raises(DataError, match=r"unexpected file in the export: .*train-00001"):
        written(tmp_path, text("a"))


def test_a_file_that_was_changed_is_not_overwritten(tmp_path: Path) -> None:
    written(tmp_path, text("README.md"))
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(DataError, match=r"README.md was changed after it was exported"):
        written(tmp_path, text("README.md"))
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("record", ["", "[]", '{"files": 3}', '{"files": {"a": {}}}', "\x00"])
def test_an_invalid_record_is_one_error(tmp_path: Path, record: str) -> None:
    (tmp_path / "export.json").write_text(record)
    with pytest.raises(DataError, match=r"export.json is invalid"):
        written(tmp_path, text("a"))


def test_a_folder_that_another_process_writes_is_refused(tmp_path: Path) -> None:
    with hold_folder(tmp_path), pytest.raises(Busy):
        written(tmp_path, text("a"))
    assert contents(tmp_path) == {}


def test_a_full_disk_is_one_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    def fill(part: Path, writing: Writing) -> None:
        part.write_text("half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match=r"no space left on the disk: cannot write .*/b.txt") as error:
        written(tmp_path, text("a.txt"), PlannedFile("b.txt", 1, fill))
    assert "run the same command again" in error.value.hint
    assert sorted(contents(tmp_path)) == ["a.txt", "export.json"]
    written(tmp_path, text("a.txt"), text("b.txt"))


@pytest.mark.slow
@pytest.mark.parametrize("format", ["hf", "webdataset", "coco"])
def test_an_export_killed_by_the_system_at_random_is_continued_to_the_same_bytes(
    finished_demo: Path, tmp_path: Path, format: str
) -> None:
    release = finished_demo / "run" / "release"
    whole = contents(export(release, format, tmp_path / "whole").folder)
    rng = random.Random(format)
    out = tmp_path / "out"
    for _ in range(5):
        with process("export", release, format, out) as running:
            # Killed at some moment: before it begins, while it writes, or after its end.
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(rng.uniform(0.3, 2))
            running.kill()
            running.communicate()
    with process("export", release, format, out) as last:
        last.communicate()
    assert last.returncode == DONE
    assert contents(out) == whole


@pytest.mark.slow
def test_a_file_that_the_disk_cannot_hold_is_one_error(finished_demo: Path, tmp_path: Path) -> None:
    release = finished_demo / "run" / "release"
    for format in ("hf", "webdataset"):
        out = tmp_path / format
        limited = f"ulimit -f 100; exec {shlex.quote(sys.executable)} -m roco -q export {release} {format} {out}"
        done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (DATA, "")
        assert re.fullmatch(r"error: file too large: cannot write \S+train\S+\n  free some space and .*\n", done.stderr)
        assert [path for path in out.rglob("*") if path.is_file()] == []
        with process("export", release, format, out) as again:
            again.communicate()
        assert again.returncode == DONE

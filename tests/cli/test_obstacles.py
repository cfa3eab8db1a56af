"""Paths that cannot be written or read: every command answers in two lines, without a traceback."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import DATA, USAGE, Command

LONG = "x" * 300


@pytest.fixture
def place(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with obstacles and a finished demo, as the working directory."""
    folder = run.parent
    monkeypatch.chdir(folder)
    (folder / "file").write_text("in the way")
    (folder / "folder.csv").mkdir()
    (folder / "folder.png").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "predictions.csv").write_bytes((run / "run" / "release" / "test_captions.csv").read_bytes())
    text = (run / "demo.toml").read_text(encoding="utf-8")
    for name, target in (("file", "file"), ("below", "file/run"), ("long", LONG), ("proc", "/proc/run")):
        recipe = text.replace('folder = "run"', f'folder = "{target}"').replace('"corpus/', '"demo/corpus/')
        (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    return folder


WRITING = [
    *(f"init {path}" for path in ("file", "file/x", LONG, "loop/x", "/dev/null", "/proc/x")),
    *(f"run {name}.toml --workers 0" for name in ("file", "below", "long", "proc")),
    "run below.toml --dry",
    *(f"dropped demo/demo.toml --out {path}" for path in ("file/x.csv", "folder.csv", f"{LONG}.csv", "/proc/x.csv")),
    *(f"dropped demo/demo.toml --out {path}" for path in ("file", "", "/dev/full")),
    *(f"dropped demo/demo.toml --stage license --sheet {path}" for path in ("file/x.png", "folder.png", "/proc/x.png")),
    *(f"duplicates demo/demo.toml --sheet {path}" for path in ("file/x.png", "folder.png", "loop/x.pdf")),
    *(
        f"evaluate captions predictions.csv --truth demo/run/release --metric rouge1 --out {path}"
        for path in ("file", "file/x", LONG, "/proc/x")
    ),
    "fetch plan file/x --ids PMC1 --contact me@example.org",
]

READING = [
    *(f"{verb} {path}" for verb in ("run", "status", "check", "articles") for path in ("folder.csv", "file", "file/x")),
    *(f"{verb} loop" for verb in ("run", "status", "dropped", "verify")),
    *(f"verify {path}" for path in ("file", "folder.csv", "nothing", "file/x", LONG)),
    *(f"diff {path} demo/run/release" for path in ("file", "folder.csv")),
    *(f"evaluate concepts {path} --truth demo/run/release" for path in ("folder.csv", "nothing", "file/x")),
    *(f"evaluate captions predictions.csv --truth {path}" for path in ("folder.csv", "file", "nothing.csv", "file/x")),
    *(f"verify demo/run/release --retracted {path}" for path in ("folder.csv", "nothing.csv", "file/x")),
    *(f"fetch {verb} {path}" for verb in ("run", "verify", "update") for path in ("file", "nothing", "file/x")),
    "fetch plan new --ids folder.csv --contact me@example.org",
]


def check(command: Command, line: str) -> str:
    """Runs a command that must fail in two lines; returns them."""
    result = command(*line.split(" "))  # an exception that leaves the command fails the test
    assert result.code in (DATA, USAGE)
    lines = [text for text in result.err.splitlines() if not text.startswith(("listing", "warning"))]
    assert len(lines) == 2 and lines[0].startswith("error: ") and lines[1].startswith("  "), result.err
    assert "Errno" not in result.err and ".part" not in result.err
    return result.err


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("line", WRITING, ids=lambda line: line.replace(LONG, "LONG"))
def test_a_path_that_cannot_be_written_is_an_error_in_two_lines(command: Command, line: str) -> None:
    check(command, line)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("line", READING, ids=lambda line: line.replace(LONG, "LONG"))
def test_a_path_that_cannot_be_read_is_an_error_in_two_lines(command: Command, line: str) -> None:
    check(command, line)


def test_the_path_and_what_is_in_the_way_are_named(command: Command, place: Path) -> None:
    assert check(command, "dropped demo/demo.toml --out file/x.csv") == (
        "error: a file is in the place of a folder: cannot write file/x.csv\n  choose another path\n"
    )
    assert check(command, "duplicates demo/demo.toml --sheet folder.png").startswith(
        "error: a folder is in the place of a file: cannot write folder.png\n"
    )
    assert (place / "file").read_text() == "in the way"


@pytest.mark.parametrize(
    ("number", "line", "expected"),
    [
        (errno.EACCES, "status demo/demo.toml", "permission denied: demo/demo.toml"),
        (errno.EACCES, "run demo/demo.toml", "permission denied: demo/demo.toml"),
        (errno.EIO, "status demo/demo.toml", "Input/output error: demo/demo.toml"),
    ],
)
def test_a_file_that_may_not_be_read_is_named(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch, number: int, line: str, expected: str
) -> None:
    genuine = io.open

    def refused(file: Any, *arguments: Any, **options: Any) -> Any:
        if str(file) == "demo/demo.toml":
            raise OSError(number, os.strerror(number), str(file))
        return genuine(file, *arguments, **options)

    monkeypatch.setattr(io, "open", refused)
    assert expected in check(command, line)


@pytest.mark.parametrize("line", ["dropped demo/demo.toml --out d.csv", "duplicates demo/demo.toml --sheet d.png"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_disk_that_refuses_a_file_is_named_and_leaves_no_temporary_file(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch, number: int, line: str
) -> None:
    def refused(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refused)
    assert "cannot write d." in check(command, line)
    assert not list(place.glob("*d.*"))


def test_installing_the_completion_into_a_home_that_is_a_file_is_an_error(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(place / "file"))
    monkeypatch.setattr("shellingham.detect_shell", lambda *arguments: ("bash", "/bin/bash"))
    assert "a file is in the place of a folder" in check(command, "--install-completion")

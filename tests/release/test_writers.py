"""The zips of a release are written at the same time, and all are given up after an error."""

from __future__ import annotations

import itertools
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.release.writers import ZipThreads, write_zip
from tests.waits import PATIENCE

Members = Iterator[tuple[str, bytes]]
SOME = [(f"train/{i}.jpg", bytes([i]) * 1000) for i in range(20)]


def test_zips_are_written_at_the_same_time_and_have_the_same_bytes(tmp_path: Path) -> None:
    """Each zip gets its members only when all have begun, so the test would hang if one waited for another."""
    all_began = threading.Barrier(3)

    def members() -> Members:
        all_began.wait(PATIENCE)
        yield from SOME

    with ZipThreads() as zips:
        for name in ("a", "b", "c"):
            zips.write(tmp_path / name, members())
    write_zip(tmp_path / "alone", SOME)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {(tmp_path / "alone").read_bytes()}
    assert zipfile.ZipFile(tmp_path / "a").testzip() is None


def endless() -> Members:
    """Yields members until the zip is given up: without that, the test would hang."""
    for i in itertools.count():
        yield f"train/{i}.jpg", b"image"


def test_an_error_in_one_zip_gives_up_the_others(tmp_path: Path) -> None:
    def failing() -> Members:
        yield SOME[0]
        raise DataError("missing image", "restore it")

    with pytest.raises(DataError, match="missing image"), ZipThreads() as zips:
        zips.write(tmp_path / "endless", endless())
        zips.write(tmp_path / "failing", failing())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [DataError("no name", ""), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_an_error_beside_the_zips_gives_them_up(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), ZipThreads() as zips:
        zips.write(tmp_path / "endless", endless())
        raise error
    assert list(tmp_path.iterdir()) == []

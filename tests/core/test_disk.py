"""A full disk stops a run with one error; the run resumes once there is space."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError
from tests.faults.drive import drive, kept, leftovers, write_articles

N = 15  # two parts of seven articles and one of one
ROOM = "size=64m,nr_inodes=0"


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("disk") / "articles", N)


@pytest.fixture(scope="module")
def finished(articles: Path) -> Path:
    folder = articles.with_name("finished")
    drive(articles, folder)
    return folder


Disk = Callable[[str], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounts a small disk, or resizes the mounted one."""
    at = tmp_path / "disk"
    at.mkdir()
    mounted = False

    def sized(options: str) -> Path:
        nonlocal mounted
        command = ["mount", "-t", "tmpfs", "-o", f"remount,{options}" if mounted else options, "tmpfs", str(at)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("the command mount is missing")
        if done.returncode:
            pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
        mounted = True
        return at

    yield sized
    if mounted:
        subprocess.run(["umount", "-l", str(at)], check=True)


def fails(message: str, *args: Any, **options: Any) -> bool:
    """Returns whether a run ends with an error that starts with the message; False if it succeeds."""
    try:
        drive(*args, **options)
    except DataError as err:
        assert type(err) is DataError
        assert err.message.startswith(message) and "\n" not in err.message
        assert err.hint.startswith(("free some space", "allow writing"))
        return True
    return False


def test_a_full_disk_at_any_write_stops_the_run_which_resumes_once_there_is_space(
    articles: Path, finished: Path, disk: Disk
) -> None:
    full = 0
    for pages in range(1, 100, 2):
        folder = disk(f"size={pages * 4}k") / str(pages)
        if not fails("no space left", articles, folder):
            break
        full += 1
        disk(ROOM)
        drive(articles, folder)
        assert kept(folder) == kept(finished), pages
        assert leftovers(folder) == []
        subprocess.run(["rm", "-r", folder], check=True)
    assert full > 10


@pytest.mark.slow
def test_a_disk_without_inodes_is_reported_as_full(articles: Path, finished: Path, disk: Disk) -> None:
    full = 0
    for inodes in range(2, 100, 2):
        folder = disk(f"size=64m,nr_inodes={inodes}") / str(inodes)
        if not fails("no space left", articles, folder):
            break
        full += 1
        disk("size=64m,nr_inodes=1000")
        drive(articles, folder)
        assert kept(folder) == kept(finished), inodes
        subprocess.run(["rm", "-r", folder], check=True)
    assert full > 10


@pytest.mark.parametrize("pages", [pytest.param(8, marks=pytest.mark.slow), 20])
def test_workers_report_a_full_disk_and_no_figure_is_dropped(
    articles: Path, finished: Path, disk: Disk, pages: int
) -> None:
    folder = disk(f"size={pages * 4}k") / "run"
    assert fails("no space left", articles, folder, workers=2)
    disk(ROOM)
    drive(articles, folder, workers=2)
    assert kept(folder) == kept(finished)


def test_a_finished_run_survives_a_full_disk_under_another_recipe(articles: Path, finished: Path, disk: Disk) -> None:
    folder = disk("size=2m") / "run"
    drive(articles, folder)
    with contextlib.suppress(OSError), (folder.parent / "filler").open("wb", buffering=0) as fh:
        while fh.write(bytes(1024)):
            pass
    assert fails("no space left", articles, folder, at_least=3)
    assert kept(folder)["release/all.json"] == kept(finished)["release/all.json"]
    (folder.parent / "filler").unlink()
    drive(articles, folder, at_least=3)
    drive(articles, folder)
    assert kept(folder) == kept(finished)


def test_a_limit_on_file_size_is_reported(articles: Path, finished: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (10, 1000, 3000, 5000, 6000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            assert fails("file too large", articles, tmp_path / str(limit)), limit
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        drive(articles, tmp_path / str(limit))
        assert kept(tmp_path / str(limit)) == kept(finished)


def test_a_read_only_folder_is_reported(articles: Path, finished: Path, disk: Disk) -> None:
    folder = disk("size=1m") / "run"
    drive(articles, folder)
    disk("ro")
    assert fails("read-only file system", articles, folder)
    disk("rw")
    drive(articles, folder)
    assert kept(folder) == kept(finished)

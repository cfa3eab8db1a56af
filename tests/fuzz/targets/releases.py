"""Folders of releases from outside: each file damaged, its checksum recomputed."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import roco
from roco.base.errors import RocoError
from roco.base.files import file_digest
from roco.release.diff import diff
from roco.release.previous import read_release
from roco.release.read import Release, verify
from tests.baselines import drawn
from tests.fuzz import binary, mutations
from tests.fuzz.target import Format, Mutate, Target, require
from tests.stages.publish.finished import publish

WORDS = ("id", "split", "caption", "ID", "CUIs", "Caption", "C0040405", "train", "train_captions.csv",
         "figures.parquet", "../x", "sha256", "CC-BY", "PMC1", "ROCOv2_2023_train_000001", ",", '"',
         "\r\n")  # fmt: skip


def make() -> Target:
    promise = (
        "any folder: the release, or an error; `verify` reports problems and never fails; reading writes nothing into "
        "the folder or beside it"
    )
    formats = [
        Format(f"release: {name}", _contents(_release(), name), _damaged(_release(), name), _change(name))
        for name in _names(_release())
    ]
    formats += [
        Format(f"published: {name}", _contents(_published(), name), _damaged(_published(), name), _change(name))
        for name in _names(_published())
    ]
    return Target("releases", promise, tuple(formats))


@functools.cache
def _release() -> Path:
    return publish(Path(tempfile.mkdtemp()) / "release")


@functools.cache
def _published() -> Path:
    """Returns a small dataset in the layout of the published ROCOv2, with zips of images."""
    folder = drawn.write(Path(tempfile.mkdtemp()) / "published", {"train": 2, "valid": 2, "test": 2})
    for split in ("train", "valid", "test"):
        shutil.make_archive(str(folder / f"{split}_images"), "zip", folder / f"{split}_images")
        shutil.rmtree(folder / f"{split}_images")
    return folder


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.stat().st_size < 200_000)


def _contents(folder: Path, name: str) -> Callable[[], list[bytes]]:
    return lambda: [(folder / name).read_bytes()]


def _change(name: str) -> Mutate:
    changes = {
        ".parquet": binary.parquet_table,
        ".zip": binary.zip_members,
        ".json": mutations.json_text(WORDS),
    }
    return changes.get(Path(name).suffix) or mutations.text(WORDS)


def _damaged(source: Path, name: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        root = folder / "release"
        root.mkdir()
        for path in source.iterdir():
            if path.name != name:
                (root / path.name).symlink_to(path) if path.is_dir() else shutil.copy(path, root / path.name)
        (root / name).write_bytes(data)
        _renew_checksum(root, name)
        before = sorted(path.name for path in root.iterdir())
        _use(root, zlib.crc32(data))
        require(sorted(path.name for path in root.iterdir()) == before, "reading writes nothing into the folder")
        require([path.name for path in folder.iterdir()] == ["release"], "reading writes nothing beside the folder")

    return read


def _renew_checksum(root: Path, name: str) -> None:
    """Writes the checksum of a changed file, so that only its content can reveal the damage."""
    path = root / "checksums.sha256"
    if name == path.name or not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    digest = file_digest(root / name)
    path.unlink()
    path.write_text(
        "".join(f"{digest if line[66:] == name else line[:64]}  {line[66:]}\n" for line in lines), encoding="utf-8"
    )


def _use(root: Path, number: int) -> None:
    """Reads one part of what a user may read, because all of them take too long."""
    parts: list[Callable[[], object]] = [
        lambda: _verify(root), lambda: _tables(root), lambda: _rows(root), lambda: read_release(root),
        lambda: diff(root, root),
    ]  # fmt: skip
    parts[number % len(parts)]()


def _verify(root: Path) -> None:
    require(all(str(problem) for problem in verify(root)), "a problem says what is wrong")


def _tables(root: Path) -> None:
    with Release.open(root) as release:
        table = release.table()
        for split in ("train", "valid", "test"):
            release.table(split)
        list(release.tombstones())
        for id in table["id"].to_pylist()[:3]:
            with contextlib.suppress(RocoError):
                release.image(id)
        str(release.card)


def _rows(root: Path) -> None:
    data = roco.load(root)
    for i in range(min(3, len(data))):
        row = data[i]
        with contextlib.suppress(RocoError):
            row.image.pil()
        require(isinstance(row["caption"], str | None), "a caption is a text")

"""Folders of an export that are written as a whole: their files first, then their name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from roco.base.errors import DataError
from roco.base.files import file_digest, full_disk, sync


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields an empty temporary folder to write files to, and renames it to `path` when the block ends without error.

    An existing folder with other files is kept: DataError.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        _sync_files(part)
        if path.is_dir() and any(path.iterdir()):
            _check_same(part, path)
            shutil.rmtree(part)
            return
        os.replace(part, path)  # noqa: PTH105 - the tests that kill an export replace this function
        sync(path.parent)
    except OSError as err:
        shutil.rmtree(part, ignore_errors=True)
        raise full_disk(err, path) from err
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def folder_state(path: Path) -> tuple[int, str]:
    """Returns the bytes of the files in a folder, and the SHA-256 of their names and digests.

    The digest is that of the lines that `sha256sum` prints for the files in the order of their names. Hidden files are
    ignored: file managers put their own there.
    """
    lines = hashlib.sha256()
    n_bytes = 0
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_dir() or any(part.startswith(".") for part in Path(name).parts):
            continue
        n_bytes += file.stat().st_size
        lines.update(f"{file_digest(file)}  {name}\n".encode())
    return n_bytes, lines.hexdigest()


def _sync_files(folder: Path) -> None:
    """Syncs the files of a folder to the disk after all are written, which is faster than one by one in between."""
    for file in folder.iterdir():
        sync(file)
    sync(folder)


def _check_same(part: Path, path: Path) -> None:
    """Raises DataError unless an existing folder, left by an export that was killed, has the same files."""
    if folder_state(part) != folder_state(path):
        raise DataError(f"{path} contains other files than the export", "move it away, or choose a new folder")

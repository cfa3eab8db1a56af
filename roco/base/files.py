"""Atomic writes, digests, and errors of the file system in words."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from roco.base.errors import DataError


def digest(value: Any) -> str:
    """Returns the SHA-256 of a value in canonical JSON, hexadecimal; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


Identity = tuple[int, int, int]


def identity(path: Path) -> Identity | None:
    """Returns values that change when a file is replaced; None if it does not exist."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def checksum_lines(text: str) -> list[str]:
    """Returns the lines of a file of checksums, divided at line feeds only, as `sha256sum` reads it."""
    # `splitlines` would also divide at other control characters, and hide that one replaced a line feed.
    return text.removesuffix("\n").split("\n") if text else []


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as fh:
        return hashlib.file_digest(fh, "sha256").hexdigest()


def temporary(path: Path) -> Path:
    """Returns the temporary file in which this process writes `path`.

    The name contains the machine: on a shared folder, processes of two machines may have the same number.
    """
    return path.with_name(f".{path.name}.{_machine()}-{os.getpid()}.part")


@functools.cache
def _machine() -> str:
    return digest(platform.node())[:6]


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yields a temporary path to write to, and renames it to `path` when the block ends without an exception.

    The bytes are synced to the disk before the rename: after a crash the old file or the complete new one exists. If
    the file need not be durable, a power failure, but no killed process, may leave a cut one. A device, such as
    /dev/stdout, is written directly.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    part = temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if durable:
            sync(part)
        os.replace(part, path)  # noqa: PTH105 - the tests that kill a run here replace this function
        if durable:
            sync(path.parent)
    except OSError as err:
        _remove(part)
        if err.filename == str(part):
            err.filename = str(path)  # the name that the user knows
        raise full_disk(err, path) from err
    except BaseException:
        _remove(part)
        raise


def _remove(part: Path) -> None:
    """Removes a temporary file, if there is one and the folder is still there."""
    with contextlib.suppress(OSError):
        part.unlink()


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY)

_REASONS = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "disk quota exceeded",
    errno.EFBIG: "file too large",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "read-only file system",
    errno.ENOENT: "file not found",
    errno.EEXIST: "a file is in the place of a folder",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EISDIR: "a folder is in the place of a file",
    errno.ENOTEMPTY: "a folder with files is in the place of a new one",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "the links form a loop",
}
"""Number of a system error -> what is wrong with a path."""


def full_disk(err: OSError, path: Path) -> Exception:
    """Returns the error to raise for a failed write: a DataError for a full or read-only disk, else `err` itself."""
    if err.errno not in (*_FULL, *_FORBIDDEN, *_IN_THE_WAY):
        return err
    message = f"{_REASONS[err.errno]}: cannot write {path}"
    if err.errno in _IN_THE_WAY:
        return DataError(message, _remedy(err.errno))
    remedy = "allow writing there" if err.errno in _FORBIDDEN else _remedy(err.errno)
    return DataError(message, f"{remedy} and run the same command again; completed work is kept")


def path_error(err: OSError) -> DataError:
    """Returns the error to print for a path that cannot be read or written."""
    path = err.filename2 or err.filename  # the target of a rename, if it is one
    reason = reason_of(err)
    return DataError(f"{reason}: {path}" if path else reason, _remedy(err.errno or 0))


def reason_of(err: OSError) -> str:
    """Returns what is wrong with a path, in a few words."""
    return _REASONS.get(err.errno or 0, str(err.strerror or err))


def _remedy(number: int) -> str:
    """Returns what to do about a system error; completes a sentence that may go on."""
    if number in _FULL:
        return "free some space"
    if number in _FORBIDDEN:
        return "allow access to it, or choose another path"
    return "choose another path" if number in _IN_THE_WAY else "check the path and its permissions"


def sync(path: Path) -> None:
    """Syncs a file, or the names in a folder, to the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


SYNCED_AT_ONCE = 8
"""Files that `sync_all` gives to the disk together: file systems write them to their journal at once."""


def sync_all(paths: Iterable[Path], *, missing_ok: bool = False) -> None:
    """Syncs files to the disk, in a quarter of the time that it takes one by one."""

    def sync_one(path: Path) -> None:
        with contextlib.suppress(*[FileNotFoundError] * missing_ok):
            sync(path)

    with ThreadPoolExecutor(SYNCED_AT_ONCE, thread_name_prefix="sync") as pool:
        for _ in pool.map(sync_one, paths):
            pass  # an exception is raised here


_AT_FDCWD = -100  # paths are relative to the working directory
_RENAME_EXCHANGE = 2


def exchange(first: Path, second: Path) -> bool:
    """Exchanges two files or folders in one step, at any moment of which both exist; returns False if it cannot.

    Linux offers this as `renameat2`; not every file system supports it, and Python has no function for it.
    """
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):
        return False
    code: int = rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return code == 0


def write_text(path: Path, text: str) -> None:
    """Writes a text atomically, in UTF-8 with LF as line ends."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Writes a value atomically as JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

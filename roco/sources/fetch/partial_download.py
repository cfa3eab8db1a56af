"""The bytes of an object while they arrive: in memory, or in a file from which the next try resumes."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

_ETAG = re.compile(r"[0-9A-Za-z-]{1,64}")
_NO_ETAG = "-"
_BEGINNING = 512  # bytes that are enough to recognise an HTML page


class PartialDownload:
    """Bytes received so far, with their digests and the ETag of the object they belong to.

    path: where the finished file goes; without it the bytes stay in memory. Until then the file is called
    `.NAME.ETAG.part`, so that another process can resume it. Without a usable ETag a download cannot be resumed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._part: Path | None = None
        self._fd: int | None = None
        self._pieces: list[bytes] = []
        self._reset()
        if path is not None:
            self._resume(path)

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def data(self) -> bytes:
        """Returns the bytes, if they are kept in memory."""
        return b"".join(self._pieces)

    def start(self, etag: str) -> None:
        """Discards what was received and starts with an object that has this ETag."""
        self.discard()
        self.etag = etag if _ETAG.fullmatch(etag) else ""
        if self._path is not None:
            self._part = _part_path(self._path, self.etag or _NO_ETAG)
            self._fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def append(self, piece: bytes) -> None:
        if self._fd is None:
            self._pieces.append(piece)
        else:
            view = memoryview(piece)
            while view:
                view = view[os.write(self._fd, view) :]
        self._count(piece)

    def discard(self) -> None:
        """Deletes all bytes received so far."""
        self._close_file()
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None
        self._pieces.clear()
        self._reset()

    def finish(self) -> bytes:
        """Syncs the file and gives it its final name; returns the bytes if there is no file."""
        if self._path is None:
            return self.data
        assert self._part is not None
        if self._fd is not None:
            os.fsync(self._fd)
        self._close_file()
        os.replace(self._part, self._path)  # noqa: PTH105 - the tests that kill a process patch os.replace
        self._part = None
        return b""

    def close(self) -> None:
        """Keeps a download that can be resumed and deletes any other."""
        self._close_file()
        can_be_resumed = self.size and self.etag
        if self._part is not None and not can_be_resumed:
            self.discard()

    def _resume(self, path: Path) -> None:
        """Opens the partial file of another process; of several the one that changed last."""
        start, end = f".{path.name}.", ".part"
        names = os.listdir(path.parent)  # noqa: PTH208 - called for every object
        parts = [path.with_name(name) for name in names if name.startswith(start) and name.endswith(end)]
        parts.sort(key=lambda part: part.stat().st_mtime_ns)
        for older in parts[:-1]:
            older.unlink()
        if not parts:
            return
        newest = parts[-1]
        etag = newest.name[len(start) : -len(end)]
        if etag == _NO_ETAG or not _ETAG.fullmatch(etag):
            newest.unlink()
            return
        self._fd = os.open(newest, os.O_RDWR | os.O_APPEND)
        self._part = newest
        self.etag = etag
        while piece := os.read(self._fd, 1 << 20):
            self._count(piece)

    def _reset(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self.size = 0
        self.etag = ""
        self.beginning = b""

    def _count(self, piece: bytes) -> None:
        self._md5.update(piece)
        self._sha256.update(piece)
        self.size += len(piece)
        if len(self.beginning) < _BEGINNING:
            self.beginning += piece[: _BEGINNING - len(self.beginning)]

    def _close_file(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _part_path(path: Path, etag: str) -> Path:
    return path.with_name(f".{path.name}.{etag}.part")

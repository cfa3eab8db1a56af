"""What the readers of zips and tars have in common: the class `Archive`, and files with a limit for each read."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from roco.base.errors import RejectedInput
from roco.base.terminal import quoted
from roco.sources.archives.inflate import inflate
from roco.sources.archives.limits import Limits
from roco.sources.archives.names import article_xmls, is_article, is_readable, xml_codec


class Archive(contextlib.AbstractContextManager["Archive"]):
    """An open archive whose members are read by name; it is a `core.source.Package`."""

    def __init__(self, sizes: Mapping[str, int], limits: Limits) -> None:
        self._sizes = dict(sorted(sizes.items()))
        self._limits = limits

    @property
    def files(self) -> list[tuple[str, int]]:
        """Returns name and size of every regular member, sorted by name and without a top folder that all share."""
        return list(self._sizes.items())

    @property
    def xmls(self) -> list[str]:
        """Names of the article XML files, see `article_xmls`."""
        return article_xmls(self._sizes)

    def read(self, name: str) -> bytes:
        """Returns the bytes of an article XML or an image; raises RejectedInput for other files and checksum errors."""
        size = self._sizes.get(name)
        if size is None:
            raise RejectedInput(f"no {quoted(name)} in the archive")
        if not is_readable(name):
            raise RejectedInput(f"{quoted(name)} is neither an article nor an image")
        if is_article(name) and size > self._limits.xml:
            raise RejectedInput(f"XML {quoted(name)} is too large: {size} bytes")
        data = self._bytes(name, size)
        codec = xml_codec(name)
        return data if codec is None else inflate(data, codec, self._limits, f"XML {quoted(name)}")

    def _bytes(self, name: str, size: int) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Releases memory, temporary files and the file itself."""

    def __exit__(self, *_: object) -> None:
        self.close()


class BoundedFile(io.FileIO):
    """A file that rejects reads of more than `at_most` bytes at a time; 0 sets no limit.

    zipfile reads a central directory in one piece, of whatever size the archive claims.
    """

    at_most = 0

    @property
    def size(self) -> int:
        return os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size - self.tell() if size is None or size < 0 else size
        if self.at_most and wanted > self.at_most:
            raise RejectedInput("zip: the directory is too large")
        return super().read(wanted) or b""


@contextlib.contextmanager
def open_bounded(path: Path, limits: Limits) -> Iterator[BoundedFile]:
    """Opens an archive file; raises RejectedInput if it is missing, not a regular file, or too large."""
    try:
        # A pipe would block the run when it is opened, so the kind is checked before.
        if not stat.S_ISREG(path.stat().st_mode):
            raise RejectedInput("not a regular file")
        fh = BoundedFile(path)
    except FileNotFoundError as err:
        raise RejectedInput("the file is missing") from err
    with fh:
        if fh.size > limits.compressed:
            raise RejectedInput(f"the file is larger than {limits.compressed} bytes")
        yield fh

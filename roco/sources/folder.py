"""The source `folder`: any tree of article XML files with their images, compressed or not, and of zips and tars."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.terminal import quoted
from roco.sources.archives.reader import STANDARD, Archive, is_archive, is_article, open_archive, unread_format
from roco.sources.listing import (
    NOT_UTF8,
    Row,
    as_listing,
    file_error,
    is_inside,
    is_utf8,
    listing_errors,
    missing,
    relative_path,
    require_folder,
    rows_by_article,
    unread_row,
    unreadable_folder,
    unreadable_row,
)
from roco.sources.loose import File, Loose, files_below, scan
from roco.sources.oa_file_list import is_index

TAIL = 64 << 10
"""Bytes at the end of an archive that identify it: a zip has its directory there, a gzip its CRC and length."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FolderSource:
    """Lists one package for each article XML and for each archive below a folder, named by its path.

    Files that may contain articles but are not read are listed too, with the reason.
    """

    path: Path
    kind: ClassVar[str] = "folder"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns one row per article; article and place are its path. Unchanged files are not opened."""
        with listing_errors(self.path):
            rows = list(self._rows(rows_by_article(known)))
        if not rows:
            raise DataError(
                f"no .xml, .nxml, .jats, .zip or .tar in {self.path}, nor any of them compressed by gzip, bzip2 or xz",
                'check path and kind ("package", "cloud" or "folder") in [source]',
            )
        return as_listing(rows)

    def _rows(self, previous: Mapping[str, Row]) -> Iterator[Row]:
        root = self.path.resolve()
        pending = [self.path]
        while pending:
            folder = pending.pop()
            contents = scan(folder, root)
            pending += contents.folders
            for name, reason in contents.unreadable:
                if is_archive(name) or is_article(name):
                    yield unreadable_row((folder / name).relative_to(self.path).as_posix(), reason)
            if contents.error:
                yield from unreadable_folder(self.path, folder, contents.error, previous)
            neighbours: str | None = None
            for file in contents.files:
                not_read = _not_read(file.name)
                if is_article(file.name):
                    neighbours = neighbours or _neighbours_digest(folder, root)
                    yield self._row(file, neighbours, previous)
                elif is_archive(file.name):
                    yield self._row(file, None, previous)
                elif not_read:
                    yield unread_row(file.path.relative_to(self.path).as_posix(), not_read)

    def _row(self, file: File, neighbours: str | None, previous: Mapping[str, Row]) -> Row:
        """Returns the row of an XML (neighbours: digest of the files beside it) or of an archive (None)."""
        name = file.path.relative_to(self.path).as_posix()
        if not is_utf8(name):
            return unreadable_row(name, NOT_UTF8)
        place = name
        stamp = f"{file.size}:{file.time}"
        if neighbours:
            stamp += f":{neighbours[:16]}"
        last = previous.get(place)
        if last is not None and (last.place, last.stamp) == (place, stamp):
            return last
        try:
            content = digest([_content_digest(file.path), file.size, neighbours])
        except OSError as err:
            return unreadable_row(place, file_error(err))
        return Row(place, content, place, stamp, "{}")

    def open(self, place: str) -> Archive | Loose:
        """Opens an archive, or one XML with the files beside it; raises RejectedInput if it cannot be read."""
        require_folder(self.path)
        path = self.path / relative_path(place)
        root = self.path.resolve()
        if not is_inside(path, root):
            raise RejectedInput(f"{quoted(place)} is outside of the source")
        try:
            return self._opened(path, place, root)
        except OSError as err:
            raise RejectedInput(file_error(err)) from err

    def _opened(self, path: Path, place: str, root: Path) -> Archive | Loose:
        if is_archive(path.name):
            return open_archive(path)
        if path.is_dir():
            raise RejectedInput(scan(path, root).error or f"{quoted(place)} is a folder")
        if not path.is_file():
            raise RejectedInput(f"{quoted(place)} is missing") from missing(path)
        reason = _not_read(path.name)
        if reason:
            raise RejectedInput(f"not read: {reason}")
        size = path.stat().st_size
        if size > STANDARD.xml:
            raise RejectedInput(f"XML {quoted(path.name)} is too large: {size} bytes")
        return Loose(files_below(path.parent, root), [path.name])


def _not_read(name: str) -> str | None:
    """Returns why a file is not read although it may contain articles or belong to them; None for all other files."""
    if is_index(name):
        return 'list of files, which kind = "package" reads'
    return unread_format(name)


def _neighbours_digest(folder: Path, root: Path) -> str:
    """Returns a digest of names and sizes of the files beside the XML files of a folder, without opening any."""
    neighbours = [(file.name, file.size) for file in files_below(folder, root) if not is_article(file.name)]
    return digest(sorted(neighbours))


def _content_digest(path: Path) -> str:
    """Returns the SHA-256 of an XML, up to the size that is read at all, or of the end of an archive."""
    with path.open("rb") as fh:
        if is_article(path.name):
            return hashlib.sha256(fh.read(STANDARD.xml)).hexdigest()
        size = fh.seek(0, os.SEEK_END)
        fh.seek(max(0, size - TAIL))
        return hashlib.sha256(fh.read(TAIL)).hexdigest()

"""Articles and images of a run: image bytes come from the pack of their part, else from the source."""

from __future__ import annotations

import errno
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput, SourceUnavailable
from roco.base.files import Identity, identity
from roco.core.folder import RunFolder
from roco.core.pack import PackReader
from roco.core.source import Package, Wanted, expect, facts_of, is_unreadable, not_opened, origin

PACKAGES_OPEN = 32
PACKS_OPEN = 8
"""Packages, and packs, that are open at once; the least recently used one is closed first."""


class Failure(NamedTuple):
    """Why the bytes of a figure could not be read."""

    reason: str
    detail: str


class ImageStore:
    """Reads articles and images. Packages and packs stay open between calls.

    An open package is decompressed only once. An image in a pack is read without the source, which may be missing.
    failures: reason and detail for each figure_id whose bytes could not be read. packs_open: how many packs stay open,
    by default PACKS_OPEN.
    """

    packs_open: int | None = None

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.source = folder, folder.pipeline.source
        self.failures: dict[str, Failure] = {}
        self._packages: OrderedDict[str, Package] = OrderedDict()
        self._packs: OrderedDict[str, tuple[Identity, PackReader]] = OrderedDict()

    # --- articles ---------------------------------------------------------------------------------------------------

    def articles(self, article: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Returns one row of `schema.ARTICLES` for each XML of a package; a single row if there is none."""
        blank = article_row(article, origin(self.source, article["place"]))
        reason = not_opened(article["facts"])
        if reason is not None:
            return [{**blank, "error": reason}]
        try:
            package = self._package(article["place"])
            blank["facts"] = facts_of(package, article["facts"])
            files = [{"name": name, "size": size} for name, size in package.files]
            rows = [{**blank, "xml_name": name, "xml": package.read(name), "files": files} for name in package.xmls]
        except RejectedInput as err:
            if not is_unreadable(article["facts"]):
                _check_reachable(article["place"], err)
            return [{**blank, "error": err.message}]
        except OSError as err:
            raise _unreachable(article["place"], err) from err
        return rows or [{**blank, "files": files}]

    def expect_articles(self, articles: Sequence[Mapping[str, Any]]) -> None:
        """Announces the articles that are read next."""
        expect(self.source, [Wanted(article["place"], None) for article in articles])

    # --- images -----------------------------------------------------------------------------------------------------

    def image(self, part: str, figure: str, archive: str, file: str) -> bytes | None:
        """Returns the original bytes of a figure; None, with an entry in `failures`, if they cannot be read."""
        pack = self._pack(part)
        data = None if pack is None else pack.image(figure)
        if data is not None:
            return data
        try:
            return self._package(archive).read(file)
        except RejectedInput as err:
            _check_reachable(archive, err)
            self.failures[figure] = Failure("unreadable", err.message)
            return None
        except OSError as err:
            raise _unreachable(archive, err) from err

    def images(self, part: str, rows: pa.Table) -> dict[str, bytes | None]:
        """Returns the bytes of each row's image by figure_id; rows need figure_id, archive and file."""
        figures = rows.select(["figure_id", "archive", "file"]).to_pylist()
        pack = self._pack(part)
        unpacked = [row for row in figures if pack is None or pack.size(row["figure_id"]) is None]
        expect(self.source, [Wanted(row["archive"], row["file"]) for row in unpacked])
        return {row["figure_id"]: self.image(part, row["figure_id"], row["archive"], row["file"]) for row in figures}

    def thumbnail(self, part: str, figure: str) -> bytes | None:
        """Returns the thumbnail of a figure; None if its pack does not contain one."""
        pack = self._pack(part)
        return None if pack is None else pack.thumbnail(figure)

    def cost(self, part: str, rows: pa.Table) -> tuple[int, int]:
        """Returns the bytes of the images of these rows and the number of packages to open, without reading images.

        If more packages than stay open would have to be opened, none is opened, and the bytes are incomplete.
        """
        pack = self._pack(part)
        n_bytes = 0
        files: dict[str, set[str]] = {}
        for row in rows.select(["figure_id", "archive", "file"]).to_pylist():
            packed = None if pack is None else pack.size(row["figure_id"])
            if packed is None:
                files.setdefault(row["archive"], set()).add(row["file"])
            else:
                n_bytes += packed
        if len(files) > PACKAGES_OPEN:
            return n_bytes, len(files)
        for archive, wanted in files.items():
            try:
                n_bytes += sum(size for name, size in self._package(archive).files if name in wanted)
            except RejectedInput:
                continue  # reading its images fails with this reason
            except OSError as err:
                raise _unreachable(archive, err) from err
        return n_bytes, len(files)

    def close_packages(self) -> None:
        while self._packages:
            self._packages.popitem()[1].close()

    def close(self) -> None:
        self.close_packages()
        while self._packs:
            self._packs.popitem()[1][1].close()

    # --- what is open -----------------------------------------------------------------------------------------------

    def _package(self, place: str) -> Package:
        if place not in self._packages:
            while len(self._packages) >= PACKAGES_OPEN:
                self._packages.popitem(last=False)[1].close()
            try:
                self._packages[place] = self.source.open(place)
            except FileNotFoundError as err:
                if not Path(self.source.path).is_dir():
                    raise DataError(f"missing source: {self.source.path}", "restore it and run again") from err
                raise SourceUnavailable(f"cannot read {place}: it is missing", _REACH) from err
        self._packages.move_to_end(place)
        return self._packages[place]

    def _pack(self, part: str) -> PackReader | None:
        path = self.folder.pack(part)
        now = identity(path)
        if part in self._packs and self._packs[part][0] != now:
            self._packs.pop(part)[1].close()  # the pack has been replaced or removed
        if now is None:
            return None
        if part not in self._packs:
            while len(self._packs) >= (self.packs_open or PACKS_OPEN):
                self._packs.popitem(last=False)[1][1].close()
            self._packs[part] = (now, PackReader(path))
        self._packs.move_to_end(part)
        return self._packs[part][1]


def article_row(article: Mapping[str, Any], kind: str, error: str | None = None) -> dict[str, Any]:
    """Returns a row of `schema.ARTICLES` without an XML."""
    given = {name: article[name] for name in ("article", "place", "facts")}
    return {**given, "origin": kind, "xml_name": None, "xml": None, "files": [], "error": error}


_REACH = "check that the source is mounted and readable, then run the same command again"

_OUT_OF_REACH = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP)
"""System errors of a file that is not there, or may not be read."""


def _unreachable(place: str, err: OSError) -> DataError:
    return DataError(f"cannot read {place}: {err.strerror or err}", _REACH)


def _check_reachable(place: str, err: RejectedInput) -> None:
    """Raises SourceUnavailable if a package was rejected because it, or a file of it, is not there or not readable.

    The listing of this run contains it as readable, so it is not the data that is wrong, and it may return.
    """
    cause = err.__cause__
    if isinstance(cause, OSError) and cause.errno in _OUT_OF_REACH:
        raise SourceUnavailable(f"cannot read {place}: {err.message}", _REACH) from err

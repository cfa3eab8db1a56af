"""The packages that a pass has open: each is inflated once, its XML read first, then only the images asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.core.source import Package, Source, origin

PACKAGES_AT_ONCE = 32


class Opened:
    """Opens packages when they are first asked for and keeps the last few open.

    why: reason and detail for each figure_id whose bytes could not be had.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.packages: OrderedDict[str, Package] = OrderedDict()
        self.why: dict[str, tuple[str, str]] = {}

    def articles(self, article: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One row of `schema.ARTICLES` for each XML of a package; a package that cannot be read is one row."""
        try:
            package = self._package(article["place"])
            files = [{"name": name, "size": size} for name, size in package.files]
            rows = [
                {
                    **article_row(article, origin(self.source, article["place"])),
                    "xml_name": name,
                    "xml": package.read(name),
                    "files": files,
                }
                for name in package.xmls
            ]
        except RejectedInput as err:
            return [article_row(article, origin(self.source, article["place"]), err.message)]
        except OSError as err:
            raise self._unreachable(article["place"], err) from err
        return rows or [article_row(article, origin(self.source, article["place"]), "no article XML in the package")]

    def images(self, rows: pa.Table) -> dict[str, bytes | None]:
        """The image bytes of each row by figure_id; None and an entry in `why` where they cannot be had."""
        found: dict[str, bytes | None] = {}
        for row in rows.select(["figure_id", "archive", "file"]).to_pylist():
            figure, place = row["figure_id"], row["archive"]
            try:
                found[figure] = self._package(place).read(row["file"])
            except RejectedInput as err:
                found[figure] = None
                self.why[figure] = ("unreadable", err.message)
            except OSError as err:
                raise self._unreachable(place, err) from err
        return found

    def size(self, rows: pa.Table) -> int:
        """Bytes of the images of these rows together, without reading them."""
        total = 0
        files: dict[str, set[str]] = {}
        for place, file in zip(rows["archive"].to_pylist(), rows["file"].to_pylist(), strict=True):
            files.setdefault(place, set()).add(file)
        for place, wanted in files.items():
            try:
                total += sum(size for name, size in self._package(place).files if name in wanted)
            except RejectedInput:
                continue
            except OSError as err:
                raise self._unreachable(place, err) from err
        return total

    def close(self) -> None:
        while self.packages:
            self.packages.popitem()[1].close()

    def _package(self, place: str) -> Package:
        if place not in self.packages:
            while len(self.packages) >= PACKAGES_AT_ONCE:
                self.packages.popitem(last=False)[1].close()
            try:
                self.packages[place] = self.source.open(place)
            except FileNotFoundError as err:
                if not self.source.path.is_dir():
                    raise DataError(f"the source {self.source.path} is gone", "bring it back and run again") from err
                raise RejectedInput("the package is gone") from err
        self.packages.move_to_end(place)
        return self.packages[place]

    def _unreachable(self, place: str, err: OSError) -> DataError:
        return DataError(
            f"{place} cannot be read now: {err.strerror or err}",
            "see that the source is there and readable, and give the same command again",
        )


def article_row(article: Mapping[str, Any], kind: str, error: str | None = None) -> dict[str, Any]:
    """A row of `schema.ARTICLES` without an XML."""
    facts = {name: article[name] for name in ("article", "place", "facts")}
    return {**facts, "origin": kind, "xml_name": None, "xml": None, "files": [], "error": error}

"""Files of captions and of concepts with names of their own, such as those that ImageCLEF hands out for a year."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.release.caption_files import Row, cuis_of, lines_of

LOG = logging.getLogger(__name__)

SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = (",", "\t", "|")
CAPTIONS, CONCEPTS, MANUAL = ("id", "caption"), ("id", "cuis"), "manual"
LONGEST_HEADER = 100  # bytes
_SPLIT = re.compile(r"(train|valid|test)", re.IGNORECASE)


class LabelFile(NamedTuple):
    """One file: what it contains ("captions", "concepts" or "manual"), its split, empty if unknown, its delimiter."""

    path: Path
    kind: str
    split: str
    delimiter: str


def label_files(folder: Path) -> list[LabelFile]:
    """Returns the files of a folder whose header is `ID,Caption` or `ID,CUIs`, in any case, with any delimiter."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            file = _label_file(path)
            if file:
                found.append(file)
    return found


def read_labels(files: list[LabelFile]) -> Iterator[Row]:
    """Yields the rows of all splits that have one file of captions and one of concepts, joined by id.

    Raises DataError if there are two files of a kind and split, if no split has both, and for an invalid row.
    """
    by_split: dict[str, dict[str, LabelFile]] = {}
    for file in files:
        other = by_split.setdefault(file.split, {}).setdefault(file.kind, file)
        if other is not file:
            what = f"two files of {file.kind} for the same split: {other.path} and {file.path.name}"
            raise DataError(what, "keep one of them in the folder, or name the splits train, valid and test")
    complete = {split: kinds for split, kinds in by_split.items() if {"captions", "concepts"} <= kinds.keys()}
    if not complete:
        names = ", ".join(file.path.name for file in files[:4])
        raise DataError(f"captions without concepts, or concepts without captions: {names}", "add the other file")
    for split, kinds in complete.items():
        cells = {kind: dict(read_cells(file)) for kind, file in kinds.items()}
        labelled = {id: None for kind in kinds if kind != "captions" for id in cells[kind]}
        warn_of_orphans([id for id in labelled if id not in cells["captions"]], str(kinds["captions"].path))
        for id, (_, caption) in cells["captions"].items():
            if id not in cells["concepts"]:
                continue
            cuis, manual = (cuis_in(kinds[kind].path, cells[kind].get(id)) if kind in kinds else ()
                            for kind in ("concepts", MANUAL))  # fmt: skip
            yield Row(id, id, caption, tuple(dict.fromkeys((*manual, *cuis))), manual, split)


def warn_of_orphans(ids: Sequence[str], where: str) -> None:
    """Logs how many images have concepts and no caption: they are left out, or the captions were cut short."""
    if ids:
        LOG.warning(
            "%s: %s with concepts and without a caption left out, first '%s'; were the captions cut short?",
            where, f"{len(ids):,} images" if len(ids) > 1 else "1 image", excerpt(ids[0]),
        )  # fmt: skip


def _label_file(path: Path) -> LabelFile | None:
    with path.open("rb") as fh:
        header = fh.readline(LONGEST_HEADER).decode("utf-8-sig", "replace").strip().lower()
    for delimiter in DELIMITERS:
        names = tuple(name.strip() for name in header.split(delimiter))
        if names in (CAPTIONS, CONCEPTS):
            kind = "captions" if names == CAPTIONS else "concepts"
            if kind == "concepts" and MANUAL in path.name.lower():
                kind = MANUAL
            split = _SPLIT.search(path.name)
            return LabelFile(path, kind, split[1].lower() if split else "", delimiter)
    return None


def read_cells(file: LabelFile) -> Iterator[tuple[str, tuple[int, str]]]:
    """Yields id, line and second cell of each row; raises DataError, with file and line, for an invalid one."""
    # ImageCLEF quotes nothing where a tab or a bar separates; captions may contain quotes.
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if file.delimiter == "," else csv.QUOTE_NONE
    reader = csv.reader(lines_of(file.path), delimiter=file.delimiter, quoting=quoting, strict=True)
    known = set()
    try:
        next(reader, None)
        for cells in reader:
            if not any(cells):
                continue
            where = f"{file.path}, line {reader.line_num}"
            if len(cells) != 2:
                raise DataError(f"{where}: {len(cells)} cells, not 2", "quote cells that contain the delimiter")
            id = cells[0].strip()
            if not id or id in known:
                raise DataError(f"{where}: {'duplicate' if id else 'no'} id '{excerpt(id)}'", "give each row an id")
            known.add(id)
            yield id, (reader.line_num, cells[1])
    except csv.Error as err:
        raise DataError(f"{file.path}, line {reader.line_num}: {err}", "correct the quotes in this line") from err


def cuis_in(path: Path, cell: tuple[int, str] | None) -> tuple[str, ...]:
    """Returns the CUIs of a cell, given with its line; raises DataError, with file and line, for an invalid one."""
    return cuis_of(path, *cell) if cell else ()

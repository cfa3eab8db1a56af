"""Checks figures.parquet, and collects what the other files of a release must contain for each image."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from roco.base.formats import SUFFIX_OF_FORMAT
from roco.base.readers import parquet_rows
from roco.base.schema import SPLITS, types
from roco.base.terminal import excerpt
from roco.release.format import FIGURES
from roco.release.problems import Problem
from roco.release.retraction_lists import ids, read_list

_ID = re.compile(r"[A-Za-z0-9._-]+")
_LISTS = ("concepts", "concepts_manual")
_TEXTS = ("id", "split", "figure_id", "article_key", "pmcid", "license", "sha256", "format", "caption")
_OPTIONAL = ("given_split",)


class Figure(NamedTuple):
    """What the other files must contain for one image of figures.parquet."""

    figure_id: str
    split: str
    article: str
    pmcid: str
    license: str
    sha256: str
    is_given: bool  # its split is that of the dataset it was read from
    member: str  # its name in the zip
    cells: dict[str, bytes]  # digest of its cell in each table of the split


class FigureTable:
    """figures.parquet by id, with the CUIs in use; complete: all of it could be read."""

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}
        self.cuis: set[str] = set()
        self.complete = False

    def read(self, path: Path, licenses: Collection[str]) -> Iterator[Problem]:
        """Reads the table and yields the problems of its rows; rows without a valid split or format are skipped."""
        id_of_figure: dict[str, str] = {}
        optional = [name for name in _OPTIONAL if name in pq.read_schema(path).names]
        for row in parquet_rows(path, types(*_TEXTS, *_LISTS, *optional)):
            id, figure_id = row["id"] or "", row["figure_id"] or ""
            where = f"{path.name}, {excerpt(id)}"
            if not _ID.fullmatch(id):
                yield Problem("invalid id", where)
            if id in self.figures:
                yield Problem("duplicate id", where)
            other = id_of_figure.setdefault(figure_id, id)
            if other != id:
                yield Problem(f"duplicate figure_id (also of {excerpt(other)})", where)
            if row["license"] not in licenses:
                yield Problem(f"licence not allowed: {excerpt(row['license'])}", where)
            if row["split"] not in SPLITS:
                yield Problem(f"unknown split: {excerpt(row['split'])}", where)
            elif row["format"] not in SUFFIX_OF_FORMAT:
                yield Problem(f"unknown image format: {excerpt(row['format'])}", where)
            else:
                self.figures[id] = _figure(row)
                for name in _LISTS:
                    self.cuis.update(map(str, row[name] or ()))
        self.complete = True


def check_retracted(path: Path, listed: Path) -> Iterator[Problem]:
    """Finds the images of retracted articles; listed: a file that `retraction_lists` reads."""
    retracted = frozenset(read_list(listed))
    names = [name for name in ("pmcid", "doi", "pmid") if name in pq.read_schema(path).names]
    unknown = dict.fromkeys(("pmcid", "doi", "pmid"))
    for row in parquet_rows(path, types("id", *names)):
        if retracted.intersection(ids({**unknown, **row})):
            yield Problem(f"retracted article (listed in {listed.name})", f"{path.name}, {excerpt(row['id'])}")


def check_articles(figures: Mapping[str, Figure]) -> Iterator[Problem]:
    """Finds articles with images in more than one split, except those that a dataset had in these splits already."""
    splits_by_article: defaultdict[str, set[str]] = defaultdict(set)
    divided_here: set[str] = set()
    for figure in figures.values():
        splits_by_article[figure.article].add(figure.split)
        if not figure.is_given:
            divided_here.add(figure.article)
    for article, splits in sorted(splits_by_article.items()):
        if len(splits) > 1 and article in divided_here:
            where = f"{FIGURES}, {excerpt(article)}"
            yield Problem(f"article in several splits: {', '.join(sorted(splits))}", where)


def cell_digest(cell: str) -> bytes:
    """Returns a digest to compare cells by: tables of any size are compared without keeping their text in memory."""
    return hashlib.blake2b(cell.encode(), digest_size=16).digest()


def _figure(row: Mapping[str, Any]) -> Figure:
    cells = {name: cell_digest(";".join(map(str, row[name] or ()))) for name in _LISTS}
    cells["captions"] = cell_digest(row["caption"] or "")
    return Figure(
        figure_id=row["figure_id"] or "",
        split=row["split"],
        article=row["article_key"] or "",
        pmcid=row["pmcid"] or "",
        license=row["license"] or "",
        sha256=row["sha256"] or "",
        is_given=row.get("given_split") == row["split"],
        member=f"{row['split']}/{row['id']}{SUFFIX_OF_FORMAT[row['format']]}",
        cells=cells,
    )

"""Finds the figures of a run that a name refers to: a figure_id, an image file, an article, or its package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError, UsageError, nearest
from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.base.ids import PMCID, clean_doi, clean_pmcid, clean_pmid
from roco.base.sealed_tables import read_table
from roco.core.parts import Parts
from roco.core.stage import put

MOST_FIGURES = 20
"""Figures of different articles that one name may refer to; `1.jpg` would refer to thousands."""

MOST_KNOWN = 20_000
"""Articles, and ids of the release, among which the nearest name is looked for."""

_ALWAYS_COMPARED = ("file", "archive", "article_key")
_COLUMNS = ("figure_id", "file", "article_key", "archive", "pmcid", "doi", "pmid", "fig_id")
_VERSION = r"^([^/]+?)\.[0-9]+(/|$)"
"""The version of an article at the beginning of a figure_id: `.2` of `PMC123.2/f1/0`."""

Row = Mapping[str, Any]


class Name:
    """A name as a user writes it, and what it may mean: a file without its folder, a PMCID, a DOI, a PubMed ID."""

    def __init__(self, written: str) -> None:
        self.written = written.strip()
        self.file = re.split(r"[/\\]", self.written.rstrip("/\\"))[-1]
        self.stem = stem(self.file)
        address = re.search(rf"/articles/({PMCID})", self.written)
        self.pmcid = address[1] if address else clean_pmcid(self.written)[0]
        self.doi = clean_doi(self.written)
        self.pmid = clean_pmid(self.written)

    def matches(self, table: pa.Table) -> Iterator[pa.Array]:
        """Yields which rows the name refers to, for each thing that it may mean, the most exact one first."""
        figure, file = table["figure_id"], table["file"]
        yield pc.equal(figure, self.written)
        yield pc.or_(pc.equal(file, self.written), pc.equal(file, self.file))
        yield pc.equal(_stems(file), self.stem)
        yield pc.starts_with(figure, f"{self.written}/")
        values = {"fig_id": (self.written,), "article_key": (self.written, self.pmcid, self.doi),
                  "archive": (self.written,), "pmcid": (self.pmcid,), "doi": (self.doi,),
                  "pmid": (self.pmid,)}  # fmt: skip
        for column, wanted in values.items():
            if column in table.column_names:
                yield pc.is_in(table[column], value_set=pa.array([one for one in wanted if one], pa.string()))
        yield pc.ends_with(table["archive"], f"/{self.file}")
        without_version = re.sub(_VERSION, r"\1\2", self.written)
        figures = pc.replace_substring_regex(figure, _VERSION, r"\1\2")
        yield pc.or_(pc.equal(figures, without_version), pc.starts_with(figures, f"{without_version}/"))


def stem(file: str) -> str:
    """Returns a file name without the extension of an image; other extensions, such as that of `fig.1`, are kept."""
    return file.rpartition(".")[0] if extension_of(file) in IMAGE_EXTENSIONS else file


def find(table: Parts, written: str, extracted: Mapping[str, Path], ids: Sequence[str] = ()) -> list[tuple[str, Row]]:
    """Returns part and extracted row of all figures that a name refers to; raises DataError if there is none.

    extracted: the file with the extracted rows of each part. ids: those of the release, which are suggested as well.
    """
    name = Name(written)
    if not name.written:
        raise UsageError("the name of the figure is empty", "name a figure, a file or an article")
    near = _near(table, name)
    found = _in_parts(name, extracted, near)
    if not found:
        found = _in_parts(name, extracted, [part for part in extracted if part not in near])
    if not found:
        raise DataError(f"no figure, file or article '{written}' in this run", _hint(table, name, extracted, ids))
    articles = {row["article_key"] for _, row in found}
    if len(articles) > 1 and len(found) > MOST_FIGURES:
        example = found[0][1]["figure_id"]
        message = f"'{written}' is the name of {len(found):,} figures of {len(articles):,} articles"
        raise DataError(message, f"name one of the figures, such as {example}, or an article")
    return found


def _in_parts(name: Name, extracted: Mapping[str, Path], parts: Iterable[str]) -> list[tuple[str, Row]]:
    """Returns the rows of the most exact meaning that any of the parts contains."""
    best: list[tuple[str, Row]] = []
    best_rank = 1 << 30
    for part in parts:
        table = rows_of(extracted[part], _COLUMNS)
        if table is None:
            continue
        for column in _ALWAYS_COMPARED:
            if column not in table.column_names:  # a custom stage may read articles without naming their files
                table = put(table, column, pa.nulls(len(table), pa.string()))
        for rank, matching in enumerate(name.matches(table)):
            if rank > best_rank:
                break
            figures = table.filter(pc.fill_null(matching, False))
            if len(figures):
                best = [] if rank < best_rank else best
                best_rank = rank
                best += [(part, row) for row in figures.to_pylist()]
                break
    return best


def _near(table: Parts, name: Name) -> Sequence[str]:
    """Returns the parts with the article with which the name begins."""
    head = name.written.split("/")[0]
    heads = pa.array([one for one in (head, head.partition(".")[0], name.pmcid, name.written) if one])
    rows = table.table
    return list(dict.fromkeys(rows.filter(pc.is_in(rows["article"], heads))["part"].to_pylist()))


def rows_of(path: Path, columns: Sequence[str]) -> pa.Table | None:
    """Returns those of the columns that a file has; None if it is missing or corrupt."""
    try:
        return read_table(path, columns)[0]
    except (FileNotFoundError, CorruptFile):
        return None


def _stems(files: Any) -> Any:
    return pc.replace_substring_regex(files, rf"(?i)\.({'|'.join(IMAGE_EXTENSIONS)})$", "")


def _hint(table: Parts, name: Name, extracted: Mapping[str, Path], ids: Sequence[str]) -> str:
    """Returns the nearest of the names that the run knows: articles, figures and files of the first parts."""
    known = {*table.table["article"].slice(0, MOST_KNOWN).to_pylist(), *ids[:MOST_KNOWN]}
    for part in [*_near(table, name), *table.names[:20]]:
        figures = rows_of(extracted[part], ("figure_id", "file"))
        if figures is not None:
            for column in figures.column_names:
                known |= set(figures[column].to_pylist())
    known.discard(None)
    return nearest(name.written, known) if known else "run the recipe first: roco run RECIPE"

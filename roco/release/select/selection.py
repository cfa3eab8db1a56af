"""A selection: the ids of the images of a release that SQL or flags select, and numbers of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.schema import SPLITS
from roco.release.derived import named_concepts
from roco.release.pruning import emptied_splits, lost_concepts
from roco.release.read import Release
from roco.release.select import engine
from roco.release.select.columns import known_columns, pubmed_record, read_columns
from roco.release.select.flag_mask import is_plain, mask_of
from roco.release.select.flags import SelectOptions, query
from roco.release.select.values import checked, concepts

COUNTED = ("split", "modality", "license")
"""The columns by whose values images are counted."""

_MADE_OF = {"one_per_article": ("article_key",), "year": ("year",), "commercial": ("license",)}
_NAMED = ("modality", "region", "direction", "license", "split", "language")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The images that a query selects.

    ids: in the order of the release. before, after: number of images by value of each column of COUNTED, in the release
    and in the selection. lost: concepts of selected images of valid and test that images of train in the release have,
    but no selected one; with their numbers of images. emptied: splits that had images and have none. pubmed: what the
    selection states of the PubMed sidecar, None if the condition reads none of its columns.
    """

    release: Release
    flags: SelectOptions
    relations: Path | None
    sql: str
    ids: list[str]
    before: Mapping[str, Mapping[str, int]]
    after: Mapping[str, Mapping[str, int]]
    lost: Mapping[str, int]
    emptied: Sequence[str]
    pubmed: Mapping[str, Any] | None

    @property
    def images(self) -> int:
        return sum(self.before["split"].values())

    def names(self) -> Iterator[tuple[str, str, int]]:
        """Yields CUI, name and number of images of each lost concept, the most frequent first."""
        return named_concepts(self.release, self.lost)


def choose(release: Release, flags: SelectOptions, relations: Path | None = None) -> Selection:
    """Selects images of a release.

    relations: a CSV file with the columns child and parent; concepts of flags then include their descendants. Raises
    UsageError for an invalid condition, and for a value that is unknown.
    """
    flags = checked(release, flags)
    also = [name for name in (*COUNTED, "concepts") if name in release.columns]
    sql, table, is_selected = mask(release, flags, relations, also)
    kept = table.filter(is_selected)
    return Selection(
        release=release, flags=flags, relations=relations, sql=sql, ids=kept["id"].to_pylist(), before=counts(table),
        after=counts(kept), lost=lost_concepts(table, kept), emptied=emptied_splits(table, kept),
        pubmed=pubmed_record(release, table.column_names),
    )  # fmt: skip


def mask(
    release: Release, flags: SelectOptions, relations: Path | None = None, also: Collection[str] = ()
) -> tuple[str, pa.Table, pa.Array]:
    """Returns the query that flags make, the table that it reads, and which of its rows it selects.

    flags: checked against the release. also: further columns of the table.
    """
    known = release.columns
    cuis = concepts(release, flags.concept, relations)
    key = "coalesce(image_key, id)" if "image_key" in known else "id"
    sql = query(flags, cuis, key)
    if is_plain(flags):
        wanted = {"id", *_columns(flags, known)}
        engine.check_columns(wanted, known_columns(release))
        table = read_columns(release, sorted({*wanted, *also}))
        return sql, table, mask_of(table, flags)
    table, is_selected = engine.mask(release, sql, flags.where, _columns(flags, known), also)
    return sql, table, is_selected


def _columns(flags: SelectOptions, known: Collection[str]) -> list[str]:
    """Returns the columns that the flags read, without those of `where`."""
    columns = [name for name in _NAMED if getattr(flags, name)]
    for field, names in _MADE_OF.items():
        if getattr(flags, field):
            columns += names
    if flags.concept:
        columns.append("concepts")
    if flags.sample is not None and "image_key" in known:
        columns.append("image_key")
    return columns


def counts(table: pa.Table) -> dict[str, dict[str, int]]:
    """Counts images by the values of each column of COUNTED; images without a value count as `unknown`."""
    counted = {}
    for column in COUNTED:
        values = table[column] if column in table.column_names else pa.nulls(len(table), pa.string())
        numbers = {one["values"] or "unknown": one["counts"] for one in pc.value_counts(values).to_pylist()}
        order = SPLITS if column == "split" else sorted(numbers, key=lambda value: (value == "unknown", value))
        counted[column] = {value: numbers.get(value, 0) for value in order}
    return counted

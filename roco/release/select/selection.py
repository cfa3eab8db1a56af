"""A selection: the ids of the images of a release that SQL or flags select, and numbers of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.schema import SPLITS
from roco.release.read import Release
from roco.release.select import engine
from roco.release.select.columns import pubmed_record
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
        names = self.release.concept_names() if self.lost else {}
        for cui, number in sorted(self.lost.items(), key=lambda one: (-one[1], one[0])):
            yield cui, names.get(cui, "unnamed"), number


def choose(release: Release, flags: SelectOptions, relations: Path | None = None) -> Selection:
    """Selects images of a release.

    relations: a CSV file with the columns child and parent; concepts of flags then include their descendants. Raises
    UsageError for an invalid condition, and for a value that is unknown.
    """
    flags = checked(release, flags)
    cuis = concepts(release, flags.concept, relations)
    known = release.columns
    key = "coalesce(image_key, id)" if "image_key" in known else "id"
    sql = query(flags, cuis, key)
    also = [name for name in (*COUNTED, "concepts") if name in known]
    table, is_selected = engine.mask(release, sql, flags.where, _columns(flags, known), also)
    kept = table.filter(is_selected)
    before, after = counts(table), counts(kept)
    emptied = [split for split in SPLITS if before["split"][split] and not after["split"][split]]
    return Selection(
        release=release, flags=flags, relations=relations, sql=sql, ids=kept["id"].to_pylist(), before=before,
        after=after, lost=_lost(table, kept), emptied=emptied, pubmed=pubmed_record(release, table.column_names),
    )  # fmt: skip


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


def _lost(before: pa.Table, after: pa.Table) -> dict[str, int]:
    """Returns concepts that train has in the table before and not in the one after, although valid or test do.

    The values are their numbers of images of valid and test.
    """
    if "concepts" not in before.column_names:
        return {}
    is_train = pc.equal(after["split"], "train")
    trained = pc.list_flatten(after.filter(is_train)["concepts"])
    once = pc.list_flatten(before.filter(pc.equal(before["split"], "train"))["concepts"])
    held_out = pc.list_flatten(after.filter(pc.invert(is_train))["concepts"])
    in_train, was_in_train = pc.is_in(held_out, value_set=trained), pc.is_in(held_out, value_set=once)
    lost = held_out.filter(pc.and_(was_in_train, pc.invert(in_train)))
    return {one["values"]: one["counts"] for one in pc.value_counts(lost).to_pylist()}

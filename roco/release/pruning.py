"""Concepts of valid and test that no image of train has, since no model can learn them: finds and removes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import UsageError
from roco.base.schema import COLUMNS, SPLITS

Cuis = Sequence[str] | None

_COLUMNS = ("concepts", "concepts_auto", "concepts_manual")


def trained_concepts(splits: Iterable[str | None], concepts: Iterable[Cuis]) -> frozenset[str]:
    """Returns the concepts of the images of train; splits, concepts: of each image."""
    trained: set[str] = set()
    for split, cuis in zip(splits, concepts, strict=True):
        if split == "train":
            trained.update(cuis or ())
    return frozenset(trained)


def pruned(splits: Iterable[str | None], concepts: Iterable[Cuis], trained: Collection[str]) -> list[list[str]]:
    """Returns the concepts of each image, those of valid and test without the ones that train lacks."""
    kept = []
    for split, cuis in zip(splits, concepts, strict=True):
        keep_all = split == "train"
        kept.append([cui for cui in cuis or () if keep_all or cui in trained])
    return kept


# --- releases without some of their images -------------------------------------------------------------------


def lost_concepts(before: pa.Table, after: pa.Table) -> dict[str, int]:
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


def emptied_splits(before: pa.Table, after: pa.Table) -> list[str]:
    """Returns the splits that have images in the table before and none in the one after."""
    present = set(pc.unique(after["split"]).to_pylist())
    had = set(pc.unique(before["split"]).to_pylist())
    return [split for split in SPLITS if split in had and split not in present]


def prune_figures(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Returns the images with the concepts that train has, and those that are left without a concept.

    Raises UsageError if no image of train has a concept.
    """
    splits = table["split"].to_pylist()
    trained = trained_concepts(splits, table["concepts"].to_pylist())
    if not trained:
        hint = "keep some images of train, or leave out --prune"
        raise UsageError("--prune would remove every concept: no image of train that is kept has one", hint)
    before = pc.list_value_length(table["concepts"])
    for name in _COLUMNS:
        if name in table.column_names:
            lists = pa.array(pruned(splits, table[name].to_pylist(), trained), COLUMNS[name].type)
            table = table.set_column(table.column_names.index(name), name, lists)
    # An image that the release contains without a concept stays.
    is_empty = pc.and_(pc.equal(pc.list_value_length(table["concepts"]), 0), pc.greater(before, 0))
    return table.filter(pc.invert(is_empty)), table.filter(is_empty)

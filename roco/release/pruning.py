"""Concepts of valid and test that no image of train has, since no model can learn them: finds and removes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base import lists
from roco.base.columns import Mask
from roco.base.errors import UsageError
from roco.base.schema import SPLITS

_COLUMNS = ("concepts", "concepts_auto", "concepts_manual")


def trained_concepts(table: pa.Table) -> pa.Array:
    """Returns the concepts of the images of train; table: split and concepts of each image."""
    return pc.unique(pc.list_flatten(table.filter(pc.equal(table["split"], "train"))["concepts"]))


def pruned(table: pa.Table, columns: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """Returns some columns of concepts of each image, those of valid and test without the ones that train lacks.

    table: split, concepts and the columns. A null becomes an empty list.
    """
    is_train = np.asarray(pc.fill_null(pc.equal(table["split"], "train"), False))
    distinct = lists.texts(table["concepts"], *(table[name] for name in columns))
    is_trained = np.asarray(pc.is_in(distinct, value_set=trained_concepts(table)))

    def is_kept(values: lists.Values) -> Mask:
        kept: Mask = is_train[values.rows] | is_trained[values.numbers]
        return kept

    return {name: lists.chosen(table[name], distinct, is_kept) for name in columns}


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
    if not len(trained_concepts(table)):
        hint = "keep some images of train, or leave out --prune"
        raise UsageError("--prune would remove every concept: no image of train that is kept has one", hint)
    before = pc.list_value_length(table["concepts"])
    for name, column in pruned(table, [name for name in _COLUMNS if name in table.column_names]).items():
        table = table.set_column(table.column_names.index(name), name, column)
    # An image that the release contains without a concept stays.
    is_empty = pc.and_(pc.equal(pc.list_value_length(table["concepts"]), 0), pc.greater(before, 0))
    return table.filter(pc.invert(is_empty)), table.filter(is_empty)

"""Assigns the ids of a release: `PREFIX_SPLIT_NUMBER`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, Mask, has_text, taken
from roco.base.errors import RecipeError
from roco.base.schema import SPLITS
from roco.release.previous import PreviousRelease, highest_numbers


def assigned_ids(figures: pa.Table, prefix: str, previous: PreviousRelease | None) -> pa.Array:
    """Returns the ids of the kept figures: those that are pinned, and new ones in the order of the articles.

    figures: figure_id, article_key, split, drop and pinned_id. New ids continue from the highest number of their split,
    which pinned and retired ids have too. Raises RecipeError for a kept figure without a split.
    """
    highest = highest_numbers(figures["pinned_id"], figures["split"])
    if previous is not None:
        highest |= previous.highest

    figures = figures.select(["figure_id", "article_key", "split", "drop", "pinned_id"])
    is_kept = np.asarray(pc.is_null(figures["drop"]))
    _check_splits(figures, is_kept)
    is_pinned = has_text(figures["pinned_id"])
    new = np.flatnonzero(is_kept & ~is_pinned)
    new = new[_in_order(figures.take(pa.array(new)))]
    split = np.asarray(pc.index_in(figures["split"], value_set=pa.array(SPLITS)).take(pa.array(new)), np.int64)
    place = np.full(len(figures), NONE)
    ids: list[pa.Array] = []
    assigned_before = 0
    for number, name in enumerate(SPLITS):
        rows = new[split == number]
        place[rows] = assigned_before + np.arange(len(rows))
        assigned_before += len(rows)
        numbers = pa.array(highest[name] + 1 + np.arange(len(rows))).cast(pa.string())
        ids.append(pc.binary_join_element_wise(f"{prefix}_{name}_", pc.utf8_lpad(numbers, 6, "0"), ""))
    assigned = taken(pa.concat_arrays(ids), place)
    return pc.if_else(pa.array(is_kept & is_pinned), figures["pinned_id"], assigned)


def _in_order(figures: pa.Table) -> pa.Array:
    """Returns the order of the ids."""
    # By article first: within an article, figure_ids of both layouts differ only in a common prefix.
    keys = pa.table({"article": pc.fill_null(figures["article_key"], ""), "figure_id": figures["figure_id"]})
    return pc.sort_indices(keys, [("article", "ascending"), ("figure_id", "ascending")])


def _check_splits(figures: pa.Table, is_kept: Mask) -> None:
    has_split = pc.is_in(figures["split"], value_set=pa.array(SPLITS))
    without = figures.filter(pc.and_not(pa.array(is_kept), has_split))
    if len(without):
        figure = without["figure_id"][_in_order(without)[0].as_py()]
        raise RecipeError(f"figure without a split: {figure}", "put stage 'split' before 'release'")

"""How a release differs from the one it grows from, whose ids and splits it must not change."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import DataError
from roco.core.ledger import Changes
from roco.core.stage import Finished
from roco.release.pairs import PAIRED_BY, paired_ids
from roco.release.previous import PreviousRelease


def ledger_changes(before: PreviousRelease, after: PreviousRelease) -> Changes:
    """Compares the images of two releases."""
    return _changes(before.images, after.images)


def check_growth(run: Finished, figures: pa.Table) -> None:
    """Raises DataError if an image of the release that a run grows from would have another id or split.

    figures: id, split and what identifies an image, of each image of the new release.
    """
    if run.ledger is None:
        return
    changes = _changes(PreviousRelease(run.ledger.table).images, figures)
    if not changes.changed:
        return
    hint = "to accept this, assign all ids anew: roco run RECIPE --new-ids; or write to another run folder"
    if "pinned_id" not in run.columns:
        hint = f"add the stage 'pins' to the recipe, which keeps both; {hint}"
    counts = f"{changes.renumbered} would have another id, {changes.moved} would be in another split"
    raise DataError(f"images of the release in the run folder would change: {counts} (stage 'release')", hint)


def _changes(old: pa.Table, new: pa.Table) -> Changes:
    # Most images have the same id and bytes in both; only the others, and what resembles them, have to be compared.
    place = pc.index_in(old["id"], value_set=new["id"].combine_chunks())
    same = new.select(["image_key", "split"]).take(place)
    is_same = pc.and_(pc.equal(old["image_key"], same["image_key"]), pc.not_equal(old["image_key"], ""))
    is_same = pc.fill_null(is_same, False)
    is_moved = pc.and_(is_same, pc.not_equal(old["split"], same["split"]))
    n_same, moved = pc.sum(is_same).as_py() or 0, pc.sum(is_moved).as_py() or 0

    old_rows, new_rows = _others(old, new, is_same)
    new_id = paired_ids(old_rows, new_rows)
    kept, renumbered = n_same - moved, 0
    for old_id, id in new_id.items():
        has_other_id, is_in_other_split = id != old_id, new_rows[id]["split"] != old_rows[old_id]["split"]
        kept += not has_other_id and not is_in_other_split
        renumbered += has_other_id
        moved += is_in_other_split
    both = n_same + len(new_id)
    return Changes(kept, len(new) - both, len(old) - both, both - kept, renumbered, moved)


_Rows = dict[str, dict[str, Any]]


def _others(old: pa.Table, new: pa.Table, is_same: pa.ChunkedArray) -> tuple[_Rows, _Rows]:
    """Returns the images of both releases that are not the same, without new ones that have nothing of an old one."""
    same = old.filter(is_same)["id"].combine_chunks()
    old, new = old.filter(pc.invert(is_same)), new.filter(pc.invert(pc.is_in(new["id"], value_set=same)))
    is_related = pa.scalar(False)
    for name in ("id", "article_key", "image_key"):
        is_related = pc.or_(is_related, pc.is_in(new[name], value_set=old[name].combine_chunks()))
    return _by_id(old), _by_id(new.filter(is_related))


def _by_id(images: pa.Table) -> _Rows:
    names = [name for name in (*PAIRED_BY, "split") if name in images.column_names]
    unknown = dict.fromkeys(PAIRED_BY)
    return {row["id"]: {**unknown, **row} for row in images.select(names).to_pylist()}

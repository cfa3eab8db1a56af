"""How a release differs from the one it grows from, whose ids and splits it must not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from roco.base.errors import DataError
from roco.core.ledger import Changes
from roco.core.stage import Finished
from roco.release.pairs import PAIRED_BY, paired_ids
from roco.release.previous import PreviousRelease, ReleasedImage

_UNKNOWN = dict.fromkeys(PAIRED_BY)


def ledger_changes(before: PreviousRelease, after: PreviousRelease) -> Changes:
    """Compares the images of two releases."""
    return _changes(before, (image._asdict() for image in after.images.values()))


def check_growth(run: Finished, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raises DataError if an image of the release that a run grows from would have another id or split.

    rows: id, split and what identifies an image, of each image of the new release.
    """
    if run.ledger is None:
        return
    changes = _changes(PreviousRelease.of_ledger(run.ledger.table), rows)
    if not changes.changed:
        return
    hint = "to accept this, assign all ids anew: roco run RECIPE --new-ids; or write to another run folder"
    if "pinned_id" not in run.columns:
        hint = f"add the stage 'pins' to the recipe, which keeps both; {hint}"
    counts = f"{changes.renumbered} would have another id, {changes.moved} would be in another split"
    raise DataError(f"images of the release in the run folder would change: {counts} (stage 'release')", hint)


def _changes(before: PreviousRelease, rows: Iterable[Mapping[str, Any]]) -> Changes:
    old = {id: {**_UNKNOWN, **image._asdict()} for id, image in before.images.items()}
    new = {row["id"]: {**_UNKNOWN, **{name: row.get(name) for name in ReleasedImage._fields}} for row in rows}
    kept = renumbered = moved = 0
    new_id = paired_ids(old, new)
    for old_id, id in new_id.items():
        has_other_id, is_in_other_split = id != old_id, new[id]["split"] != old[old_id]["split"]
        kept += not has_other_id and not is_in_other_split
        renumbered += has_other_id
        moved += is_in_other_split
    both = len(new_id)
    return Changes(kept, len(new) - both, len(old) - both, both - kept, renumbered, moved)

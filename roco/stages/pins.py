"""Recognises the images of the previous release, so that they keep their id and split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, codes, first_of, has_text, taken
from roco.base.schema import SPLITS, types
from roco.core.contract import Reason
from roco.core.ledger import Ledger
from roco.core.stage import Decision, drop, put
from roco.release.precedence import source_numbers
from roco.release.previous import LEDGER, TAKEDOWN, content_files, known_releases, read_previous
from roco.release.recognise import BY, by_bytes, by_file, recognised


@dataclass(frozen=True, kw_only=True)
class Pins(Decision):
    """Gives each image of the previous release the id and split that it has there; new images get none.

    An image is recognised by its article and bytes (image_key); a new version of the article, another figure_id or
    another file name change nothing. If no image has these bytes, the image of the same article with the same
    file name takes its place (`pinned_by` = file). Each id is assigned once: of equal images of one article the one
    with the same figure_id gets it, otherwise the first one. An image that a previous release has retired, and that is
    in the source again with the same bytes, gets its id and split back (`pinned_by` = retired).

    The previous release is the one in the run folder, if there is one. previous: folder of another release, which takes
    precedence. given: images of a source with `kind = "release"` keep the id and split they have there. If that id
    belongs or belonged to another image of the previous release, or to an image of a source that is listed first, only
    the split is kept. An image that the publisher of a previous release has taken down (`roco retract`) is dropped, and
    so is one of the same article with its file name.
    """

    needs = ("image",)
    reads = ("article_key", "image_key", "file", "archive")
    optional = ("given_id", "given_split")
    writes = types("pinned_id", "pinned_split", "pinned_by")
    reasons = {"takedown": Reason("taken down from a previous release")}
    scope = "table"
    takes_ledger = True
    version = 5

    previous: Path | None = None
    given: bool = True

    @property
    def content(self) -> tuple[Path, ...]:
        return content_files(self.previous)

    def prepare(self) -> None:
        if self.previous is not None:
            read_previous(self.previous)

    def __call__(self, batch: pa.Table, ledger: Ledger | None = None) -> pa.Table:
        previous = known_releases(self.previous, ledger.table if ledger else None)
        known = previous.ledger if previous else LEDGER.empty_table()
        found = recognised(batch, known)
        is_recognised = pa.array(found.place != NONE)
        columns = {
            "pinned_id": taken(known["id"], found.place),
            "pinned_split": taken(known["split"], found.place),
            "pinned_by": taken(pa.array(BY), found.by),
        }
        if self.given:
            given = _given(batch, known["id"])
            columns = {name: pc.if_else(is_recognised, columns[name], given[name]) for name in columns}
        for name, values in columns.items():
            batch = put(batch, name, values)
        return batch if previous is None else _without_takedowns(batch, previous.tombstones)


def _given(batch: pa.Table, known: pa.ChunkedArray) -> dict[str, pa.Array]:
    """Returns the columns that `pins` writes, for the images of datasets; known: ids that cannot be assigned again."""
    is_given = has_text(batch["given_id"]) & np.asarray(pc.is_in(batch["given_split"], value_set=pa.array(SPLITS)))
    rows = np.flatnonzero(is_given)
    rows = rows[np.argsort(source_numbers(batch["archive"].take(pa.array(rows))), kind="stable")]

    # Of several images with one id, that of the source that is listed first has it; the others keep only the split.
    ids = batch["given_id"].take(pa.array(rows))
    is_first = first_of(codes(ids)) == np.arange(len(rows))
    is_new = ~np.asarray(pc.is_in(ids, value_set=known.combine_chunks()), bool)
    place, place_of_id = np.full(len(batch), NONE), np.full(len(batch), NONE)
    place[rows] = rows
    place_of_id[rows[is_first & is_new]] = rows[is_first & is_new]
    return {
        "pinned_id": taken(batch["given_id"], place_of_id),
        "pinned_split": taken(batch["given_split"], place),
        "pinned_by": pc.if_else(pa.array(is_given), "given", pa.scalar(None, pa.string())),
    }


def _without_takedowns(batch: pa.Table, tombstones: pa.Table) -> pa.Table:
    """Drops the images that were taken down, by their bytes or file name; detail: date and reason of the takedown."""
    taken_down = tombstones.filter(pc.equal(tombstones["reason"], TAKEDOWN))
    found = []
    for identity, column in ((by_bytes, "image_key"), (by_file, "file")):
        known = taken_down.filter(pa.array(has_text(taken_down[column])))
        of_known, of_rows = identity(known, batch)
        last = np.full(int(of_known.max(initial=NONE)) + 2, NONE)  # its last place is that of NONE
        last[of_known] = np.arange(len(known))
        found.append(taken(known["detail"], last[of_rows]))
    details = pc.coalesce(*found)
    return drop(batch, pc.is_valid(details), "takedown", details)

"""The groups of images that are the same or alike, as the release hands them on."""

from __future__ import annotations

import pyarrow as pa

from roco.core.stage import Finished, put

COLUMNS = (
    "figure_id",
    "article_key",
    "image_key",
    "duplicate_group",
    "similar_group",
    "phash",
    "phash_fine",
    "id",
    "drop",
    "drop_detail",
)


def duplicates(run: Finished) -> pa.Table:
    """Every figure that is in a group, kept or left: its groups, hashes, id, and for which reason it left.

    A duplicate's drop_detail holds its distances from the image that stayed.
    """
    known = [name for name in COLUMNS[1:] if name in run.columns]
    here = [name for name in known if name not in ("drop", "drop_detail")]
    kept, left = run.kept(here), run.removed(here)
    for name in ("drop", "drop_detail"):
        kept = put(kept, name, pa.nulls(len(kept), pa.string()))
    tables = []
    for table in (kept, left):
        for name in COLUMNS:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), pa.string()))
        tables.append(table.select(list(COLUMNS)))
    every = pa.concat_tables(tables)
    grouped = [
        bool(d or s)
        for d, s in zip(every["duplicate_group"].to_pylist(), every["similar_group"].to_pylist(), strict=True)
    ]
    return every.filter(pa.array(grouped, pa.bool_())).sort_by("figure_id").combine_chunks()

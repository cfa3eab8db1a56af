"""The groups of images that are the same or alike, as the release hands them on."""

from __future__ import annotations

import pyarrow as pa

from roco.core.stage import Finished, put
from roco.models.images.hamming import hex_distance

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

    phash_bits, phash_fine_bits: bits in which it differs from the image that its group is named after, the group of
    duplicates where it is in one; null where the image has no hash or that image is no more among them.
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
    table = every.filter(pa.array(grouped, pa.bool_())).sort_by("figure_id").combine_chunks()
    return _with_distances(table)


def _with_distances(table: pa.Table) -> pa.Table:
    rows = table.select(["image_key", "duplicate_group", "similar_group", "phash", "phash_fine"]).to_pylist()
    first = {row["image_key"]: row for row in rows}
    for name in ("phash", "phash_fine"):
        bits = [
            _bits(row[name], first.get(row["duplicate_group"] or row["similar_group"], {}).get(name)) for row in rows
        ]
        table = table.append_column(f"{name}_bits", pa.array(bits, pa.int32()))
    return table


def _bits(one: str | None, other: str | None) -> int | None:
    return hex_distance(one, other) if one and other else None

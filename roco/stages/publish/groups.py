"""The table duplicates.parquet: the groups of duplicates and near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from roco.base.columns import has_text
from roco.core.stage import Finished, put
from roco.models.images.hamming import hex_distance
from roco.stages.publish.details import with_published_details

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
    """Returns every figure with a group, kept or dropped, sorted by figure_id: groups, hashes, id, reason.

    phash_bits, phash_fine_bits: bits by which its hash differs from that of the image that names its group (the group
    of duplicates if it has one); null if one of the two has no hash, or the naming image is not in the table.
    """
    known = [name for name in COLUMNS if name != "figure_id" and name in run.columns]
    measured = [name for name in known if name not in ("drop", "drop_detail")]
    kept = run.kept(measured)
    for name in ("drop", "drop_detail"):
        kept = put(kept, name, pa.nulls(len(kept), pa.string()))
    having = [name for name in ("duplicate_group", "similar_group") if name in measured]
    batches = run.removed(measured, having) if having else iter(())
    dropped = [with_published_details(_with_group(_complete(batch)), run.reasons) for batch in batches]
    table = pa.concat_tables([_with_group(_complete(kept)), *dropped])
    return _with_distances(table.sort_by("figure_id").combine_chunks())


def _with_group(table: pa.Table) -> pa.Table:
    return table.filter(pa.array(has_text(table["duplicate_group"]) | has_text(table["similar_group"])))


def _complete(table: pa.Table) -> pa.Table:
    """Returns the table with all columns; those that no stage wrote are null."""
    for name in COLUMNS:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), pa.string()))
    return table.select(list(COLUMNS))


def _with_distances(table: pa.Table) -> pa.Table:
    columns = ["image_key", "duplicate_group", "similar_group", "phash", "phash_fine"]
    rows = table.select(columns).to_pylist()
    by_key: dict[str, Mapping[str, Any]] = {row["image_key"]: row for row in rows}
    for name in ("phash", "phash_fine"):
        distances = []
        for row in rows:
            naming = by_key.get(row["duplicate_group"] or row["similar_group"])
            distances.append(_distance(row[name], naming[name] if naming else None))
        table = table.append_column(f"{name}_bits", pa.array(distances, pa.int32()))
    return table


def _distance(first: str | None, second: str | None) -> int | None:
    if not first or not second:
        return None
    return hex_distance(first, second)

"""What a run would do, without doing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.schema import LISTING
from roco.core import parts
from roco.core.layout import Layout
from roco.core.manifest import Manifest
from roco.core.pipeline import Pipeline
from roco.core.status import status


def dry(pipeline: Pipeline, folder: Path) -> dict[str, Any]:
    """Lists the source and compares: articles new, changed and gone, parts to be passed, stages that are stale."""
    layout = Layout(folder)
    before = parts.read(layout.parts)
    current = before.table.filter(before.table["current"])
    known = current.select(LISTING.names) if len(current) else None
    listing = pipeline.source.listing(known)
    after = parts.Parts(parts.updated(before.table, listing, parts.PART_SIZE))
    had = pc.is_in(listing["article"], value_set=_column(current, "article"))
    same = pc.is_in(parts.keys(listing), value_set=parts.keys(before.table))
    changed = pc.sum(pc.and_(had, pc.invert(same))).as_py() or 0
    listed = pc.is_in(current["article"], value_set=_column(listing, "article"))
    done = Manifest(pipeline, layout).done(after)
    return {
        "articles": len(listing),
        "new": pc.sum(pc.invert(had)).as_py() or 0,
        "changed": changed,
        "gone": pc.sum(pc.invert(listed)).as_py() or 0,
        "parts": len(after.names),
        "parts_to_do": len(after.names) - len(done),
        "stages": [{k: s[k] for k in ("stage", "kind", "state", "why")} for s in status(pipeline, folder)["stages"]],
    }


def _column(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()

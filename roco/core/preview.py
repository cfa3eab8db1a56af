"""Reports what a run would do, without changing anything; models and vocabularies are loaded as the run would."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.schema import LISTING
from roco.core import parts
from roco.core.folder import RunFolder
from roco.core.manifest import Manifest
from roco.core.publications import Publications
from roco.core.rows import prepare
from roco.core.status import status


def preview(folder: RunFolder) -> dict[str, Any]:
    """Lists the source and counts new, changed and removed articles, parts to process, and out-of-date stages.

    ids: number of ids, in use or retired, from which the next release would grow. only_new: changed options, as
    `stage.option`, that have no effect on images with such an id.
    Raises RocoError for what would stop the run before its first row, such as an invalid vocabulary.
    """
    for step in folder.pipeline.steps:
        prepare(step, "its models and vocabularies")
    before = parts.read(folder.parts)
    current = before.table.filter(before.table["current"])
    known = current.select(LISTING.names) if len(current) else None
    listing = folder.pipeline.source.listing(known)
    after = parts.Parts(parts.updated(before.table, listing, parts.PART_SIZE))
    was_listed = pc.is_in(listing["article"], value_set=_column(current, "article"))
    is_unchanged = pc.is_in(parts.keys(listing), value_set=parts.keys(before.table))
    is_still_listed = pc.is_in(current["article"], value_set=_column(listing, "article"))
    done = set(Manifest(folder).done(after))
    n_to_do = sum(length for name, (_, length) in after.spans.items() if name not in done)
    stages = status(folder)["stages"]
    published = Publications(folder).current(None)
    record = published.record if published else None
    ledger = None
    if published is not None and published.ledger is not None:
        ledger = Publications(folder).ledger(published.ledger)
    return {
        "articles": len(listing),
        "new": _count(pc.invert(was_listed)),
        "changed": _count(pc.and_(was_listed, pc.invert(is_unchanged))),
        "removed": _count(pc.invert(is_still_listed)),
        "parts": len(after.names),
        "parts_to_do": len(after.names) - len(done),
        "articles_to_do": n_to_do,
        "ids": 0 if ledger is None else len(ledger.table),
        "only_new": record.changed_options(folder.pipeline.options_of_new) if record else [],
        "stages": [{name: stage[name] for name in ("stage", "kind", "state", "why")} for stage in stages],
    }


def _count(where: pa.Array) -> int:
    return pc.sum(where).as_py() or 0


def _column(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()

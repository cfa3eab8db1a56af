"""Takes rows up again that a measure could not take."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from roco.base.errors import CorruptFile, UsageError, nearest
from roco.base.files import read_table, write_table
from roco.core.layout import Layout
from roco.core.measures import table_digest
from roco.core.parts import Parts
from roco.core.pipeline import Pipeline, Step

READING = ("unreadable",)
"""What the engine itself says of figures whose bytes cannot be had."""


def forget(pipeline: Pipeline, layout: Layout, parts: Parts, reason: str, names: Sequence[str] | None = None) -> int:
    """Forgets the measured rows that were dropped for a reason, so that they are measured again; returns how many."""
    steps = [s for s in pipeline.steps if s.is_measure]
    known = {r for s in steps for r in (*s.contract.reasons, *(READING if "bytes" in s.contract.reads else ()))}
    if reason not in known:
        hint = "decisions are made again anyway; " + nearest(reason, known)
        raise UsageError(f"no measure of this recipe drops figures for '{reason}'", hint)
    return sum(_forget(layout, pipeline, step, part, reason) for part in names or parts.names for step in steps)


def _forget(layout: Layout, pipeline: Pipeline, step: Step, part: str, reason: str) -> int:
    path = layout.measure(step, part)
    try:
        table, meta = read_table(path)
    except (FileNotFoundError, CorruptFile):
        return 0
    bad = pc.fill_null(pc.equal(table["drop"], reason), False)
    n = int(pc.sum(bad).as_py() or 0)
    if not n:
        return 0
    if "articles" in meta:  # articles are read as a whole
        places = table.filter(bad)["archive"].unique()
        bad = pc.is_in(table["archive"], value_set=places)
        meta["articles"] = {k: v for k, v in meta["articles"].items() if k not in set(places.to_pylist())}
    table = table.filter(pc.invert(bad))
    # The decisions go first: without them the part counts as not done, whatever happens in between.
    layout.rows(pipeline, part).unlink(missing_ok=True)
    write_table(path, table, {**meta, "rows": len(table), "content": table_digest(table)})
    return n

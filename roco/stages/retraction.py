"""Drops figures of papers that another article of the run, or a list, says to be retracted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.stage import Decision, drop, those_who_left
from roco.release.retraction_lists import ids, read_list


@dataclass(frozen=True, kw_only=True)
class Retraction(Decision):
    """Drops figures of articles that a notice of retraction names, or a list of retracted papers.

    What index, metadata and the paper itself say is in `retracted`, on which `license` decides. This stage adds the
    notices among the articles of the run, and lists: CSV or one id a line, as PubMed's search for
    `retracted publication[pt]` and Retraction Watch give them. A notice is never taken for the paper it retracts.
    """

    needs = ("extract",)
    reads = ("pmcid", "pmid", "doi", "retracts")
    left = ("retracts", "pmcid", "pmid", "doi")
    reasons = ("retracted",)
    scope = "table"

    lists: tuple[Path, ...] = ()

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Name of the list by the id of each paper that it holds."""
        return {id: f"listed in {path.name}" for path in reversed(self.lists) for id in read_list(path)}

    def __call__(self, batch: pa.Table) -> pa.Table:
        found = dict(self._listed)
        for row in (*_notices(those_who_left(batch)), *_notices(batch)):
            for id in row["retracts"]:
                found[id] = f"retracted by {' '.join(ids(row)) or row['figure_id']}"
        rows = batch.to_pylist()
        said = [None if row["retracts"] else next((found[i] for i in ids(row) if i in found), None) for row in rows]
        details = pa.array(said, pa.string())
        return drop(batch, details.is_valid(), "retracted", details)


def _notices(rows: pa.Table) -> list[dict[str, Any]]:
    """The few rows that retract something, out of millions."""
    if "retracts" not in rows.column_names:
        return []
    return list(rows.filter(pc.greater(pc.list_value_length(rows["retracts"]), 0)).to_pylist())

"""Drops figures of papers that a retraction notice in the run, or a list, reports as retracted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.contract import Reason
from roco.core.stage import Decision, drop
from roco.release.retraction_lists import ids, read_list


@dataclass(frozen=True, kw_only=True)
class Retraction(Decision):
    """Drops figures of articles that a retraction notice or a list of retracted papers names.

    The column `retracted` holds what index, metadata and the article itself report; `license` decides on it. This stage
    adds the retraction notices among the articles of the run, and lists: CSV or one id per line, as exported by a
    PubMed search for `retracted publication[pt]` or by Retraction Watch. Figures printed in a notice are dropped by
    `extract`.
    """

    needs = ("extract",)
    reads = ("pmcid", "pmid", "doi", "retracts")
    dropped = ("retracts", "pmcid", "pmid", "doi")
    reasons = {"retracted": Reason("a notice or a list reports the article as retracted")}
    scope = "table"

    lists: tuple[Path, ...] = ()

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Maps the id of each listed paper to the drop detail; the first list that contains it counts."""
        details: dict[str, str] = {}
        for path in self.lists:
            for id in read_list(path):
                details.setdefault(id, f"listed in {path.name}")
        return details

    def prepare(self) -> None:
        _ = self._listed

    def __call__(self, batch: pa.Table, dropped: pa.Table | None = None) -> pa.Table:
        retracted = dict(self._listed)
        # Notices have no figures of their own: most of them were dropped by the stages before this one.
        notices = _notices(batch) if dropped is None else [*_notices(dropped), *_notices(batch)]
        for notice in notices:
            source = " ".join(ids(notice)) or notice["figure_id"]
            for id in notice["retracts"]:
                retracted[id] = f"retracted by {source}"
        details = pa.array([_detail(row, retracted) for row in batch.to_pylist()], pa.string())
        return drop(batch, details.is_valid(), "retracted", details)


def _detail(row: Mapping[str, Any], retracted: Mapping[str, str]) -> str | None:
    if row["retracts"]:
        return None  # lists often contain the notice instead of the paper that it retracts
    for id in ids(row):
        if id in retracted:
            return retracted[id]
    return None


def _notices(rows: pa.Table) -> list[dict[str, Any]]:
    """Returns the rows that retract something: few out of millions, so they are filtered as Arrow columns."""
    if "retracts" not in rows.column_names:
        return []
    return list(rows.filter(pc.greater(pc.list_value_length(rows["retracts"]), 0)).to_pylist())

"""Takes concepts out of valid and test that train does not have."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from roco.base.schema import types
from roco.core.stage import Decision, drop, put


@dataclass(frozen=True, kw_only=True)
class Prune(Decision):
    """Takes out of valid and test what no image of train has: nobody could learn it. Images left with none leave.

    Concepts that people gave are no exception (section Dataset Creation).
    """

    reads = ("split", "concepts", "concepts_auto", "concepts_manual")
    writes = types("concepts", "concepts_auto", "concepts_manual")
    reasons = ("concepts",)
    scope = "table"

    def __call__(self, batch: pa.Table) -> pa.Table:
        splits = batch["split"].to_pylist()
        lists = batch["concepts"].to_pylist()
        known = {cui for split, cuis in zip(splits, lists, strict=True) if split == "train" for cui in cuis or ()}
        for name, kind in self.writes.items():
            pruned = [
                cuis or [] if split == "train" else [c for c in cuis or () if c in known]
                for split, cuis in zip(splits, batch[name].to_pylist(), strict=True)
            ]
            batch = put(batch, name, pa.array(pruned, kind))
        none = pa.array([not cuis for cuis in batch["concepts"].to_pylist()], pa.bool_())
        return drop(batch, none, "concepts", "no concept that train has")

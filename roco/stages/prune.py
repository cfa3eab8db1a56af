"""Removes concepts from valid and test that do not occur in train."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from roco.base import lists
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.release.pruning import pruned


@dataclass(frozen=True, kw_only=True)
class Prune(Decision):
    """Removes concepts from valid and test that no image of train has, since no model can learn them.

    Manual concepts are no exception (section Dataset Creation). Images left without a concept are dropped.
    """

    reads = ("split", "concepts", "concepts_auto", "concepts_manual")
    writes = types("concepts", "concepts_auto", "concepts_manual")
    reasons = {"concepts": Reason("train has none of its concepts")}
    scope = "table"

    def __call__(self, batch: pa.Table) -> pa.Table:
        for name, column in pruned(batch, tuple(self.writes)).items():
            batch = put(batch, name, column)
        return drop(batch, lists.empty(batch["concepts"]), "concepts", "no concept that occurs in train")

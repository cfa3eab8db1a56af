"""Removes concepts that too few images have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.guarantees import CONCEPTS
from roco.base.labels import KINDS, NUCLEAR
from roco.base.schema import types
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop, put
from roco.models.text.terms.table import SHIPPED, load
from roco.release.previous import concepts_of, content_files


@dataclass(frozen=True, kw_only=True)
class Cutoff(Decision):
    """Removes automatic concepts that 10 images or fewer have.

    Source: section Caption Processing and Concept Extraction.
    However rare they are, manual concepts and those of modality, region and direction are kept, and so are
    scintigraphy, which has no modality label, and all modalities that the caption of a combined image names. Images
    left without a concept are dropped unless `require` is false.

    frozen: folder of a previous release; exactly its concepts are kept, however many images have them now, so both
    releases have the same vocabulary. vocabulary: the file that `mentions` uses.
    """

    reads = ("concepts", "concepts_auto", "concepts_manual")
    optional = ("modality", "region", "direction")
    writes = types("concepts", "concepts_auto")
    reasons = {"concepts": Reason("all its concepts are too rare")}
    scope = "table"
    version = 2

    more_than: int = 10
    frozen: Path | None = None
    require: bool = True
    vocabulary: Path | None = None

    def __post_init__(self) -> None:
        if self.more_than < 0:
            raise RecipeError(f"more_than = {self.more_than} is negative (cutoff)", "set a number of images, 0 or more")

    @property
    def contract(self) -> Contract:
        return replace(super().contract, ensures=(CONCEPTS,) if self.require else ())

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.vocabulary or SHIPPED, *content_files(self.frozen))

    @cached_property
    def _modalities(self) -> frozenset[str]:
        return frozenset(concept.cui for concept in load(self.vocabulary).concepts if concept.kind == "modality")

    def prepare(self) -> None:
        _ = self._modalities
        if self.frozen is not None:
            concepts_of(self.frozen)

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = batch.select([*self.reads, *self.optional]).to_pylist()
        frequent = self._frequent(rows)
        for name in self.writes:
            kept = []
            for row in rows:
                protected = self._protected(row)
                kept.append([cui for cui in row[name] or () if cui in frequent or cui in protected])
            batch = put(batch, name, pa.array(kept, self.writes[name]))
        if not self.require:
            return batch
        without = pa.array([not cuis for cuis in batch["concepts"].to_pylist()], pa.bool_())
        return drop(batch, without, "concepts", "no concept, or only rare ones")

    def _frequent(self, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """Returns the concepts that enough images have, or those of the frozen vocabulary."""
        if self.frozen is not None:
            return concepts_of(self.frozen)
        images = Counter(cui for row in rows for cui in set(row["concepts"] or ()))
        return frozenset(cui for cui, n in images.items() if n > self.more_than)

    def _protected(self, row: Mapping[str, Any]) -> set[str | None]:
        """Returns the concepts of an image that are kept however rare they are."""
        protected: set[str | None] = {NUCLEAR, *(row["concepts_manual"] or ())}
        for kind, terms in KINDS.items():
            term = terms.get(row[kind] or "")
            if term:
                protected.add(term.cui)
        if row["modality"] == "DRCO":
            protected |= self._modalities
        return protected

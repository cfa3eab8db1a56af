"""Removes concepts that too few images have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.guarantees import CONCEPTS
from roco.base.schema import types
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop, put
from roco.models.text.concepts import rules as concept_rules
from roco.models.text.concepts.choose import frequent, modalities, protected
from roco.models.text.terms import table as terms
from roco.release.previous import concepts_of, content_files


@dataclass(frozen=True, kw_only=True)
class Cutoff(Decision):
    """Removes automatic concepts that 10 images or fewer have.

    Source: section Caption Processing and Concept Extraction.
    However rare they are, manual concepts and those of modality, region and direction are kept, and so are
    scintigraphy, which has no modality label, and all modalities that the caption of a combined image names. Images
    left without a concept are dropped unless `require` is false.

    frozen: folder of a previous release; exactly its concepts are kept, however many images have them now, so both
    releases have the same vocabulary. more_than: images that a concept needs more of; none for the number in the rules.
    rules: the file that `merge` uses.
    """

    reads = ("concepts", "concepts_auto", "concepts_manual")
    optional = ("modality", "region", "direction")
    writes = types("concepts", "concepts_auto")
    reasons = {"concepts": Reason("all its concepts are too rare")}
    scope = "table"
    version = 3

    more_than: int | None = None
    frozen: Path | None = None
    require: bool = True
    rules: Path | None = None

    def __post_init__(self) -> None:
        if self.more_than is not None and self.more_than < 0:
            raise RecipeError(f"more_than = {self.more_than} is negative (cutoff)", "set a number of images, 0 or more")

    @property
    def contract(self) -> Contract:
        return replace(super().contract, ensures=(CONCEPTS,) if self.require else ())

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.rules or concept_rules.SHIPPED, terms.SHIPPED, *content_files(self.frozen))

    @cached_property
    def _least(self) -> int:
        of_rules = concept_rules.load(self.rules).more_than
        return of_rules if self.more_than is None else self.more_than

    def prepare(self) -> None:
        _ = self._least
        if self.frozen is not None:
            concepts_of(self.frozen)

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = batch.select([*self.reads, *self.optional]).to_pylist()
        if self.frozen is not None:
            enough = concepts_of(self.frozen)
        else:
            enough = frequent((row["concepts"] or () for row in rows), self._least)
        of_combined = modalities()
        for name in self.writes:
            kept = []
            for row in rows:
                safe = protected(row, of_combined)
                kept.append([cui for cui in row[name] or () if cui in enough or cui in safe])
            batch = put(batch, name, pa.array(kept, self.writes[name]))
        if not self.require:
            return batch
        without = pa.array([not cuis for cuis in batch["concepts"].to_pylist()], pa.bool_())
        return drop(batch, without, "concepts", "no concept, or only rare ones")

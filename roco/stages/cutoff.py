"""Takes concepts out that too few images have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.labels import KINDS, NUCLEAR
from roco.base.schema import types
from roco.core.stage import Decision, drop, put
from roco.models.text.vocabulary import SHIPPED, load
from roco.release.previous import concepts_of, seal


@dataclass(frozen=True, kw_only=True)
class Cutoff(Decision):
    """Keeps automatic concepts of more than 10 images of the corpus.

    Source: section Caption Processing and Concept Extraction.
    What people gave stays, and so do modality, region and direction, however rare; for a combined image, which has no
    one modality, all that its caption names; and scintigraphy, for which there is no label. An image that is left
    without a concept leaves, unless require is false.

    frozen: folder of an earlier release, whose concepts are kept instead, however many images they have now; so two
    releases are of one vocabulary. vocabulary: the file that `mentions` uses.
    """

    reads = ("concepts", "concepts_auto", "concepts_manual")
    optional = ("modality", "region", "direction")
    writes = types("concepts", "concepts_auto")
    reasons = ("concepts",)
    scope = "table"
    version = 2

    more_than: int = 10
    frozen: Path | None = None
    require: bool = True
    vocabulary: Path | None = None

    def __post_init__(self) -> None:
        if self.more_than < 0:
            raise RecipeError(f"cutoff: more_than = {self.more_than}", "write a number of images, 0 or more")

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.vocabulary or SHIPPED, *seal(self.frozen))

    @cached_property
    def _modalities(self) -> frozenset[str]:
        return frozenset(concept.cui for concept in load(self.vocabulary).concepts if concept.kind == "modality")

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = batch.select([*self.reads, *self.optional]).to_pylist()
        known = self._known(rows)
        for name in self.writes:
            kept = [[c for c in row[name] or () if c in known or c in self._given(row)] for row in rows]
            batch = put(batch, name, pa.array(kept, self.writes[name]))
        if not self.require:
            return batch
        none = pa.array([not c for c in batch["concepts"].to_pylist()], pa.bool_())
        return drop(batch, none, "concepts", "no concept, or only ones of too few images")

    def _known(self, rows: list[dict[str, Any]]) -> frozenset[str]:
        if self.frozen is not None:
            return concepts_of(self.frozen)
        images = Counter(cui for row in rows for cui in set(row["concepts"] or ()))
        return frozenset(cui for cui, n in images.items() if n > self.more_than)

    def _given(self, row: Mapping[str, Any]) -> set[str | None]:
        """What stays however rare: concepts that people gave, and those of modality, region and direction."""
        terms = (KINDS[kind].get(row[kind] or "") for kind in KINDS)
        several = self._modalities if row["modality"] == "DRCO" else ()
        return {*(row["concepts_manual"] or ()), *(term.cui for term in terms if term), *several, NUCLEAR}

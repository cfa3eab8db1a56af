"""Finds terms of the vocabulary in the caption."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.schema import types
from roco.core.stage import Measure, each, put
from roco.models.text.terms.matcher import Linker
from roco.models.text.terms.table import SHIPPED, load


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mentions(Measure):
    """Finds the names of UMLS concepts in the caption, with their character offsets.

    A name is not linked where the caption shows that it means something else: "controls (CT)", "X-ray diffraction".
    docs/modality.md describes the rule and its measured precision.

    vocabulary: a CSV file in the format of `roco.models.text.terms.table.load`; none for the shipped one.
    """

    needs = ("extract",)
    reads = ("caption",)
    writes = types("mentions")
    version = 3

    vocabulary: Path | None = None

    @property
    def content(self) -> tuple[Path, ...]:
        """Returns the vocabulary file, also the shipped one: if a name changes, mentions are measured again."""
        return (self.vocabulary or SHIPPED,)

    @cached_property
    def linker(self) -> Linker:
        return Linker(load(self.vocabulary))

    def prepare(self) -> None:
        _ = self.linker

    def __call__(self, batch: pa.Table) -> pa.Table:
        def link(caption: str) -> list[dict[str, Any]]:
            return [mention._asdict() for mention in self.linker.link(caption)]

        return put(batch, "mentions", each(batch["caption"], link, self.writes["mentions"]))

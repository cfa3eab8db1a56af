"""Which names of the vocabulary stand in the caption."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from roco.base.schema import types
from roco.core.stage import Measure, each, put
from roco.models.text.linker import Linker
from roco.models.text.vocabulary import SHIPPED, load


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mentions(Measure):
    """Finds the names of UMLS concepts in the caption, each with its place.

    vocabulary: a CSV file as `roco.models.text.vocabulary.load` reads it; None for the shipped one.
    """

    needs = ("extract",)
    reads = ("caption",)
    writes = types("mentions")
    vocabulary: Path | None = None

    @property
    def content(self) -> tuple[Path, ...]:
        """The vocabulary, the shipped one too: a changed name is a changed measure."""
        return (self.vocabulary or SHIPPED,)

    @cached_property
    def linker(self) -> Linker:
        return Linker(load(self.vocabulary))

    def __call__(self, batch: pa.Table) -> pa.Table:
        found = each(
            batch["caption"],
            lambda caption: [mention._asdict() for mention in self.linker.link(caption)],
            self.writes["mentions"],
        )
        return put(batch, "mentions", found)

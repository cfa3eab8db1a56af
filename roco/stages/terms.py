"""Finds the names of modalities, body regions and directions in the caption."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.schema import types
from roco.core.stage import Measure, each, put
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import SHIPPED, load


@dataclasses.dataclass(frozen=True, kw_only=True)
class Terms(Measure):
    """Finds the names of modalities, regions and directions by which `guess` and `merge` read a caption.

    A name does not count where the caption shows that it means something else: "controls (CT)", "X-ray diffraction".
    docs/modality.md describes the rule and its measured precision. The concepts of a release come from `mentions`.
    """

    needs = ("extract",)
    reads = ("caption",)
    writes = types("terms")
    version = 2

    @property
    def content(self) -> tuple[Path, ...]:
        """Returns the shipped table of names: if a name changes, captions are read again."""
        return (SHIPPED,)

    @cached_property
    def _linker(self) -> TermMatcher:
        return TermMatcher(load())

    def prepare(self) -> None:
        _ = self._linker

    def __call__(self, batch: pa.Table) -> pa.Table:
        def link(caption: str) -> list[dict[str, Any]]:
            return [mention._asdict() for mention in self._linker.link(caption)]

        return put(batch, "terms", each(batch["caption"], link, self.writes["terms"]))

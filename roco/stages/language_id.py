"""Says in which language a caption is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from roco.base.schema import types
from roco.core.stage import Measure, put, rounded
from roco.models.text.language import identify, model_file


@dataclass(frozen=True, kw_only=True)
class LanguageId(Measure):
    """Names the most probable language of each caption by fastText's lid.176 (the model family of the paper).

    An empty caption has no language. The score is the model's probability, 0 to 1.
    """

    needs = ("extract",)
    reads = ("caption",)
    writes = types("language", "language_score")

    @property
    def content(self) -> tuple[Path, ...]:
        return (model_file(),)

    def __call__(self, batch: pa.Table) -> pa.Table:
        found = [identify(caption) for caption in batch["caption"].to_pylist()]
        batch = put(batch, "language", pa.array([language for language, _ in found], pa.string()))
        return put(batch, "language_score", _scores([score for _, score in found]))


def _scores(scores: Sequence[float | None]) -> pa.Array:
    plain = rounded([0.0 if s is None else s for s in scores])
    return pa.array([None if s is None else v for s, v in zip(scores, plain.to_pylist(), strict=True)], pa.float32())

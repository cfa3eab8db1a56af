"""Identifies the language of a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.schema import types
from roco.core.stage import Measure, put, rounded
from roco.models.text.language import identify, model, model_file


@dataclass(frozen=True, kw_only=True)
class LanguageId(Measure):
    """Identifies the most probable language of each caption with fastText's lid.176, the model family of the paper.

    The score is the probability that the model gives, 0 to 1. An empty caption has neither language nor score.
    """

    needs = ("extract",)
    reads = ("caption",)
    writes = types("language", "language_score")

    @property
    def content(self) -> tuple[Path, ...]:
        return (model_file(),)

    def prepare(self) -> None:
        model()

    def __call__(self, batch: pa.Table) -> pa.Table:
        answers = [identify(caption) for caption in batch["caption"].to_pylist()]
        batch = put(batch, "language", pa.array([language for language, _ in answers], pa.string()))
        return put(batch, "language_score", _scores([score for _, score in answers]))


def _scores(scores: Sequence[float | None]) -> pa.Array:
    without_null = rounded([0.0 if score is None else score for score in scores])
    return pc.if_else(pa.array([score is not None for score in scores], pa.bool_()), without_null, None)

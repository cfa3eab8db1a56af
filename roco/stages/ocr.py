"""Reads the text in an image, where its edges look like text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.base.schema import types
from roco.core.stage import Measure, put
from roco.models.images.pixels import arrays
from roco.models.images.text_edges import VERSION, has_text_edges
from roco.models.images.text_in_image import TextReader, covered, to_value, words

OCR, GATE, FAILED = "ocr", "gate", "failed"
"""How the text of an image was looked for: OCR read it, the gate found no edges like those of text, OCR failed."""


@dataclass(frozen=True, kw_only=True)
class Ocr(Measure):
    """Reads the text in the image with RapidOCR (extra `ocr`): its lines, number of words, and share of the area.

    `text_read` states how the text was looked for: `ocr`, `gate` (no edges like those of text, so OCR was not run and
    the image counts as one without text) or `failed` (OCR raised an error; the other columns are null). The text is
    stored in the run and never enters a release.

    gate: whether OCR is run only where edges look like text, which takes 2 % of its time; docs/screening.md states what
    the gate misses.
    """

    needs = ("image",)
    reads = ("pixels",)
    writes = types("text_read", "text_share", "text_words", "text_lines")
    heavy = 1 << 30

    gate: bool = True

    @cached_property
    def _reader(self) -> TextReader:
        return TextReader()

    def fingerprint(self) -> Any:
        return {**self._reader.identity, "gate": VERSION if self.gate else None}

    def prepare(self) -> None:
        self._reader.load()

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = [{} if image is None else self._read(image) for image in arrays(batch["pixels"])]
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([row.get(name) for row in rows], kind))
        return batch

    def _read(self, image: NDArray[np.uint8]) -> dict[str, Any]:
        if self.gate and not has_text_edges(image):
            return {"text_read": GATE, "text_share": 0.0, "text_words": 0, "text_lines": to_value([])}
        try:
            lines = self._reader.read(image)
        except MemoryError:
            raise  # the engine repeats the figures one by one
        except Exception:  # OpenCV and ONNX Runtime have exceptions of their own; the image is one of many
            return {"text_read": FAILED}
        return {
            "text_read": OCR,
            "text_share": round(covered(lines), 4),
            "text_words": sum(len(words(line.text)) for line in lines),
            "text_lines": to_value(lines),
        }

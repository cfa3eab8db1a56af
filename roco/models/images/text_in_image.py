"""Reads the text in an image with RapidOCR (extra `ocr`): lines with their boxes and confidences.

The networks (PP-OCRv6, Apache-2.0) are part of the package `rapidocr`, so nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roco.base.errors import DataError, MissingExtra
from roco.base.files import file_digest
from roco.base.install import pip_line
from roco.base.json_text import parse_json
from roco.models.packaged import TEXT_DETECTION, TEXT_RECOGNITION

LONGEST_SIDE, SHORT_SIDE = 960, 480
"""Pixels: an image is reduced to the first; a smaller one is enlarged until its shorter side has the second."""

MOST_LINES = 300
"""Lines of an image that are read, at most: each takes 10 to 20 ms."""

LEAST_CONFIDENCE = 0.5

LEAST_OF_ONE, LARGEST_OF_ONE = 0.8, 0.05
"""A line of a single character is text only with this confidence, and on at most this share of the area: others are
vessels, rings, or the outline of the body.
"""

_MODELS = (TEXT_DETECTION, TEXT_RECOGNITION)
"""The networks that find and read lines. The third one of the package, for text upside down, is not used."""

_WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_][\w'’-]*\w")


class Line(NamedTuple):
    """A line of text in an image: its confidence, 0 to 1, and its box in shares of the width and height of the image.

    area: share of the area of the image; that of a slanted line is smaller than that of its box.
    """

    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float
    area: float


def words(text: str) -> list[str]:
    """Returns the words and numbers of a text; single letters, such as the side `L`, are none."""
    return _WORD.findall(text)


def to_value(lines: Sequence[Line]) -> bytes:
    """Returns lines as a value of the column `text_lines`: JSON."""
    return json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()


def from_value(value: bytes) -> list[Line]:
    """Returns the lines of a value of the column `text_lines`."""
    return [Line(*line) for line in parse_json(value)]


def covered(lines: Sequence[Line]) -> float:
    """Returns the share of the area of the image that lines cover, 0 to 1."""
    return min(1.0, sum(line.area for line in lines))


def model_files() -> tuple[Path, ...]:
    """Returns the files of the networks; rapidocr itself is not imported. Raises MissingExtra or DataError."""
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise MissingExtra("rapidocr", "ocr")
    files = tuple(Path(spec.origin).with_name("models") / model.name for model in _MODELS)
    for file in files:
        if not file.is_file():
            raise DataError(f"the installed rapidocr has no {file.name}", pip_line("ocr"))
    return files


@dataclass(frozen=True)
class TextReader:
    """Reads the text in images; the networks are loaded when the first image is read."""

    @property
    def identity(self) -> dict[str, Any]:
        """Returns what determines the lines besides the image: digests of the networks, version of rapidocr, sizes."""
        from importlib import metadata

        models = [file_digest(file) for file in model_files()]
        sizes = [LONGEST_SIDE, SHORT_SIDE, MOST_LINES, LEAST_CONFIDENCE]
        return {"models": models, "rapidocr": metadata.version("rapidocr"), "sizes": sizes}

    def read(self, image: NDArray[np.uint8]) -> list[Line]:
        """Returns the lines of an image from top to bottom; the image is grey (height x width) or RGB (… x 3)."""
        height, width = image.shape[:2]
        scale = min(LONGEST_SIDE / max(height, width), max(1.0, SHORT_SIDE / min(height, width)))
        size = (max(16, round(width * scale)), max(16, round(height * scale)))
        picture = Image.fromarray(np.ascontiguousarray(image)).convert("RGB")
        if size != picture.size:
            picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        result = self._engine(np.asarray(picture)[:, :, ::-1])  # the networks were trained on BGR
        if result.txts is None:
            return []
        found = zip(result.txts, result.scores, np.asarray(result.boxes, np.float64), strict=True)
        lines = (_line(text, score, corners / size) for text, score, corners in found)
        return [line for line in lines if _is_text(line)]

    @cached_property
    def _engine(self) -> Any:
        detection, recognition = model_files()
        for model, file in zip(_MODELS, (detection, recognition), strict=True):
            model.check(file, f"install the tested rapidocr again: {pip_line('ocr')}")
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)  # as ONNX Runtime below: every worker has a reader of its own
        return RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.min_side_len": 1,  # the image has its size already
                "Global.text_score": LEAST_CONFIDENCE,
                "Det.model_path": str(detection),
                "Det.limit_type": "max",
                "Det.limit_side_len": LONGEST_SIDE,
                "Det.max_candidates": MOST_LINES,
                "Rec.model_path": str(recognition),
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def load(self) -> None:
        """Loads the networks. Raises MissingExtra, or DataError if their files are missing or others."""
        _ = self._engine


def _is_text(line: Line) -> bool:
    if sum(map(str.isalnum, line.text)) > 1:
        return True
    return bool(line.text) and line.confidence >= LEAST_OF_ONE and line.area <= LARGEST_OF_ONE


def _line(text: str, confidence: float, corners: NDArray[np.float64]) -> Line:
    """corners: 4 x 2, in shares of width and height, in order around the line."""
    xs, ys = np.clip(corners[:, 0], 0, 1), np.clip(corners[:, 1], 0, 1)
    area = 0.5 * abs(float(xs @ np.roll(ys, -1) - ys @ np.roll(xs, -1)))
    left, top, right, bottom = (round(float(side), 4) for side in (xs.min(), ys.min(), xs.max(), ys.max()))
    return Line(text.strip(), round(float(confidence), 3), left, top, right, bottom, round(area, 6))

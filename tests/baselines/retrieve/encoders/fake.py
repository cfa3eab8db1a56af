"""Encoders without a network, for tests that must not need torch: words and pictures of the drawn dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from roco.baselines.retrieve.encoders.encoder import Stated

MEANINGS = ({"rings", "circles"}, {"stripes", "lines"}, {"speckle", "dots"})
"""Words of the same meaning have the same vector: those of captions, and others that no caption contains."""


def vector(text: str) -> NDArray[np.float32]:
    words = set(text.lower().replace(",", " ").split())
    found = np.array([bool(words & meaning) for meaning in MEANINGS] + [0.1], np.float32)
    unit: NDArray[np.float32] = found / np.linalg.norm(found)
    return unit


@dataclass(frozen=True)
class Fake:
    """Reads texts, and images by how much their rows and columns differ: rings 0, stripes 1, speckle 2."""

    path: Path
    kind: str = "sentences"
    version: str = "1"
    calls: Any = None

    width, reads_small, provider = 4, False, "CPUExecutionProvider"
    preparation = {"sha256": "fake"}

    @property
    def stated(self) -> Stated:
        return Stated(self.kind, self.path.name, self.path, 4, True, self.version, {"side": 1})

    def texts(self, texts: Sequence[str], *, queries: bool = False) -> NDArray[np.float32]:
        if self.calls is not None:
            self.calls.extend(texts)
        return np.array([vector(text) for text in texts], np.float32).reshape(-1, 4)

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        return np.array([vector(self._word(image)) for image in images], np.float16).reshape(-1, 4)

    def _word(self, image: NDArray[np.uint8]) -> str:
        grey = image.astype(float)
        if grey.mean(0).std() > 40:
            return "stripes"
        neighbours = float(np.corrcoef(grey[:, :-1].ravel(), grey[:, 1:].ravel())[0, 1]) if grey.std() else 0
        return "rings" if neighbours > 0.3 else "speckle"


def use(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Lets `roco index` and searches open folders as fakes: --encoder with a text tower, --text-encoder."""
    from roco.baselines.retrieve.encoders import sentences, towers

    monkeypatch.setattr(towers, "of_folder", lambda folder: Fake(folder, "open_clip", **options))
    monkeypatch.setattr(sentences.SentenceEncoder, "of_folder", lambda folder: Fake(folder, **options))


def folder(path: Path) -> Path:
    path.mkdir()
    (path / "open_clip_config.json").write_text("{}")
    return path

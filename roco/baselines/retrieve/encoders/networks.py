"""Networks of torch that turn prepared images into vectors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.baselines.retrieve.encoders.encoder import Stated, Vectors, readable
from roco.baselines.retrieve.encoders.preparation import Preparation

TEXTS_AT_ONCE = 64
_REDUCED = 300  # a squashed image of up to this side is read from the image reduced to 400 px


@dataclass(frozen=True)
class Opened:
    """A network that is loaded.

    images: n x 3 x size x size -> vectors. tokens: texts -> numbers. words: these numbers -> vectors.
    """

    network: Any
    images: Callable[[Any], Any]
    tokens: Callable[[Sequence[str]], Any] | None = None
    words: Callable[[Any], Any] | None = None


@contextmanager
def failures(stated: Stated) -> Iterator[None]:
    """Turns what torch and tokenizers raise for a network that does not fit its configuration into a DataError."""
    try:
        yield
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError, AssertionError, OverflowError) as err:
        what = f"{excerpt(stated.name)} cannot be run: {excerpt(str(err).partition(chr(10))[0]) or type(err).__name__}"
        raise DataError(what, f"check its files: {excerpt(stated.path)}") from err


@dataclass(frozen=True)
class NetworkEncoder:
    """A network of torch as an encoder. open: loads it; images are embedded by one thread at a time."""

    stated: Stated
    prepared: Preparation
    open: Callable[[], Opened]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def width(self) -> int:
        """Returns the numbers of a vector."""
        return self.stated.width

    @property
    def preparation(self) -> Mapping[str, Any]:
        """Returns what determines a vector besides the image."""
        return {"sha256": self.stated.sha256} | self.prepared.to_json()

    @property
    def reads_small(self) -> bool:
        """Returns whether the reduced image is enough; not where its shorter side is enlarged."""
        return self.prepared.resize == "squash" and self.prepared.size <= _REDUCED

    @property
    def provider(self) -> str:
        """Returns what runs the network, in the words of ONNX Runtime."""
        return "CUDAExecutionProvider" if self._device == "cuda" else "CPUExecutionProvider"

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """Returns one vector for each image; images are grey (height x width) or RGB (height x width x 3)."""
        import torch

        if not images:
            return np.zeros((0, self.width), np.float16)
        batch = torch.from_numpy(np.stack([self.prepared.tensor(image) for image in images]))
        with self._lock, torch.inference_mode(), failures(self.stated):
            found = self._network.images(batch.to(self._device)).float().cpu().numpy()
        vectors = self._checked(found, len(images))
        return np.clip(vectors, -65_000, 65_000).astype(np.float16)

    def texts(self, texts: Sequence[str], *, queries: bool = False) -> Vectors | None:
        """Returns a vector of length 1 for each text; None without a text tower."""
        import torch

        if not self.stated.texts:
            return None
        parts = [np.zeros((0, self.width), np.float32)]
        with self._lock, torch.inference_mode(), failures(self.stated):
            tokens, words = self._network.tokens, self._network.words
            assert tokens and words
            for start in range(0, len(texts), TEXTS_AT_ONCE):
                read = tokens(readable(texts[start : start + TEXTS_AT_ONCE]))
                parts.append(words(read.to(self._device)).float().cpu().numpy())
        return self._checked(np.concatenate(parts), len(texts))

    def _checked(self, found: NDArray[np.float32], n: int) -> Vectors:
        where = self.stated.path
        if found.shape != (n, self.width):
            raise DataError(f"{where} returns {found.shape}, not {(n, self.width)}", "check its configuration")
        if not np.isfinite(found).all():
            raise DataError(f"{where} returns numbers that are not finite", "check its weights")
        return found

    @cached_property
    def _device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def _network(self) -> Opened:
        opened = self.open()
        opened.network.to(self._device)
        return opened

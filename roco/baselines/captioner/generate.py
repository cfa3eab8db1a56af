"""Generates the captions of images in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import torch

from roco.baselines.captioner.model import Captioner
from roco.baselines.captioner.pixels import Preparation
from roco.baselines.captioner.pretrained import quiet
from roco.baselines.captioner.tokens import Tokens
from roco.baselines.training.learner import Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.images import Images


class Generated(NamedTuple):
    """A caption, and whether the model ended it by itself."""

    caption: str
    ended: bool


@dataclass(frozen=True)
class Writer:
    """Writes captions with a model, as its generation configuration determines.

    batch: images at once; no caption depends on the others of its batch. workers: threads that decode images.
    """

    model: Captioner
    tokens: Tokens
    preparation: Preparation
    batch: int
    workers: int
    device: torch.device
    cache: Cache | None = None

    def captions(self, images: Images, positions: Sequence[int]) -> Iterator[Generated | Unreadable]:
        """Yields the caption of each image, in their order, or why it cannot be read."""

        def load(position: int) -> torch.Tensor | Unreadable:
            return self.preparation.image(images, position, self.cache)

        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            for start in range(0, len(positions), self.batch):
                loaded = list(pool.map(load, positions[start : start + self.batch]))
                readable = [image for image in loaded if isinstance(image, torch.Tensor)]
                written = iter(self.write(torch.stack(readable)) if readable else ())
                for image in loaded:
                    yield next(written) if isinstance(image, torch.Tensor) else image

    def write(self, images: torch.Tensor) -> list[Generated]:
        """Returns the captions of 8-bit images (images, 3, side, side)."""
        with torch.no_grad(), quiet():
            pixels = self.model.normalized(images.to(self.device))
            generated = self.model.network.generate(pixel_values=pixels)
        # The first token of each caption is the start token.
        return [Generated(*self.tokens.decode(ids)) for ids in generated[:, 1:].tolist()]

"""The pairs that the loop trains on: a randomly cropped image and the tokens of its caption."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from roco.baselines.contrastive.options import ClipOptions
from roco.baselines.training.learner import Batch, Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.images import Images, load
from roco.baselines.vision.transform import Loading, Pixels, center, three_channels

_LOG_RATIO = math.log(4 / 3)  # width to height of a random crop is 3:4 to 4:3
_TRIES = 10


class PairItems:
    """Images with the tokens of their captions (images x length). side: pixels."""

    def __init__(
        self, images: Images, tokens: NDArray[np.int32], side: int, options: ClipOptions, cache: Cache | None = None
    ) -> None:
        self._images, self._tokens = images, tokens
        self._side, self._seed, self._crop = side, options.seed, options.crop
        # Large enough for the smallest crop, so that no pixels are invented.
        self._loading = Loading(math.ceil(side / math.sqrt(options.crop)), options.resize)
        self._cache = cache

    def __len__(self) -> int:
        return len(self._tokens)

    def item(self, epoch: int, position: int) -> dict[str, torch.Tensor] | Unreadable:
        """Returns an image, 8 bits, 3 x side x side, and its tokens; drawn by seed, epoch and position."""
        pixels = load(self._images, position, self._loading, self._cache)
        if isinstance(pixels, Unreadable):
            return pixels
        rng = np.random.default_rng([self._seed, epoch, position])
        image = as_tensor(cropped(pixels, self._side, self._crop, rng))
        return {"image": image, "text": torch.from_numpy(self._tokens[position]).long()}

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> Batch:
        """Returns a batch; images first."""
        return {name: torch.stack([item[name] for item in items]) for name in ("image", "text")}


def as_tensor(pixels: Pixels) -> torch.Tensor:
    """Returns pixels as an 8-bit tensor of 3 x height x width, a copy."""
    return torch.from_numpy(three_channels(pixels).transpose(2, 0, 1).copy())


def cropped(pixels: Pixels, side: int, least: float, rng: np.random.Generator) -> Pixels:
    """Returns a random part of an image as a square, as RandomResizedCrop of torchvision draws it.

    least: the smallest share of the area. With 1, the middle of the image. Images are never flipped: captions name left
    and right.
    """
    height, width = pixels.shape[:2]
    if least == 1:
        return center(pixels, side)
    for _ in range(_TRIES):
        area = height * width * rng.uniform(least, 1)
        ratio = math.exp(rng.uniform(-_LOG_RATIO, _LOG_RATIO))
        wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < wide <= width and 0 < high <= height:
            left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
            box = (left, top, left + wide, top + high)
            return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC, box=box))
    short = min(height, width)
    return np.asarray(Image.fromarray(center(pixels, short)).resize((side, side), Image.Resampling.BICUBIC))

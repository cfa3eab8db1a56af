"""From the bytes of an image to the pixels that a network reads, in 8 bits; normalisation is part of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roco.baselines.vision.options import ConceptOptions, Resize
from roco.models.images.decode import decode_reduced

Pixels = NDArray[np.uint8]
"""8-bit samples: height x width of a grey image, height x width x 3 of others."""

MOST_RATIO = 4
"""Long side to short side, at most; of a longer image the middle is loaded."""


@dataclass(frozen=True)
class Loading:
    """How an image is loaded. side: pixels. resize: squash gives side x side; short-side keeps the shape."""

    side: int
    resize: Resize

    def load(self, data: bytes) -> Pixels:
        """Decodes and resizes an image; raises RejectedInput if it cannot be decoded completely."""
        image = decode_reduced(data, self.side).image
        if self.resize == "short-side":
            image = _without_ends(image)
        return np.asarray(image.resize(self._size(image), Image.Resampling.BILINEAR, reducing_gap=2.0))

    def _size(self, image: Image.Image) -> tuple[int, int]:
        if self.resize == "squash":
            return self.side, self.side
        scale = self.side / min(image.size)
        return max(self.side, round(image.width * scale)), max(self.side, round(image.height * scale))


def _without_ends(image: Image.Image) -> Image.Image:
    most = MOST_RATIO * min(image.size)
    if max(image.size) <= most:
        return image
    width, height = min(image.width, most), min(image.height, most)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


@dataclass(frozen=True)
class Augment:
    """Flips and crops at random. side: pixels of the crop."""

    side: int
    flip_horizontal: bool
    flip_vertical: bool

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Returns a view of the pixels; a generator in the same state gives the same view.

        All is drawn whether it is used or not: a switch changes nothing but itself.
        """
        flips = rng.random(2) < 0.5
        places = rng.random(2)
        if self.flip_horizontal and flips[0]:
            pixels = pixels[:, ::-1]
        if self.flip_vertical and flips[1]:
            pixels = pixels[::-1]
        top = int(places[0] * (pixels.shape[0] - self.side + 1))
        left = int(places[1] * (pixels.shape[1] - self.side + 1))
        return pixels[top : top + self.side, left : left + self.side]


def center(pixels: Pixels, side: int) -> Pixels:
    """Returns the middle square of an image; side: pixels."""
    top, left = (round((length - side) / 2) for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def three_channels(pixels: Pixels) -> Pixels:
    """Returns the pixels as a contiguous array of height x width x 3."""
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(pixels)


@dataclass(frozen=True)
class Preparation:
    """How images are prepared for training and for prediction, as a model folder records it."""

    image_size: int
    load_size: int
    resize: Resize
    view: str

    @classmethod
    def of(cls, options: ConceptOptions) -> Preparation:
        """Returns the preparation that options ask for."""
        return cls(options.image_size, options.load_size, options.resize, options.view)

    @property
    def training(self) -> Loading:
        """Returns how training images are loaded."""
        return Loading(self.load_size, self.resize)

    @property
    def prediction(self) -> Loading:
        """Returns how images of validation and test are loaded."""
        return Loading(self.image_size, "squash") if self.view == "whole" else self.training

    def predicted(self, pixels: Pixels) -> Pixels:
        """Returns what the network reads of an image that was loaded for prediction."""
        return three_channels(center(pixels, self.image_size))

    def to_json(self) -> dict[str, Any]:
        """Returns the entries of model.json."""
        return {"image_size": self.image_size, "load_size": self.load_size, "resize": self.resize, "view": self.view}

"""How an image becomes what a network reads: its size, its place in the square, its normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roco.base.errors import DataError, nearest
from roco.base.terminal import excerpt
from roco.baselines.encoders import grey_levels

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the images of CLIP, which open_clip takes where a configuration states none."""

SIZES = range(8, 2049)
RESIZES = ("shortest", "squash")
INTERPOLATIONS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_MOST_RATIO = 4  # long side to short side; of a longer image the middle is read

_FIX = "correct preprocess_cfg in open_clip_config.json"


@dataclass(frozen=True)
class Preparation:
    """How images are prepared. size: pixels a side. mean, std: of the channels, in grey levels.

    resize: squash gives a square; shortest keeps the shape, and the middle is read.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: str = "squash"
    interpolation: str = "bilinear"

    @classmethod
    def of_open_clip(cls, vision: Mapping[str, Any], images: Mapping[str, Any], where: str) -> Preparation:
        """Returns the preparation that a configuration of open_clip states, with the defaults of open_clip.

        vision: its vision_cfg; images: its preprocess_cfg. Raises DataError for values that are invalid or unknown.
        """
        resize = images.get("resize_mode") or "shortest"
        interpolation = images.get("interpolation") or "bicubic"
        for name, value, known in (("resize_mode", resize, RESIZES), ("interpolation", interpolation, INTERPOLATIONS)):
            if value not in known:
                raise DataError(f"unknown {name} '{excerpt(value)}' ({where})", nearest(str(value), known))
        size = _side(vision.get("image_size", 224), where)
        mean = _channels(images.get("mean") or _MEAN, "mean", where)
        std = _channels(images.get("std") or _STD, "std", where)
        if min(std) <= 0:
            raise DataError(f"std is not above 0 ({where})", _FIX)
        return cls(size, grey_levels(mean), grey_levels(std), resize, interpolation)

    def to_json(self) -> dict[str, Any]:
        """Returns the preparation as plain values."""
        values = {"size": self.size, "mean": list(self.mean), "std": list(self.std)}
        return values | {"resize": self.resize, "interpolation": self.interpolation}

    def tensor(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns a grey or RGB image as a network reads it: 3 x size x size."""
        image = Image.fromarray(np.ascontiguousarray(pixels))
        how = INTERPOLATIONS[self.interpolation]
        if self.resize == "squash":
            square = image.resize((self.size, self.size), how)
        else:
            square = self._middle(_without_ends(image), how)
        values = np.asarray(square.convert("RGB"), np.float32).transpose(2, 0, 1)
        mean, std = (np.array(numbers, np.float32).reshape(3, 1, 1) for numbers in (self.mean, self.std))
        normalised: NDArray[np.float32] = (values - mean) / std
        return normalised

    def _middle(self, image: Image.Image, how: Image.Resampling) -> Image.Image:
        """Returns the middle square after the shorter side is resized; rounded as torchvision does."""
        short = min(image.size)
        width, height = (int(self.size * side / short) for side in image.size)
        resized = image.resize((width, height), how)
        left, top = round((width - self.size) / 2), round((height - self.size) / 2)
        return resized.crop((left, top, left + self.size, top + self.size))


def _without_ends(image: Image.Image) -> Image.Image:
    """Returns the middle of a very long image, which would become huge when its shorter side is enlarged."""
    most = _MOST_RATIO * min(image.size)
    width, height = min(image.width, most), min(image.height, most)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _side(size: Any, where: str) -> int:
    sides = list(size) if isinstance(size, list | tuple) else [size, size]
    is_square = len(sides) == 2 and sides[0] == sides[1] and isinstance(sides[0], int) and sides[0] in SIZES
    if not is_square:
        what = f"images of {excerpt(size)} px ({where})"
        raise DataError(what, f"choose a network of square images, of {SIZES.start} to {SIZES.stop - 1} px")
    return int(sides[0])


def _channels(values: Any, name: str, where: str) -> tuple[float, ...]:
    numbers = list(values) if isinstance(values, list | tuple) else [values] * 3
    right = len(numbers) == 3 and all(isinstance(one, int | float) and abs(one) < 1e6 for one in numbers)
    if not right:
        raise DataError(f"{name} is not three numbers ({where})", _FIX)
    return tuple(float(one) for one in numbers)

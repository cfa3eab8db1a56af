"""What the encoder sees of an image: its size, how it becomes a square, and its normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from roco.base.errors import DataError
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.training.learner import Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.images import Images, load
from roco.baselines.vision.options import Resize
from roco.baselines.vision.transform import Loading, center, three_channels

PROCESSOR = "preprocessor_config.json"
Channels = tuple[float, float, float]
HALF: Channels = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Preparation:
    """How images are prepared. size: the side in pixels. mean, std: of each channel, from 0 to 1."""

    size: int
    resize: Resize
    mean: Channels = HALF
    std: Channels = HALF

    @property
    def loading(self) -> Loading:
        """Returns how images are loaded."""
        return Loading(self.size, self.resize)

    def image(self, images: Images, position: int, cache: Cache | None = None) -> torch.Tensor | Unreadable:
        """Returns an image as 8-bit samples (3, size, size), or why it cannot be read."""
        pixels = load(images, position, self.loading, cache)
        if isinstance(pixels, Unreadable):
            return pixels
        # Copied: the array of an image may be read-only, which torch warns of.
        return torch.from_numpy(three_channels(center(pixels, self.size)).transpose(2, 0, 1).copy())

    def to_json(self) -> dict[str, Any]:
        """Returns the entry of model.json."""
        return asdict(self)

    @classmethod
    def of_json(cls, entry: Mapping[str, Any], where: Path) -> Preparation:
        """Returns the preparation of a model folder; raises DataError if it is incomplete."""
        try:
            return cls(int(entry["size"]), entry["resize"], _three(entry["mean"]), _three(entry["std"]))
        except (KeyError, TypeError, ValueError) as err:
            raise DataError(f"{where} does not describe the images", "train the model again") from err


def preparation_of(encoder: Path | None, size: int, resize: Resize) -> Preparation:
    """Returns the preparation for an encoder: with mean and deviation of its processor, or 0.5 if it has none."""
    if encoder is None or not (encoder / PROCESSOR).is_file():
        return Preparation(size, resize)
    path = encoder / PROCESSOR
    try:
        entry = parse_json(read_text(path))
        mean, std = _three(entry.get("image_mean", HALF)), _three(entry.get("image_std", HALF))
    except (*UNREADABLE, ValueError, TypeError, AttributeError) as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "restore it, or remove it") from err
    if min(std) <= 0:
        raise DataError(f"{path} has a deviation of 0", "restore it, or remove it")
    return Preparation(size, resize, mean, std)


def _three(values: Any) -> Channels:
    """Returns a number for each channel; raises ValueError for more or fewer."""
    red, green, blue = map(float, values)
    return red, green, blue

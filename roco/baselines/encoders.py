"""An image encoder, ready to be exported, and how its images are prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roco.base.errors import UsageError

GREY_LEVELS = 255


@dataclass(frozen=True)
class Encoder:
    """A network from images to embeddings. Torch is needed to make one.

    network: n x 3 x size x size -> n x width, in evaluation mode on the CPU. mean, std: of the channels, in grey levels
    (0 to 255). license, source: of its weights; "" if unknown.
    """

    network: Any
    name: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    license: str = ""
    source: str = ""


def grey_levels(values: Sequence[float]) -> tuple[float, ...]:
    """Returns numbers of three channels, given for pixels from 0 to 1, in grey levels."""
    return tuple(float(value) * GREY_LEVELS for value in values)


def side(size: Any, name: str) -> int:
    """Returns the side of square images; raises UsageError for others, which a card cannot describe."""
    height, width = size if isinstance(size, list | tuple) else (size, size)
    if height != width:
        raise UsageError(f"{name} reads images of {width} x {height} px", "choose a network of square images")
    return int(height)

"""The options of `roco train clip`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from roco.base.errors import UsageError
from roco.baselines.training.options import LoopOptions


@dataclass(frozen=True, kw_only=True)
class ClipOptions(LoopOptions):
    """What `roco train clip` trains.

    The negatives of a pair are the other pairs of its batch, of all processes; with accumulate, those of its backward
    pass only. architecture: a network of open_clip by name, roco-tiny, or a JSON file of its configuration. weights: a
    safetensors file of the whole network to start from; "" starts from random ones. towers: pretrained starts a text
    network of transformers, and with --download an image network of timm, from their own weights. temperature: at the
    start; 0 is that of the weights, 0.07 of random ones. resize: squash gives a square; short-side keeps the shape, and
    the middle is read. crop: the smallest share of the area that a random crop of a training image keeps; 1 crops none.
    pool: validation images that are ranked after each epoch; 0 ranks all.
    """

    architecture: str = "ViT-B-32"
    weights: str = ""
    towers: Literal["scratch", "pretrained"] = "scratch"
    temperature: float = 0.0
    resize: Literal["squash", "short-side"] = "squash"
    crop: float = 0.9
    pool: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least, most in (("temperature", 0.0, 10.0), ("crop", 0.05, 1.0), ("pool", 0, 1_000_000)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} = {getattr(self, name)}", f"write a number from {least:g} to {most:g}")
        if 0 < self.temperature < 0.01:
            raise UsageError(f"temperature = {self.temperature}", "write at least 0.01, which open_clip limits it to")
        if self.batch < 2:
            raise UsageError(f"batch = {self.batch}", "write at least 2: a pair without others teaches nothing")

"""Stages of the tests: a measured score, and a filter that reads it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from roco import Decision, Measure, Reason, drop, put
from roco.core.stage import rounded
from roco.models.images.pixels import arrays


@dataclass(frozen=True, kw_only=True)
class Brightness(Measure):
    """Measures the mean brightness of an image, 0 to `white`."""

    needs = ("image",)
    reads = ("pixels",)
    writes = {"brightness_score": pa.float32(), "profile": pa.list_(pa.float32())}
    white: float = 1.0

    def __call__(self, batch: pa.Table) -> pa.Table:
        images = arrays(batch["pixels"])
        batch = put(batch, "profile", pa.array([[0.5] * 9] * len(batch), pa.list_(pa.float32())))
        return put(batch, "brightness_score", rounded([image.mean() / 255 * self.white for image in images]))


@dataclass(frozen=True, kw_only=True)
class Dark(Decision):
    """Drops images whose brightness is less than `at_least`, or white ones."""

    needs = ("image", "brightness")
    reads = ("file", "width", "profile", "brightness_score", "caption")
    reasons = {"dark": Reason("the image is dark"), "white": Reason("the image is white")}
    at_least: float = 0.3

    def __call__(self, batch: pa.Table) -> pa.Table:
        score = batch["brightness_score"]
        batch = drop(batch, pc.less(score, self.at_least), "dark", "=too dark")
        return drop(batch, pc.greater(score, 0.93), "white", "<b>white</b>")

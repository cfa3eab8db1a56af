"""Embeds an image with a network: the numbers from which heads compute their scores."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.schema import types
from roco.core.contract import Contract
from roco.core.stage import Measure, put
from roco.models.images.backbone import Backbone
from roco.models.images.pixels import arrays

BATCH, BATCH_OF_CPU = 16, 4
"""Images that the network reads together; on a CPU, more do not fit into the caches and take a few per cent longer."""

_SMALL_ENOUGH = 300
"""Backbones of up to this size read the reduced image, larger ones the full one; pixels a side."""


@dataclass(frozen=True, kw_only=True)
class Embed(Measure):
    """Embeds the image with a backbone: EfficientNet-Lite0 with ImageNet weights, or an ONNX file with a card.

    The values are stored once; a refitted head or a changed threshold never decodes an image. The digest of the file
    and the preparation of its images are part of the measure, so that values of two backbones are never mixed.
    """

    needs = ("image",)
    reads = ("small",)
    writes = types("embedding")
    gpu = True

    backbone: Path | None = None

    @property
    def contract(self) -> Contract:
        contract = super().contract
        if self._backbone_size() <= _SMALL_ENOUGH:
            return contract
        return dataclasses.replace(contract, reads=("pixels",))

    def _backbone_size(self) -> int:
        return 0 if self.backbone is None else self._backbone.size

    @cached_property
    def _backbone(self) -> Backbone:
        return Backbone.load(self.backbone)

    @property
    def content(self) -> tuple[Path, ...]:
        return ()

    def fingerprint(self) -> Any:
        return self._backbone.preparation

    def prepare(self) -> None:
        _ = self._backbone.provider

    def __call__(self, batch: pa.Table) -> pa.Table:
        column = "small" if "small" in batch.column_names else "pixels"
        rows: list[bytes | None] = [None] * len(batch)
        images = [(row, image) for row, image in enumerate(arrays(batch[column])) if image is not None]
        size = BATCH_OF_CPU if self._backbone.provider == "CPUExecutionProvider" else BATCH
        for start in range(0, len(images), size):
            some = images[start : start + size]
            for (row, _), values in zip(some, self._backbone.embed([image for _, image in some]), strict=True):
                rows[row] = values.astype("<f2").tobytes()
        return put(batch, "embedding", pa.array(rows, pa.binary()))

"""Measures panels, edges, tone and colour of an image: a few numbers that need no network."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from roco.base.schema import types
from roco.core.stage import Measure, put
from roco.models.images.layout import layout
from roco.models.images.pixels import arrays


@dataclass(frozen=True, kw_only=True)
class Layout(Measure):
    """Measures how the image is divided into panels, its edges, tone and colour, in about 3 ms.

    The names of the numbers, in their order: `roco.models.images.layout.NAMES`.
    """

    needs = ("image",)
    reads = ("small",)
    writes = types("layout", "n_rows", "n_columns")

    def __call__(self, batch: pa.Table) -> pa.Table:
        found = [None if image is None else layout(image) for image in arrays(batch["small"])]
        columns = {
            "layout": [None if one is None else one.values for one in found],
            "n_rows": [None if one is None else one.rows for one in found],
            "n_columns": [None if one is None else one.columns for one in found],
        }
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array(columns[name], kind))
        return batch

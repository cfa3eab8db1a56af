"""Decoded images as values of a column, which `image` lends to other pixel measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def to_value(image: NDArray[np.uint8]) -> dict[str, Any]:
    """Returns an image of height x width or height x width x channels as a value of the column `pixels`."""
    height, width = image.shape[:2]
    channels = 1 if image.ndim == 2 else image.shape[2]
    return {"height": height, "width": width, "channels": channels, "samples": np.ascontiguousarray(image).tobytes()}


def arrays(column: pa.ChunkedArray | pa.Array) -> Iterator[NDArray[np.uint8] | None]:
    """Yields each image of a column `pixels` without copying it; None for a figure without one.

    Grey images have the shape height x width, others height x width x channels.
    """
    for value in column:
        if not value.is_valid:
            yield None
            continue
        samples = np.frombuffer(value["samples"].as_buffer(), np.uint8)
        height, width, channels = (value[name].as_py() for name in ("height", "width", "channels"))
        yield samples.reshape((height, width) if channels == 1 else (height, width, channels))

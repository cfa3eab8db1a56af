"""A fixed random sample of the images of a dataset, decoded: for what no column has, such as intensities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.evaluate.report.content import NotAvailable
from roco.release.read import Release

SAMPLE = 300
"""Images of the sample: decoding them takes a few seconds, whatever the size of the dataset."""
BINS = 128


class DecodedImage(NamedTuple):
    """A decoded image. place: its row in the columns. intensities: share of its samples in each of BINS bins."""

    id: str
    place: int
    format: str
    mode: str
    width: int
    height: int
    n_bytes: int
    intensities: NDArray[np.float64]


class Decoded(NamedTuple):
    """The images of the sample; failed: images that could not be decoded; of: images with a file."""

    images: tuple[DecodedImage, ...]
    failed: int
    of: int

    @property
    def note(self) -> str:
        """Returns a sentence that states how many images were decoded."""
        failed = f"; {self.failed:,} more could not be decoded" if self.failed else ""
        return f"Computed on a fixed random sample: {len(self.images):,} of {self.of:,} images were decoded{failed}."


def decoded(release: Release, drawn: Mapping[int, str], of: int) -> Decoded:
    """Decodes the drawn images; drawn: row -> id. Raises NotAvailable if none of them can be decoded."""
    images = []
    for place, id in drawn.items():
        one = _image(release, id, place)
        if one is not None:
            images.append(one)
    if not images:
        raise NotAvailable("the dataset has no image files that can be decoded")
    return Decoded(tuple(images), len(drawn) - len(images), of)


def _image(release: Release, id: str, place: int) -> DecodedImage | None:
    """Returns one image, None if it cannot be decoded: `roco verify` reports such images."""
    from roco.models.images.decode import decode

    try:
        data = release.image(id)
        image = decode(data)
    except DataError:
        return None
    samples = image.pixels
    counts = np.bincount((samples >> 1).ravel(), minlength=BINS)  # 256 values in 128 bins
    intensities = counts / samples.size
    return DecodedImage(id, place, image.format, image.mode, image.width, image.height, len(data), intensities)

"""A fixed random sample of the images of a dataset, decoded: for what no column has, such as intensities."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import RejectedInput, RocoError
from roco.evaluate.report.content import NotAvailable
from roco.release.read import Release

SIZE = 300
"""Images of the sample: decoding them takes a few seconds, whatever the size of the dataset."""
BINS = 128


class Sampled(NamedTuple):
    """A decoded image. place: its row in the columns. intensities: share of its samples in each of BINS bins."""

    id: str
    place: int
    format: str
    mode: str
    width: int
    height: int
    n_bytes: int
    intensities: NDArray[np.float64]


class Sample(NamedTuple):
    """The images of the sample; failed: images that could not be decoded; of: images with a file."""

    images: tuple[Sampled, ...]
    failed: int
    of: int

    @property
    def note(self) -> str:
        """Returns a sentence that states how many images were decoded."""
        failed = f"; {self.failed:,} more could not be decoded" if self.failed else ""
        return f"Computed on a fixed random sample: {len(self.images):,} of {self.of:,} images were decoded{failed}."


def draw(release: Release, ids: Sequence[str], size: int = SIZE) -> Sample:
    """Decodes a sample of the images that have a file; raises NotAvailable if no image can be decoded.

    The sample depends on the ids alone: those with the smallest hashes are drawn.
    """
    files = release.image_index.files
    places = [place for place, id in enumerate(ids) if id in files]
    drawn = sorted(places, key=lambda place: hashlib.blake2b(ids[place].encode(), digest_size=8).digest())[:size]
    images = []
    for place in sorted(drawn):
        one = _decoded(release, ids[place], place)
        if one is not None:
            images.append(one)
    if not images:
        raise NotAvailable("the dataset has no image files that can be decoded")
    return Sample(tuple(images), len(drawn) - len(images), len(places))


def _decoded(release: Release, id: str, place: int) -> Sampled | None:
    """Returns one image, None if it cannot be decoded: `roco verify` reports such images."""
    from roco.models.images.decode import decode

    try:
        data = release.image(id)
        decoded = decode(data)
    except (RocoError, RejectedInput):
        return None
    samples = decoded.pixels
    counts = np.bincount((samples >> 1).ravel(), minlength=BINS)  # 256 values in 128 bins
    intensities = counts / samples.size
    return Sampled(id, place, decoded.format, decoded.mode, decoded.width, decoded.height, len(data), intensities)

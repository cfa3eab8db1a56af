"""The image-caption pairs of a dataset for training, and the pool that is ranked for validation."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines.scores import articles_of
from roco.baselines.training.data import DataFacts, with_images
from roco.baselines.vision.images import Images, ReleaseImages
from roco.release.load.dataset import Dataset, load


@dataclass(frozen=True)
class Pool:
    """Rows that are ranked against each other.

    images: of the rows that have one. rows: of each of these images, its row. captions, articles: of every row.
    """

    ids: Sequence[str]
    images: Images
    rows: NDArray[np.int64]
    captions: Sequence[str]
    articles: NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """What is trained on. without_caption: training images that were left out because their caption is empty."""

    images: Images
    captions: Sequence[str]
    pool: Pool | None
    facts: DataFacts
    without_caption: int


def open_pairs(path: Path, final: bool, pool: int) -> Pairs:
    """Returns the pairs of train, and of valid the pool; raises DataError for a dataset without captions or images.

    final: trains on valid as well, and ranks nothing. pool: images of valid, chosen by the hash of their ids, as
    `roco evaluate retrieval --pool` does; 0 takes all.
    """
    data = load(path)
    if "caption" not in data.columns:
        raise DataError(f"{path} has no captions", "give a release with captions")
    facts = dataclasses.replace(DataFacts.of(data), unknown_concepts={})  # concepts are not trained on
    train = with_images(data.filter(split=["train", "valid"] if final else "train"))
    captions = captions_of(train)
    positions = [position for position, caption in enumerate(captions) if caption]
    if len(positions) < 2:
        raise DataError(f"{path} has fewer than two pairs of image and caption in train", "give a release with more")
    valid = data.filter(split="valid")
    return Pairs(
        images=ReleaseImages(train[positions]),
        captions=[captions[position] for position in positions],
        pool=None if final or len(valid) < 2 else pool_of(_chosen(valid, pool)),
        facts=facts,
        without_caption=len(captions) - len(positions),
    )


def captions_of(data: Dataset) -> list[str]:
    """Returns the captions of rows; "" for a row without one."""
    return [str(caption or "").strip() for caption in data.column("caption").to_pylist()]


def pool_of(data: Dataset) -> Pool:
    """Returns rows as a pool, with or without images."""
    files = data.figures.image_files()
    ids = data.column("id").to_pylist()
    rows = np.array([row for row, id in enumerate(ids) if id in files], np.int64)
    return Pool(ids, ReleaseImages(data[rows.tolist()]), rows, captions_of(data), articles_of(data))


def _chosen(valid: Dataset, size: int) -> Dataset:
    if not 0 < size < len(valid):
        return valid
    ids = valid.column("id").to_pylist()
    first = set(sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())[:size])
    return valid[[row for row, id in enumerate(ids) if id in first]]

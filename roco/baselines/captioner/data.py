"""The captions of a dataset for training and validation, and what is wrong with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roco.base.errors import DataError
from roco.baselines.captioner.learner import Validation
from roco.baselines.training.data import DataFacts, with_images
from roco.baselines.vision.images import Images, ReleaseImages
from roco.release.load.dataset import Dataset, load


@dataclass(frozen=True)
class CaptionData:
    """Images with captions. without_caption: training images that were left out because their caption is empty."""

    images: Images
    captions: Sequence[str]
    validation: Validation | None
    facts: DataFacts
    without_caption: int


def open_captions(path: Path, final: bool, score_images: int) -> CaptionData:
    """Returns the captions of train, and of valid for the score; raises DataError if train has none.

    final: trains on valid as well, and scores nothing. score_images: of valid, evenly spaced; 0 takes all.
    """
    data = load(path)
    if "caption" not in data.columns:
        raise DataError(f"{path} has no captions", "give a release with captions")
    facts = dataclasses.replace(DataFacts.of(data), unknown_concepts={})  # a captioner predicts no concepts
    train = with_images(data.filter(split=["train", "valid"] if final else "train"))
    captions = [str(caption or "").strip() for caption in train.column("caption").to_pylist()]
    positions = [position for position, caption in enumerate(captions) if caption]
    if not positions:
        raise DataError(f"{path} has no captions in train", "give a release with captions")
    return CaptionData(
        images=ReleaseImages(train[positions]),
        captions=[captions[position] for position in positions],
        validation=None if final else _validation(data.filter(split="valid"), score_images),
        facts=facts,
        without_caption=len(captions) - len(positions),
    )


def images_of(data: Dataset) -> tuple[Images, list[int | None]]:
    """Returns the images of rows, and for each row its position among them; None for a row without an image."""
    files = data.figures.image_files()
    kept = [row for row, id in enumerate(data.column("id").to_pylist()) if id in files]
    positions: list[int | None] = [None] * len(data)
    for position, row in enumerate(kept):
        positions[row] = position
    return ReleaseImages(data[kept]), positions


def _validation(data: Dataset, most: int) -> Validation | None:
    """Returns the validation images that are scored; None without any. Rows without a caption have no score."""
    captions = [str(caption or "").strip() for caption in data.column("caption").to_pylist()]
    captioned = [row for row, caption in enumerate(captions) if caption]
    if not captioned:
        return None
    if 0 < most < len(captioned):
        spaced = np.linspace(0, len(captioned) - 1, most).round().astype(int)
        captioned = [captioned[place] for place in spaced]
    images, positions = images_of(data[captioned])
    return Validation(images, positions, [captions[row] for row in captioned])

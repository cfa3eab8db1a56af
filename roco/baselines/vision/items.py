"""What the loop trains a network on, and the batches of images that it predicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset as MapDataset

from roco.baselines.training.learner import Batch, Unreadable
from roco.baselines.training.loading import batches
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.data import CONCEPTS, Labelled
from roco.baselines.vision.images import Images, load
from roco.baselines.vision.options import ConceptOptions
from roco.baselines.vision.transform import Augment, Preparation, three_channels

HAS_CONCEPTS = "has_concepts"
"""1 for an image whose concepts are known, 0 for one that has labels of other tasks only."""


class TrainingItems:
    """Images, loaded, flipped and cropped, with the labels of each task.

    image: 8 bits, height x width x 3; in a batch images x 3 x height x width, channels last in memory. Of a task the
    class, -1 without a label; of concepts a multi-hot vector in 8 bits.
    """

    def __init__(self, labelled: Labelled, options: ConceptOptions, cache: Cache | None = None) -> None:
        self._labelled = labelled
        self._seed = options.seed
        self._loading = Preparation.of(options).training
        self._augment = Augment(options.image_size, options.flip_horizontal, options.flip_vertical)
        self._cache = cache

    def __len__(self) -> int:
        return len(self._labelled)

    def item(self, epoch: int, position: int) -> dict[str, torch.Tensor] | Unreadable:
        """Returns an image with its labels; drawn by seed, epoch and position."""
        pixels = load(self._labelled.images, position, self._loading, self._cache)
        if isinstance(pixels, Unreadable):
            return pixels
        rng = np.random.default_rng([self._seed, epoch, position])
        image = torch.from_numpy(three_channels(self._augment(pixels, rng)))
        return {"image": image, **self._labels(position)}

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> Batch:
        """Returns a batch; images first."""
        return collate(items)

    def _labels(self, position: int) -> dict[str, torch.Tensor]:
        labels = {task: torch.tensor(classes[position]) for task, classes in self._labelled.classes.items()}
        if self._labelled.concepts is not None:
            flags = self._labelled.concept_flags(position).astype(np.uint8)
            labels[CONCEPTS] = torch.from_numpy(flags)
            labels[HAS_CONCEPTS] = torch.tensor(float(position < self._labelled.n_with_concepts))
        return labels


def collate(items: Sequence[dict[str, torch.Tensor]]) -> Batch:
    """Returns a batch of items; images are channels last in memory, which convolutions on most devices prefer."""
    batch = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    batch["image"] = batch["image"].permute(0, 3, 1, 2)
    return batch


class PredictionItems(MapDataset):  # type: ignore[misc]
    """Images as they are prepared for validation and prediction; an image that cannot be read has no pixels."""

    def __init__(self, images: Images, preparation: Preparation, cache: Cache | None = None) -> None:
        self._images = images
        self._preparation = preparation
        self._cache = cache

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, position: int) -> tuple[int, torch.Tensor | Unreadable]:
        pixels = load(self._images, position, self._preparation.prediction, self._cache)
        if isinstance(pixels, Unreadable):
            return position, pixels
        return position, torch.from_numpy(self._preparation.predicted(pixels))


class PredictionBatch:
    """Images with their positions, and what could not be read."""

    def __init__(self, found: Sequence[tuple[int, torch.Tensor | Unreadable]]) -> None:
        readable = [(position, image) for position, image in found if not isinstance(image, Unreadable)]
        self.unreadable = [image for _, image in found if isinstance(image, Unreadable)]
        self.positions = np.array([position for position, _ in readable], np.int64)
        self.images = torch.stack([image for _, image in readable]).permute(0, 3, 1, 2) if readable else None


def prediction_batches(items: PredictionItems, batch: int, workers: int) -> Iterator[PredictionBatch]:
    """Yields all images in batches, in order; workers decode them."""
    yield from batches(items, workers, batch_size=batch, collate_fn=PredictionBatch)

"""The items of a captioner: images with their captions as tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from roco.baselines.captioner.pixels import Preparation
from roco.baselines.captioner.tokens import labels_of
from roco.baselines.training.learner import Batch, Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.images import Images


class CaptionItems:
    """Images with the tokens of their captions, which were tokenised before.

    Images are not augmented: a flipped image would contradict a caption that names a side.
    """

    def __init__(
        self, images: Images, tokens: Sequence[NDArray[np.int32]], preparation: Preparation, cache: Cache | None = None
    ) -> None:
        self._images, self._preparation, self._cache = images, preparation, cache
        # One array and offsets: workers that are forked share its memory, however many captions there are.
        self._ends = np.cumsum([len(one) for one in tokens])
        self._tokens = np.concatenate(tokens) if tokens else np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self._ends)

    def tokens(self, position: int) -> NDArray[np.int32]:
        """Returns the tokens of a caption."""
        start = self._ends[position - 1] if position else 0
        found: NDArray[np.int32] = self._tokens[start : self._ends[position]]
        return found

    def item(self, epoch: int, position: int) -> dict[str, torch.Tensor] | Unreadable:
        """Returns image and tokens, the same in every epoch."""
        image = self._preparation.image(self._images, position, self._cache)
        if isinstance(image, Unreadable):
            return image
        return {"image": image, "tokens": torch.from_numpy(self.tokens(position))}

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> Batch:
        """Returns images (items, 3, side, side) and labels (items, longest caption)."""
        labels, _ = labels_of([item["tokens"].numpy() for item in items])
        return {"image": torch.stack([item["image"] for item in items]), "labels": torch.from_numpy(labels)}

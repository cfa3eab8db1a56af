"""Embeds the images and captions of a pool."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset as MapDataset

from roco.base.progress import NullProgress, Progress
from roco.baselines.contrastive.data import Pool
from roco.baselines.contrastive.items import as_tensor
from roco.baselines.contrastive.network import Contrastive
from roco.baselines.training.learner import Unreadable
from roco.baselines.training.loading import batches
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.images import Images, load
from roco.baselines.vision.transform import Loading, center


class Vectors(NamedTuple):
    """A vector for each row of a pool; zeros for a row without a readable image. unreadable: images that were not."""

    images: NDArray[np.float32]
    texts: NDArray[np.float32]
    unreadable: list[Unreadable]


@torch.no_grad()  # type: ignore[untyped-decorator]
def embed(
    network: Contrastive, pool: Pool, tokenizer: Any, loading: Loading, device: torch.device, *, batch: int = 64,
    workers: int = 0, cache: Cache | None = None, progress: Progress | None = None,
) -> Vectors:  # fmt: skip
    """Returns the vectors of a pool; the network is in evaluation mode. Captions are cut at the length it reads."""
    shown = progress or NullProgress()
    texts = []
    for at in range(0, len(pool.captions), batch):
        tokens = tokenizer(list(pool.captions[at : at + batch]))
        texts.append(network.texts(tokens.to(device)).cpu().numpy())
    of_texts = np.concatenate(texts)
    of_images = np.zeros_like(of_texts)
    unreadable = []
    for found in batches(_Loaded(pool.images, loading, cache), workers, batch_size=batch, collate_fn=list):
        readable = [(position, image) for position, image in found if not isinstance(image, Unreadable)]
        unreadable += [image for _, image in found if isinstance(image, Unreadable)]
        if readable:
            pixels = torch.stack([image for _, image in readable]).to(device)
            rows = pool.rows[[position for position, _ in readable]]
            of_images[rows] = network.images(pixels).cpu().numpy()
        shown.advance(len(found))
    return Vectors(of_images, of_texts, unreadable)


class _Loaded(MapDataset):  # type: ignore[misc]
    """Images as the network reads them in evaluation: 8 bits, 3 x side x side."""

    def __init__(self, images: Images, loading: Loading, cache: Cache | None) -> None:
        self._images, self._loading, self._cache = images, loading, cache

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, position: int) -> tuple[int, torch.Tensor | Unreadable]:
        pixels = load(self._images, position, self._loading, self._cache)
        if isinstance(pixels, Unreadable):
            return position, pixels
        return position, as_tensor(center(pixels, self._loading.side))

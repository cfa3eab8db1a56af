"""A network of open_clip with its contrastive loss, over the pairs of all processes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn
from torch.nn import functional

if TYPE_CHECKING:
    from roco.baselines.training.learner import Batch

LOSS = "contrastive"
LARGEST_SCALE = math.log(100)
"""The greatest logarithm of the inverse temperature, as open_clip and the paper of CLIP limit it."""


class Contrastive(nn.Module):  # type: ignore[misc]
    """Returns the sum of the contrastive loss over the pairs that are present: open_clip's ClipLoss times their number.

    clip: a network of open_clip. temperature: at the start; 0 keeps that of the network.
    """

    def __init__(self, clip: nn.Module, temperature: float = 0.0) -> None:
        super().__init__()
        self.clip = clip
        prepared = clip.visual.preprocess_cfg
        self.register_buffer("mean", _of_channels(prepared["mean"]), persistent=False)
        self.register_buffer("std", _of_channels(prepared["std"]), persistent=False)
        if temperature:
            with torch.no_grad():
                clip.logit_scale.fill_(math.log(1 / temperature))

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns the vectors of 8-bit images (n x 3 x height x width), of length 1, in 32 bits."""
        normalised = (pixels.to(self.mean.dtype) - self.mean) / self.std
        return functional.normalize(self.clip.encode_image(normalised).float(), dim=-1)

    def texts(self, tokens: torch.Tensor) -> torch.Tensor:
        """Returns the vectors of captions (n x tokens), of length 1, in 32 bits."""
        return functional.normalize(self.clip.encode_text(tokens).float(), dim=-1)

    def without_decay(self) -> frozenset[str]:
        """Returns the weights that do not decay: biases, gains and the temperature, as in open_clip."""
        return frozenset(name for name, weight in self.named_parameters() if weight.ndim < 2)

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        present = batch["present"] > 0
        # Every process takes part in every step: without a pair of its own it computes one that does not count.
        chosen = present if bool(present.any()) else torch.arange(len(present), device=present.device) < 1
        n_own = int(present.sum())
        images = self.images(batch["image"][chosen])[:n_own]
        texts = self.texts(batch["text"][chosen])[:n_own]
        with torch.no_grad():
            self.clip.logit_scale.clamp_(0, LARGEST_SCALE)
        device = images.device.type
        with torch.autocast(device, enabled=False):
            return {
                LOSS: contrastive(images, texts, self.clip.logit_scale.exp(), getattr(self.clip, "logit_bias", None))
            }


def contrastive(
    images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Returns the sum over the pairs of this process of half the cross-entropy of either direction.

    images, texts: vectors of length 1, pairs x dimensions, of this process; the pairs of all others are negatives.
    The numbers of pairs may differ between processes.
    """
    every, offset = _of_all_processes(torch.stack([images, texts], 1))
    if not len(every):
        return images.sum() * scale  # no pair of this step can be read
    labels = torch.arange(len(images), device=images.device) + offset
    total = torch.zeros((), device=images.device)
    for own, others in ((images, every[:, 1]), (texts, every[:, 0])):
        logits = scale * own @ others.T
        if bias is not None:
            logits = logits + bias
        total = total + functional.cross_entropy(logits, labels, reduction="sum") / 2
    return total


def _of_all_processes(own: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Returns the rows of all processes, those of the first one first, and the place of the first own row."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return own, 0
    rank, n_processes = distributed.get_rank(), distributed.get_world_size()
    sizes = [torch.zeros(1, dtype=torch.int64, device=own.device) for _ in range(n_processes)]
    distributed.all_gather(sizes, torch.tensor([len(own)], device=own.device))
    rows = [int(size) for size in sizes]
    padded = torch.cat([own, own.new_zeros((max(rows) - len(own), *own.shape[1:]))])
    parts = _Gather.apply(padded)
    return torch.cat([part[:n] for part, n in zip(parts, rows, strict=True)]), sum(rows[:rank])


class _Gather(torch.autograd.Function):  # type: ignore[misc]
    """Gathers equally large tensors of all processes; each gets the gradients that all of them have for its own."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor) -> torch.Tensor:
        parts = [torch.zeros_like(own) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, own.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, gradients: torch.Tensor) -> torch.Tensor:
        gradients = gradients.contiguous()
        distributed.all_reduce(gradients)
        return gradients[distributed.get_rank()]


def _of_channels(values: Any) -> torch.Tensor:
    """Returns numbers of the channels, for pixels from 0 to 1, as a tensor for 8-bit images."""
    return torch.tensor(values).view(1, -1, 1, 1) * 255


def n_pairs(batch: Batch) -> Mapping[str, float]:
    """Returns over how many pairs the loss is summed."""
    return {LOSS: float(batch["present"].sum())}

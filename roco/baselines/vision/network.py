"""A backbone of timm with one linear head for each task, and the losses of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from roco.base.errors import UsageError
from roco.baselines.vision.data import CONCEPTS
from roco.baselines.vision.items import HAS_CONCEPTS
from roco.release.load.targets import UNLABELLED

if TYPE_CHECKING:
    from roco.baselines.training.learner import Batch


class GeM(nn.Module):  # type: ignore[misc]
    """Pools feature maps by their generalised mean, whose exponent is learned; 1 is the mean, infinity the maximum."""

    def __init__(self, exponent: float = 3.0, least: float = 1e-6) -> None:
        super().__init__()
        self.exponent = nn.Parameter(torch.tensor(exponent))
        self.least = least

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        # In 32 bits: powers of small numbers are 0 in 16.
        powers = maps.float().clamp(min=self.least).pow(self.exponent)
        return powers.mean((2, 3)).pow(1.0 / self.exponent)


class Network(nn.Module):  # type: ignore[misc]
    """Returns the sum of the loss of each task; `logits` returns the outputs of the heads.

    backbone: of timm, without a classifier; with gem pooling, without pooling either. sizes: outputs of each task.
    mean, std: of the three channels, from 0 to 1, as the weights of the backbone expect them.
    """

    def __init__(
        self, backbone: nn.Module, features: int, sizes: Mapping[str, int], mean: tuple[float, ...],
        std: tuple[float, ...], gem: bool = False, drop_rate: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.backbone = backbone
        self.pool = GeM() if gem else None
        self.drop_rate = drop_rate
        self.heads = nn.ModuleDict({task: nn.Linear(features, size) for task, size in sizes.items()})
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1) * 255, persistent=False)
        self.register_buffer("scale", 1 / (torch.tensor(std).view(1, -1, 1, 1) * 255), persistent=False)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Returns the features of 8-bit images: images x features."""
        normalised = (images.to(self.mean.dtype) - self.mean) * self.scale
        # The backbone drops features itself, unless it leaves pooling to us.
        features: torch.Tensor = self.backbone(normalised.contiguous(memory_format=torch.channels_last))
        if self.pool is not None:
            features = functional.dropout(self.pool(features), self.drop_rate, self.training)
        return features

    def logits(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Returns the outputs of each head in 32 bits: images x classes."""
        features = self.features(images)
        return {task: head(features).float() for task, head in self.heads.items()}

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        logits = self.logits(batch["image"])
        return losses(logits, batch)


def losses(logits: Mapping[str, torch.Tensor], batch: Batch) -> dict[str, torch.Tensor]:
    """Returns the sum of the loss of each task over the images that are present and have a label.

    Of concepts that of torch.nn.MultiLabelSoftMarginLoss, which is the mean over the concepts of an image; of classes
    the cross entropy.
    """
    sums = {}
    for task, outputs in logits.items():
        if task == CONCEPTS:
            known = batch["present"] * batch[HAS_CONCEPTS]
            of_images = functional.binary_cross_entropy_with_logits(
                outputs, batch[CONCEPTS].float(), reduction="none"
            ).mean(1)
            sums[task] = (of_images * known).sum()
        else:
            classes = batch[task].masked_fill(batch["present"] == 0, UNLABELLED)
            sums[task] = functional.cross_entropy(outputs, classes, ignore_index=UNLABELLED, reduction="sum")
    return sums


def counts(batch: Batch, tasks: tuple[str, ...]) -> dict[str, float]:
    """Returns over how many labels the loss of each task is summed."""
    numbers = {}
    for task in tasks:
        labelled = batch[HAS_CONCEPTS] if task == CONCEPTS else (batch[task] != UNLABELLED)
        numbers[task] = float((batch["present"] * labelled).sum())
    return numbers


def check_pooling(name: str, maps: torch.Tensor, sizes: tuple[int, ...]) -> None:
    """Raises UsageError if the outputs of a backbone are no feature maps: images x features x height x width.

    sizes: the numbers of features it may have; networks such as Swin put them last.
    """
    if maps.ndim != 4 or maps.shape[1] not in sizes:
        raise UsageError(f"{name} has no feature maps, which pooling = gem needs", "write --set pooling=avg")

"""The network of a model folder of `roco train concepts`, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.baselines.training.folder import AGAIN, Model
from roco.baselines.training.tensors import load_tensors
from roco.baselines.vision.backbones import network_of
from roco.baselines.vision.learner import WEIGHTS
from roco.baselines.vision.network import Network
from roco.baselines.vision.options import ConceptOptions
from roco.baselines.vision.transform import Preparation


@dataclass(frozen=True)
class Opened:
    """A trained network in evaluation mode on the CPU. names: the classes of each task, or the CUIs of concepts."""

    network: Network
    backbone: str
    preparation: Preparation
    names: Mapping[str, tuple[str, ...]]
    threshold: float
    one_modality: bool


def open_network(model: Model) -> Opened:
    """Opens the network of a model; raises DataError if its entries or its weights do not fit together."""
    values = model.values
    try:
        images: Any = values["images"]
        preparation = Preparation(
            int(images["image_size"]), int(images["load_size"]), images["resize"], images["view"]
        )  # fmt: skip
        names = {str(task): tuple(map(str, classes)) for task, classes in values["tasks"].items()}
        options = ConceptOptions(
            tasks=tuple(names), backbone=str(values["backbone"]), pooling=values["pooling"],
            image_size=preparation.image_size, drop_rate=float(values["drop_rate"]),
        )  # fmt: skip
        threshold, one_modality = float(values["threshold"]), bool(values["one_modality"])
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise DataError(f"{model.path} is incomplete: {excerpt(err)}", AGAIN) from err
    network = network_of(options, {task: len(classes) for task, classes in names.items()})
    try:
        network.load_state_dict(load_tensors(model.path / WEIGHTS))
    except RuntimeError as err:
        raise DataError(f"the weights of {model.path} are not those of {options.backbone}", AGAIN) from err
    return Opened(network.eval(), options.backbone, preparation, names, threshold, one_modality)


class Pooled(nn.Module):  # type: ignore[misc]
    """The features of a network before its heads, of images that are normalised already."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.backbone = network.backbone
        self.pool = network.pool

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.backbone(images)
        return features if self.pool is None else self.pool(features)

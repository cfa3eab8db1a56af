"""The image encoders of trained models, as backbones for heads and neighbours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.training.folder import open_model, writing

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.export_backbone import export_backbone  # noqa: E402
from tests.baselines.captioner import pairs  # noqa: E402


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pairs.release(tmp_path_factory.mktemp("drawn") / "data", n=16)


@pytest.fixture(scope="module")
def captioner(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("captioner") / "out"
    pairs.run(drawn, out, epochs=1)
    return out


def test_of_a_captioner_it_is_the_mean_of_what_the_decoder_reads(captioner: Path, tmp_path: Path) -> None:
    from roco.baselines.captioner.model import open_network

    backbone = export_backbone(captioner, tmp_path / "encoder.onnx", license="CC0-1.0")
    picture: Any = np.random.default_rng(0).integers(0, 256, (60, 50), np.uint8)
    with torch.no_grad():
        states = open_network(captioner).encoder(torch.from_numpy(backbone.tensor(picture)[None])).last_hidden_state
    assert backbone.embed([picture])[0] == pytest.approx(states[0].mean(0).numpy(), abs=2e-3)
    card = json.loads((tmp_path / "encoder.json").read_text())
    assert (card["size"], card["width"], card["mean"]) == (48, 64, [127.5] * 3)
    assert card["source"] == f"roco train captions, data SHA-256 {open_model(captioner).manifest['data']['sha256']}"


def test_neighbours_are_compared_by_an_exported_encoder(drawn: Path, captioner: Path, tmp_path: Path) -> None:
    backbone = export_backbone(captioner, tmp_path / "encoder.onnx", license="CC0-1.0")
    trained = roco.train_neighbours(drawn, tmp_path / "neighbours", backbone=tmp_path / "encoder.onnx")
    assert open_model(trained.path).values["backbone"]["sha256"] == backbone.sha256


def test_models_without_an_encoder_and_damaged_ones_are_refused(captioner: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "neighbours", "neighbours", {}) as part:
        (part / "vectors.npz").write_bytes(b"vectors")
    with pytest.raises(UsageError, match="is a model of `roco train neighbours`"):
        export_backbone(tmp_path / "neighbours", tmp_path / "x.onnx", license="MIT")
    (tmp_path / "neighbours" / "vectors.npz").write_bytes(b"others")
    with pytest.raises(DataError, match="has changed since the model was written"):
        export_backbone(tmp_path / "neighbours", tmp_path / "x.onnx", license="MIT")
    with pytest.raises(DataError, match="not the folder of a model"):
        export_backbone(tmp_path, tmp_path / "x.onnx", license="MIT")
    with pytest.raises(UsageError, match="--weights with the folder of a model"):
        export_backbone(captioner, tmp_path / "x.onnx", weights=tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match=r"licence of the weights of .* is unknown"):
        export_backbone(captioner, tmp_path / "x.onnx")
    assert not list(tmp_path.glob("x.*"))

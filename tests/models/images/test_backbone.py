"""Backbones: what they return, and which files are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.models.images.backbone import SHIPPED, Backbone


def test_an_image_has_the_same_embedding_alone_and_in_a_batch() -> None:
    backbone = Backbone.load()
    images = [np.random.default_rng(n).integers(0, 255, (90, 120, 3), np.uint8) for n in range(3)]
    together = backbone.embed(images)
    assert together.shape == (3, backbone.width)
    assert np.array_equal(together[1], backbone.embed(images[1:2])[0])


def test_grey_and_equal_rgb_are_the_same_image() -> None:
    grey = np.random.default_rng(0).integers(0, 255, (90, 120), np.uint8)
    one, other = Backbone.load().embed([grey])[0], Backbone.load().embed([np.stack([grey] * 3, 2)])[0]
    assert np.array_equal(one, other)


def a_backbone(folder: Path, **changes: object) -> Path:
    path = folder / "mine.onnx"
    shutil.copy(SHIPPED, path)
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    if "width" in changes:
        card.pop("sections")
    path.with_suffix(".json").write_text(json.dumps({**card, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 10_000}, "'size'"),
        ({"mean": [1, 2]}, "'mean'"),
        ({"std": [1, 1, 0]}, "'std'"),
        ({"mean": [10**400, 0, 0]}, "'mean'"),
        ({"width": "many"}, "'width'"),
        ({"sha256": "0" * 64}, "not the file that its card describes"),
        ({"sections": [1280, 1]}, "sections"),
        ({"sections": [-1, 1809]}, "sections"),
    ],
)
def test_a_card_with_invalid_values_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Backbone.load(a_backbone(tmp_path, **changes))


def test_a_missing_backbone_and_a_missing_card_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing backbone"):
        Backbone.load(tmp_path / "none.onnx")
    path = a_backbone(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(DataError, match="missing card"):
        Backbone.load(path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = a_backbone(tmp_path)
    path.write_bytes(b"something else")
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "sha256": file_digest(path)}))
    with pytest.raises(DataError, match="not a valid ONNX model"):
        Backbone.load(path).embed([np.zeros((20, 20), np.uint8)])


def test_a_network_with_another_width_than_its_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="correct `width`"):
        Backbone.load(a_backbone(tmp_path, width=7)).embed([np.zeros((20, 20), np.uint8)])


def test_a_network_that_reads_images_of_another_size_than_its_card_is_refused_before_it_runs(tmp_path: Path) -> None:
    backbone = Backbone.load(a_backbone(tmp_path, size=64))
    with pytest.raises(DataError, match="of n x 3 x 64 x 64") as caught:
        _ = backbone.provider
    assert "mine.json" in caught.value.hint


def test_a_network_whose_numbers_are_not_finite_is_refused(tmp_path: Path) -> None:
    backbone = Backbone.load(a_backbone(tmp_path, std=[1e-300, 1, 1]))
    with np.errstate(all="ignore"), pytest.raises(DataError, match="not finite"):
        backbone.embed([np.zeros((40, 40), np.uint8)])


def test_a_gpu_computes_in_float32_with_the_same_algorithm_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    session, given = onnxruntime.InferenceSession, []

    def on_cpu(weights: bytes, options: object, providers: list[tuple[str, dict[str, str]]]) -> object:
        given.extend(providers)
        return session(weights, options, providers=["CPUExecutionProvider"])

    installed = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: installed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", on_cpu)
    assert Backbone.load().provider == "CPUExecutionProvider"
    assert [name for name, _ in given] == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert given[0][1] == {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}

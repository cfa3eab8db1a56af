"""Exported backbones compute the embeddings of their network, and are refused as a whole where they would not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from roco.base.errors import DataError, RocoError, UsageError
from roco.models.images.backbone import Backbone, card_path

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines import export_backbone as module  # noqa: E402
from roco.baselines.encoders import Encoder  # noqa: E402
from roco.baselines.export_backbone import export_backbone  # noqa: E402
from roco.baselines.named_encoders import named  # noqa: E402
from tests.baselines.contrastive.tiny import CONFIG as TINY_CLIP  # noqa: E402


def weights_of(network: Any, path: Path, **stated: str) -> Path:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path, metadata=stated)
    return path


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of timm's test_vit with its classifier, random ones; they state their origin."""
    import timm

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    return weights_of(timm.create_model("test_vit"), file, license="CC0-1.0", source="drawn")


def images(n: int) -> list[Any]:
    rng = np.random.default_rng(n)
    return [rng.integers(0, 256, (50 + n, 70, 3), dtype=np.uint8) for _ in range(n)]


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_file_computes_the_embeddings_of_the_network_for_any_number_of_images(
    vit: Path, tmp_path: Path, n: int
) -> None:
    backbone = export_backbone("test_vit", tmp_path / "vit.onnx", weights=vit)
    network = named("test_vit", vit).network
    with torch.no_grad():
        expected = network(torch.from_numpy(np.stack([backbone.tensor(image) for image in images(n)]))).numpy()
    assert np.abs(backbone.embed(images(n)) - expected).max() < 2e-3  # embeddings have 16 bits
    assert expected.shape == (n, backbone.width)


def test_the_card_states_size_preparation_and_origin(vit: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "vit.onnx"
    export_backbone("test_vit", out, weights=vit)
    card = json.loads(card_path(out).read_text())
    assert (card["name"], card["size"], card["width"]) == ("test_vit", 160, 64)
    assert card["mean"] == card["std"] == [127.5] * 3  # grey levels
    assert (card["license"], card["source"]) == ("CC0-1.0", "drawn")
    assert Backbone.load(out).sha256 == card["sha256"]
    export_backbone("test_vit", tmp_path / "other.onnx", weights=vit, license="MIT", source="elsewhere")
    other = json.loads((tmp_path / "other.json").read_text())
    assert (other["license"], other["source"]) == ("MIT", "elsewhere")


def test_embeddings_of_a_contrastive_network_have_length_one(tmp_path: Path) -> None:
    from roco.baselines.contrastive.architecture import create, image_encoder, read_config

    (tmp_path / "tiny.json").write_text(json.dumps(TINY_CLIP))
    network = create(read_config(str(tmp_path / "tiny.json")))
    encoder = image_encoder(network, "tiny")
    pixels = torch.rand(3, 3, 32, 32)
    assert torch.allclose(encoder.network(pixels).norm(dim=1), torch.ones(3))
    assert torch.equal(encoder.network(pixels), network.encode_image(pixels, normalize=True))
    assert encoder.mean == pytest.approx((122.77, 116.75, 104.09), abs=0.01)  # open_clip's, in grey levels


class OfTwo(torch.nn.Module):  # type: ignore[misc]
    """Computes something else for a number of images that is not the one it was exported with."""

    def forward(self, pixels: Any) -> Any:
        sums = pixels.sum((2, 3))
        return sums if len(pixels) == 2 else -sums


def test_a_file_that_computes_other_embeddings_than_the_network_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    encoder = Encoder(OfTwo().eval(), "of two", 32, (0.0,) * 3, (255.0,) * 3, "MIT", "a test")
    monkeypatch.setattr(module, "named", lambda *_: encoder)
    with pytest.raises(DataError, match="other embeddings than the network for 1 images"):
        export_backbone("any", tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_if_the_card_cannot_be_written(
    vit: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(module, "write_json", full)
    with pytest.raises(DataError, match="no space left on the disk"):
        export_backbone("test_vit", tmp_path / "x.onnx", weights=vit)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("taken", ["x.onnx", "x.json"])
def test_existing_files_are_refused_and_unchanged(vit: Path, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        export_backbone("test_vit", tmp_path / "x.onnx", weights=vit)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(taken, "mine")]


@pytest.mark.parametrize(
    ("name", "options", "message", "hint"),
    [
        ("test_vitt", {}, "no model folder and no network", "did you mean 'test_vit"),
        ("test_vit", {}, "test_vit has no weights", "--weights"),
        ("ViT-B-32", {}, "ViT-B-32 has no weights", "--weights"),
        ("ViT-B-32", {"download": True}, "no network of timm", "--weights"),
        ("test_vit", {"weights": Path("absent.safetensors")}, "missing weights", "check the path"),
        ("test_efficientnet", {"weights": "vit"}, "lacks weights: blocks.0", "weights of this architecture"),
        ("test_vit", {"weights": "pickle"}, "not a file in safetensors", "pickles are not read"),
        ("test_vit", {"weights": "unstated"}, "licence of the weights of test_vit is unknown", "--license"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_what_to_do(
    vit: Path, tmp_path: Path, name: str, options: dict[str, Any], message: str, hint: str
) -> None:
    pickled, unstated = tmp_path / "weights.pt", tmp_path / "unstated.safetensors"
    torch.save(torch.zeros(2), pickled)
    weights_of(named("test_vit", vit).network, unstated)
    files = {"vit": vit, "pickle": pickled, "unstated": unstated}
    chosen = {key: files.get(value, value) for key, value in options.items()}
    with pytest.raises(RocoError) as caught:
        export_backbone(name, tmp_path / "x.onnx", **chosen)
    assert message in caught.value.message and hint in caught.value.hint
    assert not list(tmp_path.glob("x*"))


def test_the_stage_embed_reads_an_exported_backbone(vit: Path, tmp_path: Path) -> None:
    from roco.models.images.pixels import to_value
    from roco.stages.embed import Embed

    backbone = export_backbone("test_vit", tmp_path / "vit.onnx", weights=vit)
    stage = Embed(backbone=tmp_path / "vit.onnx")
    stage.prepare()
    (picture,) = images(1)
    embedded = stage(pa.table({"small": pa.array([to_value(picture)])}))["embedding"].to_pylist()
    assert np.array_equal(np.frombuffer(embedded[0], "<f2"), backbone.embed([picture])[0])

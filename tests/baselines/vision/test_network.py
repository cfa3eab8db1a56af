"""The network: losses, masked labels, pooling, and weights from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.vision.backbones import check_backbone, network_of  # noqa: E402
from roco.baselines.vision.network import GeM, counts, losses  # noqa: E402
from roco.baselines.vision.options import ConceptOptions  # noqa: E402

SIZES = {"concepts": 5, "modality": 3}


def options(**changes: Any) -> ConceptOptions:
    return ConceptOptions(**{"backbone": "test_efficientnet", "image_size": 32, "drop_rate": 0.0, **changes})


def batch(n: int = 4, **changes: Any) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "image": torch.randint(0, 256, (n, 3, 32, 32), generator=generator, dtype=torch.uint8),
        "concepts": torch.randint(0, 2, (n, 5), generator=generator, dtype=torch.uint8),
        "has_concepts": torch.ones(n),
        "modality": torch.arange(n) % 3,
        "present": torch.ones(n),
        **changes,
    }


def test_the_loss_of_concepts_is_that_of_pytorch_times_the_images() -> None:
    given = batch()
    logits = {"concepts": torch.randn(4, 5), "modality": torch.randn(4, 3)}
    expected = torch.nn.MultiLabelSoftMarginLoss()(logits["concepts"], given["concepts"].float())
    found = losses(logits, given)
    assert torch.allclose(found["concepts"], expected * 4)
    assert torch.allclose(
        found["modality"], torch.nn.CrossEntropyLoss(reduction="sum")(logits["modality"], given["modality"])
    )
    assert counts(given, ("concepts", "modality")) == {"concepts": 4.0, "modality": 4.0}


def test_missing_labels_and_padding_give_no_loss_and_no_gradient() -> None:
    masked = batch(
        modality=torch.tensor([0, -1, 2, 1]), has_concepts=torch.tensor([1.0, 1.0, 0.0, 1.0]),
        present=torch.tensor([1.0, 1.0, 1.0, 0.0]),
    )  # fmt: skip
    logits = {"concepts": torch.randn(4, 5, requires_grad=True), "modality": torch.randn(4, 3, requires_grad=True)}
    sum(losses(logits, masked).values()).backward()
    has_gradient = {task: (outputs.grad.abs().sum(1) > 0).tolist() for task, outputs in logits.items()}
    assert has_gradient == {"concepts": [True, True, False, False], "modality": [True, False, True, False]}
    assert counts(masked, ("concepts", "modality")) == {"concepts": 2.0, "modality": 2.0}


def test_a_batch_without_any_label_of_a_task_has_a_loss_of_0() -> None:
    given = batch(modality=torch.full((4,), -1), has_concepts=torch.zeros(4))
    found = losses({"concepts": torch.randn(4, 5), "modality": torch.randn(4, 3)}, given)
    assert {task: float(value) for task, value in found.items()} == {"concepts": 0.0, "modality": 0.0}


@pytest.mark.parametrize(
    ("backbone", "pooling"), [("test_efficientnet", "gem"), ("test_vit", "avg"), ("resnet10t", "gem")]
)
def test_any_network_of_timm_has_a_head_for_each_task(backbone: str, pooling: str) -> None:
    network = network_of(options(backbone=backbone, pooling=pooling), SIZES)
    logits = network.logits(batch()["image"])
    assert {task: tuple(outputs.shape) for task, outputs in logits.items()} == {"concepts": (4, 5), "modality": (4, 3)}
    sum(network(batch()).values()).backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_the_seed_decides_the_weights() -> None:
    first, second, other = (network_of(options(seed=seed), SIZES).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not torch.equal(first["heads.modality.weight"], other["heads.modality.weight"])


def test_images_are_normalised_by_the_network() -> None:
    network = network_of(options(), SIZES)
    seen: list[Any] = []
    network.backbone.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network.eval().features(torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 32, 32))
    mean, std = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert torch.allclose(seen[0][0, :, 0, 0], -torch.tensor(mean) / torch.tensor(std), atol=1e-5)
    assert torch.allclose(seen[0][1, :, 0, 0], (1 - torch.tensor(mean)) / torch.tensor(std), atol=1e-5)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_gem_is_the_mean_with_exponent_1_and_near_the_maximum_with_a_large_one() -> None:
    maps = torch.rand(2, 3, 4, 4) + 0.1
    assert torch.allclose(GeM(1.0)(maps), maps.mean((2, 3)))
    assert torch.allclose(GeM(200.0)(maps), maps.amax((2, 3)), rtol=0.02)


def test_features_are_dropped_in_training_only() -> None:
    for pooling in ("avg", "gem"):
        network = network_of(options(drop_rate=0.5, pooling=pooling), SIZES)
        images = batch()["image"]
        features = network.train().features(images)
        assert 0.2 < float((features == 0).float().mean()) < 0.8
        assert float((network.eval().features(images) == 0).float().mean()) < 0.2


def test_local_weights_of_timm_and_of_our_own_models_are_loaded(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    whole = timm.create_model("test_efficientnet", num_classes=10)
    save_file(whole.state_dict(), tmp_path / "timm.safetensors")
    loaded = network_of(options(weights=str(tmp_path / "timm.safetensors")), SIZES)
    assert torch.equal(loaded.backbone.conv_stem.weight, whole.conv_stem.weight)
    trained = network_of(options(seed=5), {"modality": 3})
    save_file({name: value.contiguous() for name, value in trained.state_dict().items()}, tmp_path / "own.safetensors")
    again = network_of(options(weights=str(tmp_path / "own.safetensors")), SIZES)
    assert torch.equal(again.backbone.conv_stem.weight, trained.backbone.conv_stem.weight)
    vit = timm.create_model("test_vit")
    save_file(vit.state_dict(), tmp_path / "vit.safetensors")
    smaller = network_of(options(backbone="test_vit", weights=str(tmp_path / "vit.safetensors"), image_size=64), SIZES)
    assert torch.equal(smaller.backbone.blocks[0].attn.qkv.weight, vit.blocks[0].attn.qkv.weight)
    with pytest.raises(DataError, match="are not those of resnet10t"):
        network_of(options(backbone="resnet10t", weights=str(tmp_path / "timm.safetensors")), SIZES)


def test_unknown_networks_and_weights_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown backbone 'efficientnet_bo'") as caught:
        check_backbone("efficientnet_bo")
    assert "efficientnet_b" in caught.value.hint
    with pytest.raises(UsageError, match="unknown weights 'x' of efficientnet_b0") as tag:
        check_backbone("efficientnet_b0.x")
    assert "efficientnet_b0.ra" in tag.value.hint
    with pytest.raises(UsageError, match="test_vit has no feature maps"):
        network_of(options(backbone="test_vit", pooling="gem"), SIZES)
    with pytest.raises(UsageError, match="swin_tiny_patch4_window7_224 has no feature maps"):
        network_of(options(backbone="swin_tiny_patch4_window7_224", pooling="gem", image_size=224), SIZES)
    for name, content in {"none.safetensors": None, "w.safetensors": b"not weights"}.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"missing weights|not a file in safetensors"):
            network_of(options(weights=str(tmp_path / name)), SIZES)


def test_pretrained_weights_are_downloaded_only_if_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub
    import timm
    from safetensors.torch import save_file

    asked: list[tuple[str, str, bool]] = []
    answer: list[Path] = []

    def hub(repository: str, name: str, local_files_only: bool) -> str:
        asked.append((repository, name, local_files_only))
        if not answer:
            raise OSError("Name or service not known")
        return str(answer[0])

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub)
    wanted = options(backbone="resnet10t.c3_in1k", weights="pretrained")
    with pytest.raises(UsageError, match=r"the weights of resnet10t.c3_in1k are not on this machine") as caught:
        network_of(wanted, SIZES)
    assert "--download" in caught.value.hint and "--weights FILE.safetensors" in caught.value.hint
    with pytest.raises(DataError, match="cannot be downloaded: Name or service not known"):
        network_of(wanted, SIZES, download=True)
    whole = timm.create_model("resnet10t")
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    answer.append(tmp_path / "model.safetensors")
    assert torch.equal(network_of(wanted, SIZES).backbone.layer1[0].conv1.weight, whole.layer1[0].conv1.weight)
    repository = "timm/resnet10t.c3_in1k"
    assert asked == [(repository, "model.safetensors", local) for local in (True, False, True)]
    without = next(name for name in timm.list_models() if not timm.is_model_pretrained(name))
    with pytest.raises(UsageError, match=f"timm has no weights of {without}"):
        network_of(options(backbone=without, weights="pretrained"), SIZES)

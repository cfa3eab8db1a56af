"""Map-style datasets of PyTorch: items, targets, workers of a DataLoader, and errors in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import roco
from tests.sources.test_dataset import CHEST, CT, LAYOUTS, NODULE, published

pytestmark = pytest.mark.neural


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


def caption_of(row: roco.Row) -> str:
    return f"{row.id}: {row.caption}"


def test_an_item_is_an_image_and_the_targets_of_four_tasks(torch: Any, rocov2: Path) -> None:
    data = roco.load(rocov2)
    items = data.to_torch()
    assert len(items) == 4
    image, target = items[0]
    assert (image.shape, image.dtype) == ((3, 64, 64), torch.uint8)
    assert image[1].numpy().tolist() == data[0].image.numpy("RGB")[..., 1].tolist()
    modality = items.classes["modality"].index("DRCT")
    assert (target["modality"], target["region"], target["direction"]) == (modality, -1, -1)
    assert target["concepts"].tolist() == [1.0, 1.0, 1.0]
    assert target["concepts"].dtype == torch.float32
    assert items.vocabulary.cuis == (NODULE, CT, CHEST)
    assert items[-1][1]["modality"] == modality
    with pytest.raises(IndexError):
        items[4]


def test_one_target_several_or_a_function(rocov2: Path) -> None:
    data = roco.load(rocov2, "train")
    assert data.to_torch(target="modality")[0][1] == 2
    assert set(data.to_torch(target=["concepts", "id"])[1][1]) == {"concepts", "id"}
    assert data.to_torch(target="caption")[0][1] == data[0].caption
    assert data.to_torch(target=caption_of)[1][1] == caption_of(data[1])


def test_images_are_scaled_or_transformed(torch: Any, rocov2: Path) -> None:
    data = roco.load(rocov2)
    image, _ = data.to_torch(image=32)[0]
    assert (image.shape, image.dtype) == ((3, 32, 32), torch.float32)
    assert 0 <= image.min() < image.max() <= 1
    scaled = data[0].image.pil("RGB").resize((32, 32), 2, reducing_gap=2.0)
    assert torch.equal((image * 255).round().byte(), torch.from_numpy(np.array(scaled)).permute(2, 0, 1))
    assert data.to_torch(image=lambda picture: (picture.mode, picture.size))[0][0] == ("RGB", (64, 64))


def test_without_images_an_item_is_its_target(rocov2: Path) -> None:
    assert roco.load(rocov2, images=False).to_torch(target="modality")[0] == 2


def test_unknown_targets_and_sizes_are_errors(rocov2: Path) -> None:
    data = roco.load(rocov2)
    with pytest.raises(roco.UsageError, match="unknown target 'modalty'") as caught:
        data.to_torch(target=["concepts", "modalty"])
    assert "'modality'" in caught.value.hint
    for wrong in (0, -3, "224", True):
        with pytest.raises(roco.UsageError, match="side in pixels"):
            data.to_torch(image=wrong)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("layout", ["zips", "unpacked"])
def test_workers_give_what_one_process_gives(torch: Any, tmp_path: Path, context: str, layout: str) -> None:
    data = roco.load(published(tmp_path / "rocov2", LAYOUTS[layout]))
    items = data.to_torch(image=32, target=["id", "modality", "concepts"])
    items[0]  # its zip is open when the workers start
    alone = list(torch.utils.data.DataLoader(items, batch_size=2))
    loader = torch.utils.data.DataLoader(items, batch_size=2, num_workers=2, multiprocessing_context=context)
    for _ in range(2):
        for (images, targets), (own_images, own_targets) in zip(loader, alone, strict=True):
            assert torch.equal(images, own_images)
            assert targets["id"] == own_targets["id"]
            assert torch.equal(targets["concepts"], own_targets["concepts"])


def test_a_function_of_the_row_works_in_spawned_workers(torch: Any, rocov2: Path) -> None:
    data = roco.load(rocov2)
    loader = torch.utils.data.DataLoader(
        data.to_torch(image=16, target=caption_of), num_workers=1, multiprocessing_context="spawn"
    )
    assert [target[0] for _, target in loader] == [caption_of(row) for row in data]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_does_not_decode_is_named_in_the_error_of_the_loader(
    torch: Any, tmp_path: Path, workers: int
) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    (root / "train_images" / "ROCOv2_2023_train_000007.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    items = roco.load(root).to_torch(image=16)
    with pytest.raises(roco.DataError, match=r"'ROCOv2_2023_train_000007' cannot be decoded.*train_images"):
        list(torch.utils.data.DataLoader(items, num_workers=workers))


def test_a_missing_image_is_an_error_before_training_starts(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    (root / "train_images" / "ROCOv2_2023_train_000007.jpg").unlink()
    with pytest.raises(roco.DataError, match="ROCOv2_2023_train_000007"):
        roco.load(root).to_torch()

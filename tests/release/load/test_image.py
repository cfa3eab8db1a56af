"""Images of rows: read and decoded when they are used, with errors that name the row and the file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import roco
from tests.sources.test_dataset import LAYOUTS, published


def test_an_image_is_given_as_bytes_as_a_pillow_image_and_as_an_array(rocov2: Path) -> None:
    image = roco.load(rocov2, "train")[0].image
    assert image.file == "ROCOv2_2023_train_000001.jpg"
    assert image.bytes().startswith(b"\xff\xd8\xff")
    grey, colour = image.pil(), image.pil("RGB")
    assert (grey.mode, grey.size, colour.mode) == ("L", (64, 64), "RGB")
    assert image.numpy("RGB").shape == (64, 64, 3)
    assert np.array_equal(image.numpy("RGB")[..., 1], image.numpy())
    assert image.numpy().dtype == np.uint8


def test_nothing_is_read_before_an_image_is_used(rocov2: Path) -> None:
    rows = list(roco.load(rocov2))
    images = [row.image for row in rows]
    for path in rocov2.glob("*.zip"):
        path.unlink()
    with pytest.raises(roco.DataError, match=r"ROCOv2_2023_train_000001\.jpg"):
        images[0].bytes()


def test_an_image_that_does_not_decode_is_named_with_its_file(good: Path) -> None:
    row = roco.load(good)[0]  # its image has 8 x 8 pixels
    with pytest.raises(
        roco.DataError, match=r"'roco_train_000001' cannot be decoded: 8 x 8 px.*train_images\.zip"
    ) as e:
        row.image.pil()
    assert "filter" in e.value.hint


def test_a_truncated_image_is_named_with_its_file(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    file = root / "train_images" / "ROCOv2_2023_train_000007.jpg"
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(roco.DataError, match=r"'ROCOv2_2023_train_000007' cannot be decoded: truncated JPEG"):
        roco.load(root)[1].image.numpy()


def test_a_missing_image_is_named_and_so_is_an_unreadable_zip(rocov2: Path) -> None:
    with zipfile.ZipFile(rocov2 / "test_images.zip", "w"):
        pass
    with pytest.raises(roco.DataError, match="no image file for 'ROCOv2_2023_test_000003'"):
        roco.load(rocov2, "test")[0].image  # noqa: B018
    (rocov2 / "test_images.zip").write_bytes(b"no zip")
    with pytest.raises(roco.DataError, match=r"test_images\.zip: ") as caught:
        roco.load(rocov2, "test")[0].image  # noqa: B018
    assert "roco verify" in caught.value.hint

"""How images are prepared: as open_clip does, and within limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from roco.base.errors import DataError
from roco.baselines.retrieve.encoders.preparation import Preparation

DEFAULTS: dict[str, Any] = {}


def of(size: object = 32, **images: Any) -> Preparation:
    return Preparation.of_open_clip({"image_size": size}, images, "here")


def test_the_middle_of_an_image_is_read_unless_it_is_squashed() -> None:
    pixels = np.zeros((40, 80), np.uint8)
    pixels[:, :20] = pixels[:, 60:] = 255
    white = (1 - 0.48145466) / 0.26862954
    shortest, squashed = of().tensor(pixels), of(resize_mode="squash").tensor(pixels)
    assert shortest.shape == squashed.shape == (3, 32, 32)
    assert shortest[0].max() < 0 and squashed[0].max() == pytest.approx(white, abs=1e-4)


def test_a_very_long_image_does_not_become_huge() -> None:
    assert of(512).tensor(np.zeros((16, 20_000), np.uint8)).shape == (3, 512, 512)


@pytest.mark.parametrize(
    ("size", "images", "error"),
    [
        ((32, 64), {}, "images of"),
        (10**9, {}, "images of"),
        ("x", {}, "images of"),
        (32, {"resize_mode": "longest"}, "unknown resize_mode 'longest'"),
        (32, {"interpolation": "lanczos"}, "unknown interpolation"),
        (32, {"mean": [1, 2]}, "mean is not three numbers"),
        (32, {"std": [0.1, 0, 0.1]}, "std is not above 0"),
    ],
)
def test_preparations_that_roco_does_not_know_are_refused(size: object, images: dict[str, Any], error: str) -> None:
    with pytest.raises(DataError, match=error):
        of(size, **images)


@pytest.mark.neural
@pytest.mark.parametrize("images", [DEFAULTS, {"resize_mode": "squash", "interpolation": "bilinear"}])
@pytest.mark.parametrize("shape", [(50, 70), (91, 33, 3), (32, 32)])
def test_pixels_are_those_of_the_transform_of_open_clip(images: dict[str, str], shape: tuple[int, ...]) -> None:
    transform = pytest.importorskip("open_clip", reason="pip install '.[dev,dev-neural]'").image_transform
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    theirs = transform(32, is_train=False, **images)(Image.fromarray(pixels)).numpy()
    assert of(**images).tensor(pixels) == pytest.approx(theirs, abs=1e-5)

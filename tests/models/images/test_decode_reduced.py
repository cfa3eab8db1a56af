"""JPEGs that are decoded at a part of their size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.models.images.decode import decode, decode_reduced
from tests.models.images.test_decode import FILES, save

ROUGH = np.random.default_rng(1).integers(0, 256, (10, 12, 3), dtype=np.uint8)
LARGE = Pillow.fromarray(ROUGH).resize((1201, 903), Pillow.Resampling.BICUBIC)


def scaled(image: Pillow.Image, side: int) -> Any:
    return np.asarray(image.resize((side, side), Pillow.Resampling.BILINEAR)).astype(float)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("side", "size"), [(600, (1201, 903)), (280, (451, 339)), (200, (301, 226)), (64, (151, 113))])
def test_a_large_jpeg_is_reduced_to_nearly_the_same_pixels(
    side: int, size: tuple[int, int], mode: str, options: dict[str, Any]
) -> None:
    data = save(LARGE.convert(mode), "JPEG", quality=92, **options)
    reduced, full = decode_reduced(data, side), decode(data)
    assert reduced.image.size == size
    assert min(reduced.image.size) >= side
    assert (reduced.width, reduced.height, reduced.mode) == (1201, 903, mode)
    difference = np.abs(scaled(reduced.image, side) - scaled(full.image, side))
    assert difference.mean() < 3
    assert difference.max() < 30


def test_both_sides_of_a_reduced_image_are_long_enough() -> None:
    for image in (LARGE, LARGE.transpose(Pillow.Transpose.ROTATE_90)):
        for side in (60, 140, 200, 290, 400, 450):
            assert min(decode_reduced(save(image, "JPEG"), side).image.size) >= side


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_image_is_upright(orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = save(LARGE, "JPEG", exif=exif)
    reduced, full = decode_reduced(data, 200), decode(data)
    assert (reduced.image.width < reduced.image.height) == (full.image.width < full.image.height)
    assert np.abs(scaled(reduced.image, 100) - scaled(full.image, 100)).mean() < 2


def test_other_formats_and_small_images_are_decoded_in_full() -> None:
    for data in FILES:
        assert np.array_equal(decode_reduced(data, 280).pixels, decode(data).pixels)
        if data[:2] != b"\xff\xd8":
            assert np.array_equal(decode_reduced(data, 20).pixels, decode(data).pixels)


@pytest.mark.parametrize("part", [0.999, 0.9, 0.5])
def test_a_truncated_jpeg_is_rejected_at_any_size(part: float) -> None:
    data = save(LARGE, "JPEG")
    with pytest.raises(RejectedInput, match="truncated JPEG"):
        decode_reduced(data[: int(len(data) * part)], 100)


def test_the_limits_are_those_of_the_whole_image() -> None:
    with pytest.raises(RejectedInput, match="sides must be"):
        decode_reduced(save(Pillow.new("L", (20_001, 400)), "JPEG"), 100)
    with pytest.raises(RejectedInput, match="more than 50 megapixels"):
        decode_reduced(save(Pillow.new("L", (8000, 7000)), "JPEG"), 100)


DAMAGED = save(LARGE.resize((320, 240)), "JPEG")


@given(st.integers(0, len(DAMAGED) - 1), st.integers(0, 7))
def test_a_damaged_jpeg_is_reduced_if_and_only_if_it_is_decoded(at: int, bit: int) -> None:
    data = bytearray(DAMAGED)
    data[at] ^= 1 << bit

    def accepted(decoder: Any, *more: int) -> bool:
        try:
            decoder(bytes(data), *more)
        except RejectedInput:
            return False
        return True

    assert accepted(decode) == accepted(decode_reduced, 60)

"""A TIFF is read as the picture that it shows, and not as its negative."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.models.images.decode import decode
from roco.models.images.tiff import as_black_is_zero
from tests.models.images.test_decode import save
from tests.models.images.tiffs import tiff

PICTURE = np.add.outer(np.arange(60), np.arange(80))
PICTURE[:20, :30] += 60

KINDS = {"8 bits": (np.uint8, 255), "16 bits": (np.uint16, 65_535), "16 bits, signed": (np.int16, 0),
         "32 bits, signed": (np.int32, 0), "floats": (np.float32, 0)}  # fmt: skip


def stored(kind: str, white_is_zero: bool) -> np.ndarray:
    dtype, top = KINDS[kind]
    return (top - PICTURE if white_is_zero else PICTURE).astype(dtype)


def likeness(data: bytes) -> float:
    """Returns the correlation of the decoded image with the picture: 1, or -1 for its negative."""
    pixels = decode(data).pixels
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    return float(np.corrcoef(grey.ravel(), PICTURE.ravel())[0, 1])


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_white_as_zero_and_black_as_zero_show_the_same_picture(kind: str, white_is_zero: bool) -> None:
    samples = stored(kind, white_is_zero)
    layouts = ({}, {"order": ">"}, {"tile": 16}, {"order": ">", "tile": 16}, {"big": True})
    for layout in layouts:
        assert likeness(tiff(samples, white_is_zero=white_is_zero, **layout)) > 0.99, layout


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_samples_may_have_white_as_zero(compression: str) -> None:
    inverted = Pillow.fromarray(stored("16 bits", True))
    data = bytearray(save(inverted, "TIFF", compression=compression))
    tag = struct.pack("<HHIH", 262, 3, 1, 1)  # black is zero
    assert likeness(bytes(data)) < -0.99
    data[data.index(tag) + 8] = 0
    assert likeness(bytes(data)) > 0.99


def test_unsigned_samples_of_12_and_32_bits_may_have_white_as_zero() -> None:
    assert likeness(tiff((4095 - PICTURE).astype(np.uint16), white_is_zero=True, bits=12)) > 0.99
    assert likeness(tiff((2**31 - 1 - 10**6 * PICTURE).astype(np.uint32), white_is_zero=True)) > 0.99


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_white_as_zero_with_a_second_sample_is_inverted_without_it(extra: int) -> None:
    opaque = np.full(PICTURE.shape, 255, np.uint8)
    for white_is_zero in (False, True):
        grey = stored("8 bits", white_is_zero)
        assert likeness(tiff(np.stack([grey, opaque], axis=-1), white_is_zero=white_is_zero, t338=extra)) > 0.99


def test_each_page_may_have_its_own_zero() -> None:
    inverted, plain = stored("16 bits", True), stored("16 bits", False)
    assert likeness(tiff(inverted, inverted, plain, white_is_zero=True)) > 0.99
    decoded = decode(tiff(inverted, inverted, white_is_zero=True))
    assert (decoded.mode, decoded.n_frames) == ("I;16", 2)


def test_only_tags_that_pillow_ignores_are_rewritten() -> None:
    for data in (b"", tiff(stored("8 bits", True), white_is_zero=True), tiff(stored("16 bits", False))):
        assert as_black_is_zero(data) == (data, False)
    deep = tiff(stored("16 bits", True), white_is_zero=True)
    rewritten, was_inverted = as_black_is_zero(deep)
    assert was_inverted
    assert sum(a != b for a, b in zip(deep, rewritten, strict=True)) == 1


@pytest.mark.parametrize("lost", [1, 4, 9, 60, 150])
def test_a_tiff_that_ends_within_its_directory_is_truncated(lost: int) -> None:
    data = tiff(stored("8 bits", False))
    with pytest.raises(RejectedInput, match="truncated TIFF"):
        decode(data[:-lost])


@pytest.mark.parametrize("start", [b"II+\0", b"MM\0+"])
def test_a_place_beyond_what_a_computer_can_address_is_truncated(start: bytes) -> None:
    with pytest.raises(RejectedInput, match="truncated TIFF"):
        as_black_is_zero(start + bytes(4) + b"\xff" * 9)

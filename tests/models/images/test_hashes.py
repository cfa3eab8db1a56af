from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roco.models.images.decode import decode
from roco.models.images.hamming import hex_distance
from roco.models.images.hashes import phash, phash_fine, small


def hashed(data: bytes) -> tuple[str, str]:
    pixels = small(decode(data).image)
    assert pixels is not None
    return phash(pixels), phash_fine(pixels)


def saved(image: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def picture(seed: int, side: int = 300) -> Image.Image:
    grey = np.random.default_rng(seed).integers(0, 255, (9, 9), dtype=np.uint8)
    return Image.fromarray(grey).resize((side, side), Image.Resampling.BICUBIC)


def test_the_first_hash_has_64_bits_and_the_second_576() -> None:
    first, second = hashed(saved(picture(1), "PNG"))
    assert (len(first), len(second)) == (16, 144)


@pytest.mark.parametrize("seed", range(8))
def test_a_png_and_its_jpeg_differ_in_two_bits_at_most(seed: int) -> None:
    image = picture(seed)
    png, jpeg = hashed(saved(image, "PNG")), hashed(saved(image, "JPEG", quality=80))
    assert hex_distance(png[0], jpeg[0]) <= 2
    assert hex_distance(png[1], jpeg[1]) <= 12


def test_hashes_do_not_depend_on_format_and_decoder() -> None:
    image = picture(3)
    found = {
        hashed(saved(image.convert(mode), form))
        for mode, form in (("L", "PNG"), ("RGB", "PNG"), ("L", "TIFF"), ("RGB", "BMP"))
    }
    assert len(found) == 1


def test_hashes_of_different_images_are_far_apart() -> None:
    found = [hashed(saved(picture(seed), "PNG"))[0] for seed in range(20)]
    assert min(hex_distance(a, b) for i, a in enumerate(found) for b in found[:i]) > 12


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_without_contrast_has_no_hash(level: int) -> None:
    assert small(Image.new("L", (200, 100), level)) is None


@pytest.mark.shared
def test_real_images_keep_their_hashes_when_saved_as_jpegs(shared: Path) -> None:
    far = []
    for path in sorted((shared / "data" / "radiology").rglob("*.png"))[:40]:
        decoded = decode(path.read_bytes())
        if small(decoded.image) is None:
            continue
        twin = saved(decoded.image.convert("L"), "JPEG", quality=90)
        far.append(hex_distance(hashed(path.read_bytes())[0], hashed(twin)[0]))
    assert len(far) > 20 and max(far) <= 2

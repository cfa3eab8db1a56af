from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.models.images import decode as decoding
from roco.models.images.complete import Incomplete
from roco.models.images.decode import decode, open_thumbnail, thumbnail

NOISE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
SMOOTH = np.stack(np.meshgrid(np.linspace(0, 255, 400), np.linspace(0, 255, 300))[:1] * 3, axis=-1).astype(np.uint8)


def save(image: Pillow.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


JPEG = save(Pillow.fromarray(NOISE), "JPEG", quality=90)
PNG = save(Pillow.fromarray(NOISE), "PNG")
FILES = [
    JPEG,
    PNG,
    save(Pillow.fromarray(NOISE), "TIFF"),
    save(Pillow.fromarray(NOISE), "TIFF", compression="tiff_lzw"),
    save(Pillow.fromarray(NOISE).convert("P"), "GIF"),
    save(Pillow.fromarray(NOISE), "WEBP"),
    save(Pillow.fromarray(NOISE), "BMP"),
    save(Pillow.fromarray(NOISE).convert("L"), "JPEG", progressive=True),
    save(Pillow.fromarray(NOISE).convert("CMYK"), "JPEG"),
    save(Pillow.fromarray(NOISE[..., 0].astype(np.uint16) * 40), "PNG"),
]


def refusal(data: bytes) -> str:
    with pytest.raises(RejectedInput) as caught:
        decode(data)
    return caught.value.message


def opened(jpeg: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(jpeg))


@pytest.mark.parametrize("part", [0.999, 0.99, 0.5])
def test_a_truncated_jpeg_is_unreadable(part: float) -> None:
    for data in (JPEG, save(Pillow.fromarray(SMOOTH), "JPEG"), FILES[7]):
        assert refusal(data[: int(len(data) * part)]) == "truncated JPEG"


def test_a_jpeg_cut_within_its_header_is_unreadable() -> None:
    assert refusal(JPEG[: len(JPEG) // 50])


@pytest.mark.parametrize("part", [0.99, 0.5])
def test_a_truncated_image_of_any_format_is_unreadable(part: float) -> None:
    for data in FILES:
        assert refusal(data[: int(len(data) * part)])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (b"\n <!DOCTYPE html><html>not found</html>", "HTML, not an image"),
        (b"\xef\xbb\xbf<html>", "HTML, not an image"),
        (b"<?xml version='1.0'?>", "XML, not an image"),
        (b"%PDF-1.7", "PDF, not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript, not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "SVG, not an image"),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), "unknown image format or corrupt header"),  # EPS with a preview
        (b"8BPS" + bytes(40), "unknown image format or corrupt header"),
        (b"SIMPLE  =                    T", "unknown image format or corrupt header"),  # FITS
        (b"just words", "unknown image format or corrupt header"),
    ],
)
def test_a_file_that_is_not_an_image_is_rejected_with_its_type(data: bytes, says: str) -> None:
    assert refusal(data) == says


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((15, 100), "15 x 100 px: sides must be 16 to 20000 px"),
        ((20_001, 16), "20001 x 16 px: sides must be 16 to 20000 px"),
        ((8_000, 7_000), "8000 x 7000 px: more than 50 megapixels"),
        ((10_000, 10_000), "more than 50 megapixels"),
        ((19_000, 19_000), "more than 50 megapixels"),
    ],
)
def test_a_size_out_of_bounds_is_rejected_by_the_header(size: tuple[int, int], says: str) -> None:
    assert refusal(save(Pillow.new("1", size), "PNG")) == says


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_are_decoded_to_the_same_pixels_as_by_pillow(mode: str) -> None:
    data = save(Pillow.fromarray(SMOOTH).convert(mode), "JPEG")
    decoded = decode(data)
    expected = Pillow.open(io.BytesIO(data)).convert("L" if mode == "L" else "RGB")
    assert np.array_equal(decoded.pixels, np.asarray(expected))
    assert decoded.mode == mode


def test_a_16_bit_image_is_windowed_and_not_clipped_at_255() -> None:
    ramp = np.tile(np.linspace(1000, 40000, 200).astype(np.uint16), (50, 1))
    for kind in ("PNG", "TIFF"):
        decoded = decode(save(Pillow.fromarray(ramp), kind))
        assert decoded.mode.startswith("I;16")
        assert (decoded.pixels.min(), decoded.pixels.max()) == (0, 255)
        assert 120 < decoded.pixels.mean() < 135


def deep_pixels(samples: np.ndarray, kind: str = "TIFF") -> np.ndarray:
    return decode(save(Pillow.fromarray(samples), kind)).pixels


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_samples_are_mapped_from_the_half_percentile_to_the_99th_and_a_half(dtype: type) -> None:
    samples = np.arange(10_000).reshape(100, 100).astype(dtype)
    low, high = np.percentile(np.arange(10_000), (0.5, 99.5))
    expected = np.clip(np.rint((np.arange(10_000) - low) * 255 / (high - low)), 0, 255).reshape(100, 100)
    difference = np.abs(deep_pixels(samples) - expected)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01  # float32 rounds a few samples the other way


def test_few_extreme_samples_do_not_change_the_window() -> None:
    samples = np.tile(np.arange(1000, 1100, dtype=np.uint16), (100, 1))
    expected = deep_pixels(samples)
    samples[0, 0], samples[50, 50] = 0, 65_535  # a burnt-in marker
    pixels = deep_pixels(samples)
    assert (pixels[0, 0], pixels[50, 50]) == (0, 255)
    unchanged = np.ones_like(pixels, bool)
    unchanged[0, 0] = unchanged[50, 50] = False
    assert np.abs(pixels.astype(int) - expected)[unchanged].max() <= 1


def test_the_window_of_a_large_image_is_estimated_from_a_sample() -> None:
    ramp = np.tile(np.arange(2000, dtype=np.uint16), (1500, 1))
    pixels = deep_pixels(ramp, "PNG")
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert abs(float(pixels.mean()) - 127.5) < 1


def test_a_deep_image_of_one_value_is_black() -> None:
    assert not deep_pixels(np.full((20, 20), 40_000, np.uint16)).any()


def test_an_image_of_floats_may_contain_nan_and_infinity_or_be_constant() -> None:
    odd = np.full((20, 20), 7.0, np.float32)
    assert decode(save(Pillow.fromarray(odd), "TIFF")).pixels.shape == (20, 20)
    odd[0, :3] = np.nan, np.inf, -np.inf
    assert decode(save(Pillow.fromarray(odd), "TIFF")).pixels.shape == (20, 20)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_become_white(mode: str) -> None:
    decoded = decode(save(Pillow.new(mode, (20, 20)), "PNG"))
    assert decoded.mode == mode
    assert (decoded.pixels == 255).all()
    assert decoded.pixels.ndim == (2 if mode == "LA" else 3)


def test_a_palette_becomes_rgb_with_its_transparent_colour_on_white() -> None:
    palette = Pillow.fromarray(NOISE).quantize(8)
    assert decode(save(palette, "PNG")).pixels.shape == (90, 120, 3)
    palette.paste(3, (0, 0, 120, 90))
    assert (decode(save(palette, "GIF", transparency=3)).pixels == 255).all()


def test_the_first_of_several_frames_is_decoded() -> None:
    first, *others = (Pillow.new("L", (30, 30), grey) for grey in (0, 120, 255))
    for kind, options in {"GIF": {}, "TIFF": {}, "PNG": {}, "WEBP": {"lossless": True}}.items():
        decoded = decode(save(first, kind, save_all=True, append_images=others, **options))
        assert (kind, decoded.pixels.max(), decoded.n_frames) == (kind, 0, 3)


def test_an_mpo_file_is_a_jpeg_with_several_frames() -> None:
    frame = Pillow.fromarray(NOISE)
    decoded = decode(save(frame, "MPO", save_all=True, append_images=[frame]))
    assert (decoded.format, decoded.n_frames) == ("JPEG", 2)


def test_at_most_a_thousand_frames_are_counted() -> None:
    gif = save(Pillow.new("L", (16, 16), 9), "GIF")
    picture = gif[13 + (3 << ((gif[10] & 7) + 1)) : -1]
    assert decode(gif[:-1] + picture * 2000 + b";").n_frames == 1000
    page = bytearray(save(Pillow.new("L", (16, 16)), "TIFF"))
    at = int.from_bytes(page[4:8], "little")
    end = at + 2 + 12 * int.from_bytes(page[at : at + 2], "little")
    page[end : end + 4] = at.to_bytes(4, "little")  # a page that names itself as the next
    assert decode(bytes(page)).n_frames >= 1


def test_a_rotated_photograph_is_turned_upright_and_its_size_is_the_stored_one() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    decoded = decode(save(Pillow.fromarray(SMOOTH), "JPEG", exif=exif))
    assert (decoded.width, decoded.height) == (400, 300)
    assert decoded.pixels.shape == (400, 300, 3)
    assert opened(thumbnail(decoded)).size == (210, 280)


def test_each_orientation_of_exif_gives_the_same_upright_image() -> None:
    corner = np.full((32, 48), 255, np.uint8)
    corner[:16, :16] = 0  # upright, the dark corner is at the top left
    stored = {1: corner, 2: corner[:, ::-1], 3: corner[::-1, ::-1], 4: corner[::-1], 5: corner.T,
              6: corner.T[::-1], 7: corner.T[::-1, ::-1], 8: corner.T[:, ::-1]}  # fmt: skip
    for orientation, pixels in stored.items():
        exif = Pillow.Exif()
        exif[0x0112] = orientation
        image = Pillow.fromarray(np.ascontiguousarray(pixels))
        for kind in ("PNG", "TIFF"):
            assert np.array_equal(decode(save(image, kind, exif=exif)).pixels, corner), (kind, orientation)


def test_a_thumbnail_is_opened_as_rgb_with_its_pixels() -> None:
    opened_again = open_thumbnail(thumbnail(decode(save(Pillow.new("L", (400, 200), 90), "PNG"))))
    assert (opened_again.mode, opened_again.size) == ("RGB", (280, 140))
    assert opened_again.getpixel((140, 70)) == (90, 90, 90)


def test_a_thumbnail_is_small_reproducible_and_without_metadata() -> None:
    exif = Pillow.Exif()
    exif[0x010E] = "JOHN DOE"
    large = Pillow.fromarray(SMOOTH).resize((2000, 500))
    data = save(large, "JPEG", exif=exif, comment=b"JOHN DOE", icc_profile=b"JOHN DOE")
    small = thumbnail(decode(data))
    assert small == thumbnail(decode(data))
    assert b"JOHN" not in small
    assert opened(small).size == (280, 70)
    assert opened(small).mode == "RGB"
    assert opened(thumbnail(decode(save(large.convert("L"), "PNG")))).mode == "L"


def test_a_very_long_image_still_has_a_thumbnail() -> None:
    assert opened(thumbnail(decode(save(Pillow.new("L", (20_000, 16)), "PNG")))).size == (280, 1)


@settings(max_examples=60)
@given(st.integers(0, len(JPEG) - 1), st.integers(0, 7))
def test_the_fast_jpeg_decoder_accepts_no_file_that_pillow_rejects(at: int, bit: int) -> None:
    damaged = bytearray(JPEG)
    damaged[at] ^= 1 << bit
    header = decoding._open(bytes(JPEG))
    try:
        image = decoding._load_jpeg(header, bytes(damaged))
    except Incomplete:
        return
    if image is not None:
        Pillow.open(io.BytesIO(bytes(damaged))).load()


@pytest.mark.shared
def test_real_images_decode(shared: Path) -> None:
    paths = sorted((shared / "data" / "images").rglob("*.*"))
    for path in [path for path in paths if path.suffix.lower() in (".jpg", ".jpeg", ".png")][::10]:
        assert thumbnail(decode(path.read_bytes())), path

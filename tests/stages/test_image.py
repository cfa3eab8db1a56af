from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.base.schema import COLUMNS
from roco.stages import image as stage
from roco.stages.image import Image, decode, thumbnail

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


def batch(*files: bytes | None, drops: list[str | None] | None = None, name: str = "f1.jpg") -> pa.Table:
    n = len(files)
    return pa.table(
        {
            "figure_id": pa.array([f"PMC1/f{i}/0" for i in range(n)]),
            "drop": pa.array(drops or [None] * n, pa.string()),
            "drop_detail": pa.nulls(n, pa.string()),
            "article_key": pa.array(["PMC1"] * n),
            "file": pa.array([name] * n),
            "bytes": pa.array(files, pa.large_binary()),
        }
    )


def refusal(data: bytes) -> str:
    with pytest.raises(RejectedInput) as caught:
        decode(data)
    return caught.value.message


def opened(jpeg: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(jpeg))


def test_a_jpeg_gets_its_facts_its_keys_and_a_thumbnail() -> None:
    row = Image()(batch(JPEG)).to_pylist()[0]
    digest = hashlib.sha256(JPEG).hexdigest()
    assert (row["format"], row["width"], row["height"], row["mode"]) == ("JPEG", 120, 90, "RGB")
    assert (row["n_bytes"], row["sha256"], row["image_key"]) == (len(JPEG), digest, f"PMC1-{digest}")
    assert opened(row["thumbnail"]).size == (120, 90)
    assert (row["n_frames"], row["declared"], row["private"]) == (1, "JPEG", [])
    assert row["drop"] is None


def test_columns_have_the_types_that_are_declared() -> None:
    table = Image()(batch(JPEG, None, b""))
    for name in (*Image.writes, *Image.lends):
        assert table[name].type == COLUMNS[name].type
    assert Image()(batch()).num_rows == 0


def test_a_figure_without_bytes_or_with_a_reason_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "decode", None)
    table = Image()(batch(None, JPEG, drops=["missing", "language"]))
    assert table["drop"].to_pylist() == ["missing", "language"]
    assert all(table[name].null_count == 2 for name in (*Image.writes, *Image.lends))


def test_an_image_is_decoded_once_and_twice_the_same_file_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(stage, "decode", lambda data: calls.append(data) or decode(data))
    table = Image()(batch(JPEG, PNG, JPEG))
    assert calls == [JPEG, PNG]
    assert table["image_key"].to_pylist()[0] == table["image_key"].to_pylist()[2]


def test_an_unreadable_image_leaves_with_its_reason_and_keeps_its_hash() -> None:
    row = Image()(batch(JPEG[: len(JPEG) // 2])).to_pylist()[0]
    assert (row["drop"], row["drop_detail"]) == ("unreadable", "truncated JPEG")
    assert row["sha256"] and row["n_bytes"]
    assert row["format"] is row["width"] is row["thumbnail"] is None


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
        (b"\xc5\xd0\xd3\xc6" + bytes(40), "no known image format, or its header is damaged"),  # EPS with a preview
        (b"8BPS" + bytes(40), "no known image format, or its header is damaged"),
        (b"SIMPLE  =                    T", "no known image format, or its header is damaged"),  # FITS
        (b"just words", "no known image format, or its header is damaged"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(data: bytes, says: str) -> None:
    assert refusal(data) == says


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((15, 100), "15 x 100 px: a side must have 16 to 20000 px"),
        ((20_001, 16), "20001 x 16 px: a side must have 16 to 20000 px"),
        ((8_000, 7_000), "8000 x 7000 px: more than 50 megapixels"),
        ((10_000, 10_000), "more than 50 megapixels"),
        ((19_000, 19_000), "more than 50 megapixels"),
    ],
)
def test_a_size_out_of_bounds_is_refused_by_the_header(size: tuple[int, int], says: str) -> None:
    assert refusal(save(Pillow.new("1", size), "PNG")) == says


def test_an_image_that_needs_too_much_memory_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(data: bytes) -> stage.Decoded:
        raise MemoryError

    monkeypatch.setattr(stage, "decode", exhausted)
    row = Image()(batch(JPEG)).to_pylist()[0]
    assert (row["drop"], row["drop_detail"]) == ("unreadable", "needs more memory than there is")


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_have_the_pixels_that_pillow_gives_them(mode: str) -> None:
    data = save(Pillow.fromarray(SMOOTH).convert(mode), "JPEG")
    decoded = decode(data)
    expected = Pillow.open(io.BytesIO(data)).convert("L" if mode == "L" else "RGB")
    assert np.array_equal(decoded.pixels, np.asarray(expected))
    assert decoded.mode == mode


def test_a_16_bit_image_is_windowed_and_not_saturated() -> None:
    ramp = np.tile(np.linspace(1000, 40000, 200).astype(np.uint16), (50, 1))
    for kind in ("PNG", "TIFF"):
        decoded = decode(save(Pillow.fromarray(ramp), kind))
        assert decoded.mode.startswith("I;16")
        assert (decoded.pixels.min(), decoded.pixels.max()) == (0, 255)
        assert 120 < decoded.pixels.mean() < 135


def test_an_image_of_floats_survives_nan_infinity_and_one_value() -> None:
    odd = np.full((20, 20), 7.0, np.float32)
    assert decode(save(Pillow.fromarray(odd), "TIFF")).pixels.shape == (20, 20)
    odd[0, :3] = np.nan, np.inf, -np.inf
    assert decode(save(Pillow.fromarray(odd), "TIFF")).pixels.shape == (20, 20)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_lie_on_white(mode: str) -> None:
    decoded = decode(save(Pillow.new(mode, (20, 20)), "PNG"))
    assert decoded.mode == mode
    assert (decoded.pixels == 255).all()
    assert decoded.pixels.ndim == (2 if mode == "LA" else 3)


def test_a_palette_becomes_rgb_with_its_transparent_colour_on_white() -> None:
    palette = Pillow.fromarray(NOISE).quantize(8)
    assert decode(save(palette, "PNG")).pixels.shape == (90, 120, 3)
    palette.paste(3, (0, 0, 120, 90))
    assert (decode(save(palette, "GIF", transparency=3)).pixels == 255).all()


def test_the_first_frame_of_several_counts() -> None:
    first, *others = (Pillow.new("L", (30, 30), grey) for grey in (0, 120, 255))
    for kind, options in {"GIF": {}, "TIFF": {}, "PNG": {}, "WEBP": {"lossless": True}}.items():
        decoded = decode(save(first, kind, save_all=True, append_images=others, **options))
        assert (kind, decoded.pixels.max(), decoded.n_frames) == (kind, 0, 3)


def test_a_jpeg_with_frames_behind_it_is_a_jpeg() -> None:
    frame = Pillow.fromarray(NOISE)
    decoded = decode(save(frame, "MPO", save_all=True, append_images=[frame]))
    assert (decoded.format, decoded.n_frames) == ("JPEG", 2)


def test_frames_without_end_are_counted_to_a_thousand() -> None:
    gif = save(Pillow.new("L", (16, 16), 9), "GIF")
    picture = gif[13 + (3 << ((gif[10] & 7) + 1)) : -1]
    assert decode(gif[:-1] + picture * 2000 + b";").n_frames == 1000
    page = bytearray(save(Pillow.new("L", (16, 16)), "TIFF"))
    at = int.from_bytes(page[4:8], "little")
    end = at + 2 + 12 * int.from_bytes(page[at : at + 2], "little")
    page[end : end + 4] = at.to_bytes(4, "little")  # a page that names itself as the next
    assert decode(bytes(page)).n_frames >= 1


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_gif_whose_blocks_are_damaged_is_counted_without_harm(cut: int) -> None:
    gif = save(Pillow.fromarray(NOISE).convert("P"), "GIF")
    assert stage.gif_frames(gif[: 13 + cut]) == 1


def test_a_turned_photograph_is_set_upright_and_keeps_its_stored_size() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    decoded = decode(save(Pillow.fromarray(SMOOTH), "JPEG", exif=exif))
    assert (decoded.width, decoded.height) == (400, 300)
    assert decoded.pixels.shape == (400, 300, 3)
    assert opened(thumbnail(decoded)).size == (210, 280)


def test_the_name_of_a_file_does_not_matter_but_what_is_in_it() -> None:
    row = Image()(batch(PNG, name="figure.JPG")).to_pylist()[0]
    assert (row["format"], row["declared"], row["drop"]) == ("PNG", "JPEG", None)


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.tif", "TIFF"), ("A.JPEG", "JPEG"), ("a.b.webp", "WEBP"), ("a.eps", None), ("a", None), ("", None)],
)
def test_a_name_claims_a_format_by_its_extension(name: str, format: str | None) -> None:
    assert stage.declared(name) == format


def test_the_same_file_under_two_names_has_two_claims() -> None:
    table = batch(PNG, PNG)
    names = pa.array(["a.jpg", "a.png"])
    rows = Image()(table.set_column(table.column_names.index("file"), "file", names))
    assert rows["declared"].to_pylist() == ["JPEG", "PNG"]


def test_names_in_the_metadata_are_reported_and_stay_in_the_original() -> None:
    exif = Pillow.Exif()
    exif[0x013B] = "JOHN DOE"
    data = save(Pillow.fromarray(NOISE), "JPEG", exif=exif)
    row = Image()(batch(data)).to_pylist()[0]
    assert row["private"] == ["EXIF Artist"]
    assert row["sha256"] == hashlib.sha256(data).hexdigest() and b"JOHN DOE" in data
    assert b"JOHN" not in row["thumbnail"]


def test_a_thumbnail_is_small_plain_and_the_same_each_time() -> None:
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


@settings(max_examples=150)
@given(
    data=st.sampled_from(FILES),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=8),
    part=st.floats(0, 1),
)
def test_damaged_files_end_in_a_decode_or_a_reason(data: bytes, flips: list[tuple[float, int]], part: float) -> None:
    damaged = bytearray(data)
    for at, bit in flips:
        damaged[int(at * len(damaged))] ^= 1 << bit
    damaged = damaged[: int(len(damaged) * part)] if part < 0.5 else damaged
    row = Image()(batch(bytes(damaged))).to_pylist()[0]
    assert (row["drop"] is None) == (row["thumbnail"] is not None)
    assert row["drop"] is None or (row["drop"] == "unreadable" and row["drop_detail"])


@settings(max_examples=100)
@given(st.binary(max_size=300) | st.builds(lambda a, b: a[:12] + b, st.sampled_from(FILES), st.binary(max_size=200)))
def test_any_bytes_end_in_a_decode_or_a_reason(data: bytes) -> None:
    assert Image()(batch(data))["drop"].to_pylist()[0] in (None, "unreadable")


@settings(max_examples=60)
@given(st.integers(0, len(JPEG) - 1), st.integers(0, 7))
def test_the_fast_decoder_is_never_laxer_than_pillow(at: int, bit: int) -> None:
    damaged = bytearray(JPEG)
    damaged[at] ^= 1 << bit
    header = stage._open(bytes(JPEG))
    if stage._fast_jpeg(bytes(damaged), header) is not None:
        Pillow.open(io.BytesIO(bytes(damaged))).load()


@pytest.mark.shared
def test_real_images_decode(shared: Path) -> None:
    paths = sorted((shared / "data" / "images").rglob("*.*"))
    for path in [path for path in paths if path.suffix.lower() in (".jpg", ".jpeg", ".png")][::10]:
        assert thumbnail(decode(path.read_bytes())), path

"""A file that is kept decodes completely, with all its frames, by whoever opens it."""

from __future__ import annotations

import io
import itertools
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.base.formats import FORMATS
from roco.models.images import frames
from roco.models.images.complete import Incomplete, after_report
from roco.models.images.decode import decode
from roco.models.images.gif import walk_gif
from tests.models.images.test_decode import save

SIZE = (90, 120)
NOISE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
SMOOTH = np.add.outer(np.arange(SIZE[0]), np.arange(SIZE[1])).astype(np.uint8)
COLOUR, GREY = Pillow.fromarray(NOISE), Pillow.fromarray(SMOOTH)
FRAMES = [Pillow.fromarray(np.roll(SMOOTH, 9 * k, axis=1)) for k in range(3)]
DEEP = Pillow.fromarray(SMOOTH.astype(np.uint16) * 200)


def animated(kind: str, mode: str = "L") -> bytes:
    first, *others = (frame.convert(mode) for frame in FRAMES)
    return save(first, kind, save_all=True, append_images=others)


FILES = {
    "JPEG": [save(COLOUR, "JPEG"), save(GREY, "JPEG", progressive=True), save(COLOUR.convert("CMYK"), "JPEG")],
    "PNG": [save(COLOUR, "PNG"), save(GREY, "PNG"), save(COLOUR.convert("P"), "PNG"), save(DEEP, "PNG")],
    "WEBP": [save(COLOUR, "WEBP"), save(GREY, "WEBP", lossless=True)],
    "TIFF": [save(GREY, "TIFF", compression=name) for name in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")],
    "GIF": [save(GREY, "GIF"), save(COLOUR.convert("P"), "GIF")],
    "BMP": [save(COLOUR, "BMP"), save(GREY, "BMP")],
}
ANIMATED = {kind: animated(kind, "RGB" if kind in ("WEBP", "MPO") else "L") for kind in ("PNG", "GIF", "TIFF", "WEBP")}


def decode_strictly(data: bytes) -> None:
    """Decodes all frames as Pillow does, and checks all checksums that Pillow can check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Pillow.open(io.BytesIO(data)).verify()
        image = Pillow.open(io.BytesIO(data))
        image.load()
        for number in range(1, getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()


def is_kept(data: bytes) -> bool:
    try:
        decode(data)
    except RejectedInput as err:
        assert err.message
        return False
    return True


def flipped(data: bytes, at: float, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[int(at * len(data))] ^= 1 << bit
    return bytes(damaged)


damage = st.tuples(st.sampled_from(["flip", "cut", "short"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))


def damaged(data: bytes, how: str, at: float, bit: int) -> bytes:
    if how == "flip":
        return flipped(data, at, bit)
    return data[: int(at * len(data))] if how == "cut" else data[: len(data) - 1 - bit]


def test_there_are_files_of_every_format_that_is_decoded() -> None:
    assert set(FILES) == set(FORMATS)
    for data in (*ANIMATED.values(), *itertools.chain(*FILES.values())):
        decode_strictly(data)
        assert is_kept(data)


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=150)
@given(number=st.integers(0, 3), change=damage)
def test_a_damaged_file_that_is_kept_decodes_strictly(kind: str, number: int, change: tuple[str, float, int]) -> None:
    data = damaged(FILES[kind][number % len(FILES[kind])], *change)
    if is_kept(data):
        decode_strictly(data)


@pytest.mark.parametrize("kind", ANIMATED)
@settings(max_examples=100)
@given(change=damage)
def test_a_damaged_file_of_several_frames_that_is_kept_decodes_strictly(
    kind: str, change: tuple[str, float, int]
) -> None:
    data = damaged(ANIMATED[kind], *change)
    if is_kept(data):
        decode_strictly(data)


# --- PNG


@settings(max_examples=200)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_one_flipped_bit_anywhere_in_a_png_makes_it_unreadable(at: float, bit: int) -> None:
    assert not is_kept(flipped(FILES["PNG"][0], at, bit))


def test_a_png_without_its_end_is_truncated_and_bytes_after_it_are_ignored() -> None:
    data = FILES["PNG"][1]
    for lost in (1, 4, 12):
        with pytest.raises(RejectedInput, match="truncated PNG"):
            decode(data[:-lost])
    assert is_kept(data + b"junk")


# --- JPEG


def test_a_jpeg_that_ends_in_the_middle_with_a_valid_end_is_corrupt() -> None:
    for data in FILES["JPEG"]:
        with pytest.raises(RejectedInput, match="corrupt JPEG"):
            decode(data[: len(data) * 2 // 3] + b"\xff\xd9")


def test_zeros_after_the_pixels_of_a_jpeg_are_padding_and_other_bytes_are_not() -> None:
    data = FILES["JPEG"][0]
    assert is_kept(data[:-2] + bytes(40) + data[-2:])
    assert not is_kept(data[:-2] + b"pixels that were not decoded" + data[-2:])
    report = "Corrupt JPEG data: {} extraneous bytes before marker 0xd9"
    start, end = b"\xff\xd8", b"\xff\xd9"
    assert after_report(report.format(8), start + bytes(9) + end, was_padded=False) == start + b"\0" + end
    assert after_report(report.format(1), start + b"x\0" + end, was_padded=True) == start + b"x" + end
    with pytest.raises(Incomplete):  # too short for padding: a flipped bit may leave it
        after_report(report.format(1), start + b"x\0" + end, was_padded=False)


@pytest.mark.parametrize("after", [b"", bytes(5), b"after the end"])
def test_a_padded_jpeg_is_read_as_without_its_padding(after: bytes) -> None:
    data = FILES["JPEG"][0]
    end = data.rindex(b"\xff\xd9")
    for n_zeros in range(16, 80):
        padded = data[:end] + bytes(n_zeros) + b"\xff\xd9" + after
        assert decode(padded).image == decode(data).image


def test_padding_hides_no_bytes_for_which_a_jpeg_is_refused_without_it() -> None:
    data = FILES["JPEG"][0]
    for n_bytes, n_zeros in itertools.product(range(1, 14), (8, 9, 20, 40)):
        rest = b"pixels of more"[:n_bytes]
        if is_kept(data[:-2] + rest + bytes(n_zeros) + data[-2:]):
            assert is_kept(data[:-2] + rest + data[-2:])


def test_the_padding_of_a_thumbnail_is_not_taken_for_that_of_the_image() -> None:
    data = FILES["JPEG"][0]
    thumbnail = b"JFXX" + data + bytes(40) + b"\xff\xd9"
    segment = b"\xff\xe0" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    padded = data[:2] + segment + data[2:-2] + bytes(40) + data[-2:]
    assert decode(padded).image == decode(data).image


@pytest.mark.parametrize(
    "report", ["Warning: unknown JFIF revision number 2.01", "Unsupported color conversion request"]
)
def test_a_report_that_is_not_about_pixels_is_harmless(report: str) -> None:
    assert after_report(report, b"", was_padded=False) is None


@pytest.mark.parametrize(
    "report",
    [
        "Corrupt JPEG data: bad Huffman code",
        "Invalid SOS parameters for sequential JPEG",
        "Bogus marker length",
        "Warning: unknown JFIF revision number 17.01",
    ],
)
def test_every_other_report_of_libjpeg_makes_a_jpeg_corrupt(report: str) -> None:
    with pytest.raises(Incomplete, match="corrupt"):
        after_report(report, b"", was_padded=False)


def test_a_jpeg_whose_file_ends_before_its_pixels_is_truncated() -> None:
    with pytest.raises(Incomplete, match="truncated"):
        after_report("Premature end of JPEG file", b"", was_padded=False)


def test_a_jpeg_with_invalid_parameters_of_its_scan_is_unreadable() -> None:
    data = bytearray(FILES["JPEG"][0])
    scan = data.index(b"\xff\xda")
    end_of_spectrum = scan + 2 + 2 + 1 + 2 * 3 + 1  # marker, length, number of components, the components, start
    assert data[end_of_spectrum] == 63
    data[end_of_spectrum] = 62
    Pillow.open(io.BytesIO(bytes(data))).load()  # Pillow accepts it
    assert not is_kept(bytes(data))


# --- BMP


@pytest.mark.parametrize(
    ("bits", "colours", "is_valid"), [(8, 256, True), (8, 0, True), (8, 257, False), (8, 3780, False)]
)
def test_the_palette_of_a_bmp_has_the_colours_that_its_bits_can_number(bits: int, colours: int, is_valid: bool) -> None:
    data = bytearray(FILES["BMP"][1])
    assert data[28] == bits
    data[46:50] = colours.to_bytes(4, "little")
    assert is_kept(bytes(data)) == is_valid


# --- several frames


def test_a_file_whose_second_frame_is_corrupt_is_unreadable() -> None:
    for kind in ("PNG", "TIFF"):
        data = bytearray(ANIMATED[kind])
        data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
        with pytest.raises(RejectedInput, match=f"(corrupt|truncated) {kind}"):
            decode(bytes(data))


def test_a_gif_is_complete_if_it_has_its_trailer() -> None:
    gif = ANIMATED["GIF"]
    assert walk_gif(gif) == (3, True)
    assert walk_gif(gif[:-1] + b"\0\0;") == (3, True)  # padding after a frame is skipped
    assert not walk_gif(gif[:-1] + b"\0\7;").is_complete  # other bytes belonged to something
    header = 13 + 3 * 256
    assert gif[10] & 0x87 == 0x87
    assert not walk_gif(gif[:header] + b"\0" + gif[header:]).is_complete
    for lost in range(1, len(gif) - 13, 97):
        assert not walk_gif(gif[:-lost]).is_complete
        assert not is_kept(gif[:-lost])


def test_frames_of_too_many_pixels_together_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_PIXELS_OF_ALL", 3 * SIZE[0] * SIZE[1])
    assert is_kept(ANIMATED["TIFF"])
    monkeypatch.setattr(frames, "MOST_PIXELS_OF_ALL", SIZE[0] * SIZE[1])
    for data in ANIMATED.values():
        with pytest.raises(RejectedInput, match="frames of more than"):
            decode(data)


def test_a_jpeg_that_lost_its_other_images_is_an_ordinary_jpeg() -> None:
    mpo = save(COLOUR, "MPO", save_all=True, append_images=[GREY.convert("RGB")])
    assert decode(mpo).n_frames == 2
    first_end = mpo.index(b"\xff\xd9") + 2
    assert decode(mpo[:first_end]).n_frames == 1
    assert not is_kept(mpo[:-200])

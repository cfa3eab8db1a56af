"""A TIFF is kept if libtiff itself reads all its pages."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.models.images.decode import decode
from roco.models.images.tiff_pages import has_invalid_pages
from tests.models.images.test_decode import save
from tests.models.images.tiffs import tiff

GREY = np.add.outer(np.arange(72), 2 * np.arange(96)).astype(np.uint8)
PICTURE = Pillow.fromarray(GREY)
WHOLE = {
    "uncompressed": tiff(GREY), "tiles": tiff(GREY, tile=32), "big": tiff(GREY, big=True), "other order": tiff(GREY,
    order=">"),
    "16 bits": tiff(GREY.astype(np.uint16)), "two pages": tiff(GREY, GREY),
    "JPEG": save(PICTURE, "TIFF", compression="jpeg"), "LZW": save(PICTURE, "TIFF", compression="tiff_lzw"),
    "fax": save(PICTURE.convert("1"), "TIFF", compression="group4"), "packbits": save(PICTURE, "TIFF",
    compression="packbits"),
}  # fmt: skip
HEIGHT, PHOTOMETRIC, STRIP_OFFSETS = 257, 262, 273


def with_tag(data: bytes, tag: int, value: int | None) -> bytes:
    """Returns a small TIFF in little-endian order with another value of a tag, or with None without the tag."""
    changed = bytearray(data)
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = [at + 2 + 12 * i for i in range(count)]
    place = next(entry for entry in entries if struct.unpack_from("<H", data, entry)[0] == tag)
    if value is None:
        struct.pack_into("<H", changed, place, 60_000)  # a tag that nobody knows
    else:
        struct.pack_into("<I", changed, place + 8, value)
    return bytes(changed)


@pytest.mark.parametrize("name", WHOLE)
def test_a_tiff_that_libtiff_reads_is_kept(name: str) -> None:
    assert not has_invalid_pages(WHOLE[name])
    assert decode(WHOLE[name]).width == 96


@pytest.mark.parametrize(("tag", "value"), [(HEIGHT, 8264), (HEIGHT, 73), (PHOTOMETRIC, None), (STRIP_OFFSETS, None)])
def test_a_directory_that_contradicts_the_pixels_makes_the_file_unreadable(tag: int, value: int | None) -> None:
    data = with_tag(WHOLE["uncompressed"], tag, value)
    with pytest.raises(RejectedInput, match=r"TIFF|header"):
        decode(data)


def test_pillow_invents_the_rows_that_an_uncompressed_tiff_lacks() -> None:
    """This is why libtiff is asked: the file of 72 rows says that it has 584."""
    data = with_tag(WHOLE["uncompressed"], HEIGHT, 584)
    image = Pillow.open(io.BytesIO(data))
    image.load()
    assert image.size == (96, 584)
    assert has_invalid_pages(data)


def test_a_corrupt_jpeg_within_a_tiff_makes_the_file_unreadable() -> None:
    data = bytearray(WHOLE["JPEG"])
    scan = data.index(b"\xff\xda") + 14
    data[scan + 40 : scan + 44] = b"\xff\xd9\xff\xd9"
    Pillow.open(io.BytesIO(bytes(data))).load()  # Pillow accepts it
    with pytest.raises(RejectedInput, match="corrupt TIFF"):
        decode(bytes(data))


def test_a_damaged_second_page_is_found() -> None:
    data = bytearray(WHOLE["two pages"])
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * count)
    struct.pack_into("<I", data, 4, second)  # the second page as the first, to change its tag
    damaged = bytearray(with_tag(bytes(data), HEIGHT, 500))
    struct.pack_into("<I", damaged, 4, first)
    assert has_invalid_pages(bytes(damaged))


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0" + bytes(40), b"MM\0*" + b"\xff" * 40])
def test_what_is_no_tiff_has_no_valid_pages(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert has_invalid_pages(data)
    assert capfd.readouterr().err == ""

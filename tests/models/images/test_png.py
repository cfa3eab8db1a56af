"""A PNG is complete if its chunks are valid and every frame has all of its pixels."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow

from roco.base.errors import RejectedInput
from roco.models.images.decode import decode
from roco.models.images.png import png_problem
from tests.models.images.test_decode import save

GREY = np.add.outer(np.arange(37), 2 * np.arange(43)).astype(np.uint8)
IMAGE = Pillow.fromarray(GREY)
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    listed, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        listed.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return listed


def join(listed: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in listed)


def without_last_byte(png: bytes, kind: bytes = b"IDAT") -> bytes:
    """Returns a PNG with valid chunks, the pixels of whose last frame lack one byte before compression."""
    listed = chunks(png)
    (at,) = [n for n, (name, _) in enumerate(listed) if name == kind][-1:]
    number = listed[at][1][:4] if kind == b"fdAT" else b""
    pixels = zlib.decompress(listed[at][1][len(number) :])
    listed[at] = kind, number + zlib.compress(pixels[:-1])
    return join(listed)


def interlaced() -> bytes:
    rows = b""
    for top, left, down, across in PASSES:
        for row in GREY[top::down, left::across]:
            rows += b"\0" + row.tobytes()
    header = struct.pack(">IIBBBBB", GREY.shape[1], GREY.shape[0], 8, 0, 0, 0, 1)
    return join([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


WHOLE = {
    "1": save(IMAGE.convert("1"), "PNG"),
    "L": save(IMAGE, "PNG"),
    "LA": save(IMAGE.convert("LA"), "PNG"),
    "P": save(IMAGE.convert("P"), "PNG"),
    "RGB": save(IMAGE.convert("RGB"), "PNG"),
    "RGBA": save(IMAGE.convert("RGBA"), "PNG"),
    "16 bits": save(Pillow.fromarray(GREY.astype(np.uint16) * 200), "PNG"),
    "interlaced": interlaced(),
}


@pytest.mark.parametrize("mode", WHOLE)
def test_a_png_that_lacks_the_last_byte_of_its_pixels_is_truncated(mode: str) -> None:
    assert png_problem(WHOLE[mode]) is None
    decode(WHOLE[mode])
    with pytest.raises(RejectedInput, match="truncated PNG"):
        decode(without_last_byte(WHOLE[mode]))


def test_an_interlaced_png_shows_the_picture() -> None:
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(WHOLE["interlaced"]))), GREY)


def test_a_later_frame_that_lacks_pixels_makes_the_png_truncated() -> None:
    png = save(IMAGE, "PNG", save_all=True, append_images=[Pillow.fromarray(GREY[::-1])])
    assert png_problem(png) is None
    assert png_problem(without_last_byte(png, b"fdAT")) == "truncated"


def test_pixels_in_several_chunks_are_read_as_one() -> None:
    (first, (_, pixels), last) = chunks(WHOLE["L"])
    pieces = [(b"IDAT", pixels[at : at + 7]) for at in range(0, len(pixels), 7)]
    assert png_problem(join([first, (b"IDAT", b""), *pieces, last])) is None
    assert png_problem(join([first, *pieces[:-2], last])) == "truncated"


@pytest.mark.parametrize("header", [b"", struct.pack(">IIBBBBB", 43, 37, 8, 9, 0, 0, 0)])
def test_a_header_that_is_none_makes_the_png_corrupt(header: bytes) -> None:
    assert png_problem(join([(b"IHDR", header), *chunks(WHOLE["L"])[1:]])) == "corrupt"


def _orders() -> dict[str, list[tuple[bytes, bytes]]]:
    """Returns chunks in orders that libpng refuses and Pillow reads."""
    header, pixels, end = chunks(WHOLE["L"])
    colours = chunks(save(Pillow.fromarray(GREY).convert("P"), "PNG"))
    palette = next(one for one in colours if one[0] == b"PLTE")
    without_palette = [one for one in colours if one[0] != b"PLTE"]
    text = (b"tEXt", b"a\0b")
    return {
        "pixels before the header": [pixels, header, pixels, end],
        "two headers": [header, header, pixels, end],
        "a chunk before the header": [text, header, pixels, end],
        "a palette after the pixels": [*without_palette[:-1], palette, end],
        "two palettes": [colours[0], palette, *colours[1:]],
        "no palette": without_palette,
        "a palette of 767 bytes": [(k, d[:-1] if k == b"PLTE" else d) for k, d in colours],
        "text among the pixels": [header, (b"IDAT", pixels[1][:20]), text, (b"IDAT", pixels[1][20:]), end],
        "an unknown chunk that a decoder must know": [header, (b"ABCD", b""), pixels, end],
    }


@pytest.mark.parametrize("name", _orders())
def test_chunks_in_an_order_that_other_decoders_refuse_make_the_png_corrupt(name: str) -> None:
    assert png_problem(join(_orders()[name])) == "corrupt"


def test_text_before_and_after_the_pixels_is_harmless() -> None:
    header, pixels, end = chunks(WHOLE["L"])
    text = (b"tEXt", b"a\0b")
    assert png_problem(join([header, text, pixels, text, end])) is None


@pytest.mark.parametrize(
    ("at", "value"), [(8, 3), (10, 1), (11, 1), (12, 2)], ids=["depth", "compression", "filters", "interlace"]
)
def test_a_header_with_an_unknown_method_makes_the_png_corrupt(at: int, value: int) -> None:
    (kind, header), *others = chunks(save(IMAGE, "PNG"))
    changed = bytearray(header)
    changed[at] = value
    assert png_problem(join([(kind, header), *others])) is None
    assert png_problem(join([(kind, bytes(changed)), *others])) == "corrupt"


def _streams() -> dict[str, tuple[bytes, str | None]]:
    """Returns compressed pixels that end in different ways, and what is wrong with each."""
    (pixels,) = [zlib.decompress(data) for kind, data in chunks(WHOLE["L"]) if kind == b"IDAT"]

    def without_end(data: bytes) -> bytes:
        compressor = zlib.compressobj()
        return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)

    whole = zlib.compress(pixels)
    return {
        "one byte more": (zlib.compress(pixels + b"\0"), None),
        "bytes after the end": (whole + b"more", None),
        "far too many bytes": (zlib.compress(pixels + bytes(2 << 20)), "corrupt"),
        "another checksum": (whole[:-1] + bytes([whole[-1] ^ 1]), "corrupt"),
        "a cut checksum": (whole[:-1], "truncated"),
        "no checksum": (whole[:-4], "truncated"),
        "no end": (without_end(pixels), "truncated"),
        "no end and more bytes": (without_end(pixels + bytes(100)), "truncated"),
    }


@pytest.mark.parametrize("name", _streams())
def test_compressed_pixels_must_end_with_their_checksum(name: str) -> None:
    stream, problem = _streams()[name]
    listed = [(kind, stream if kind == b"IDAT" else data) for kind, data in chunks(WHOLE["L"])]
    assert png_problem(join(listed)) == problem

"""Image files of another format than declared, truncated ones, and ones too large for the memory when decoded."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, PngImagePlugin

from tests.attacks import Attack, made
from tests.attacks.packing import image
from tests.attacks.pickles import in_place

JPEG, PNG = image(), image("PNG")
MOST = "more than 50 megapixels"
SIDE = "sides must be 16 to 20000 px"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes = b"", *chunks: bytes) -> bytes:
    """Returns an 8-bit grey PNG with any size in its header."""
    header = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def sized_jpeg(width: int, height: int) -> bytes:
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", height, width) + JPEG[at + 4 :]


def scans(width: int, height: int, count: int) -> bytes:
    """Returns a progressive JPEG with very many scans, each a few bytes long and without effect."""
    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    for kind, value in ((b"\x00", b"\0"), (b"\x10", b"\xe0")):  # DC: no change; AC: a run of empty blocks
        tables += segment(0xC4, kind + b"\1" + bytes(15) + value)
    blocks = -(-width // 8) * -(-height // 8)
    bits = ("0" + "1" * 14) * -(-blocks // 32767)
    bits += "1" * (-len(bits) % 8)
    run = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    first = segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8))
    return b"\xff\xd8" + tables + first + (segment(0xDA, b"\1\1\0\1\x3f\0") + run) * count + b"\xff\xd9"


def frames(kind: str, count: int) -> bytes:
    first, *rest = (Image.new("L", (40, 40), i % 256) for i in range(count))
    out = io.BytesIO()
    first.save(out, kind, save_all=True, append_images=rest)
    return out.getvalue()


def tiff(*tags: tuple[int, int, int, int], after: int = 0) -> bytes:
    """Returns a TIFF with one directory of (tag, type, count, value); after: offset of the next directory."""
    entries = b"".join(struct.pack("<HHLL", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries + struct.pack("<L", after) + bytes(4096)


def grey_tiff(width: int, height: int, after: int = 0, place: int = 110) -> bytes:
    return tiff((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                (273, 4, 1, place), (278, 4, 1, height), (279, 4, 1, 4096), after=after)  # fmt: skip


def commented(text: str) -> bytes:
    """Returns a JPEG with a text in its EXIF data and in a comment."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = text
    out = io.BytesIO()
    Image.open(io.BytesIO(JPEG)).save(out, "JPEG", exif=exif, comment=text.encode())
    return out.getvalue()


def texts() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * (60 << 20), zip=True)
    out = io.BytesIO()
    Image.open(io.BytesIO(PNG)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def unreadable(name: str, data: bytes, detail: str = "") -> Attack:
    return Attack(name, made(data), "unreadable", detail)


PICTURES = [
    unreadable("60,000 x 60,000 pixels", png(60_000, 60_000), MOST),
    unreadable("9,000 x 9,000 blank pixels", png(9000, 9000, bytes(9001 * 9000)), f"9000 x 9000 px: {MOST}"),
    unreadable("a side of 2^31", png(2**31 - 1, 1)),
    unreadable("a side of 0", png(0, 0)),
    unreadable("one pixel", png(1, 1, bytes(2)), f"1 x 1 px: {SIDE}"),
    unreadable("30,000 x 20 pixels", png(30_000, 20, bytes(30_001 * 20)), f"30000 x 20 px: {SIDE}"),
    unreadable("a JPEG of 65,500 x 65,500 pixels", sized_jpeg(65_500, 65_500), MOST),
    unreadable("a JPEG larger than its data", sized_jpeg(4000, 4000), "corrupt JPEG"),  # most of it would be grey
    unreadable("a JPEG truncated to half", JPEG[: len(JPEG) // 2], "truncated JPEG"),
    unreadable("a JPEG without its last bytes", JPEG[:-40], "truncated JPEG"),
    unreadable("only the start of a JPEG", JPEG[:3], "unknown image format"),
    unreadable("an empty image", b"", "empty file"),
    unreadable("an image of zeros", bytes(9999), "unknown image format"),
    unreadable("a PNG truncated to half", PNG[: len(PNG) // 2], "truncated PNG"),
    unreadable("a PNG with a wrong CRC", PNG.replace(b"IDAT", b"IDAU")),
    Attack("a PNG with 60 MB of text", lambda trap: texts(), "unreadable", "corrupt header"),
    unreadable("an SVG named .jpg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>', "SVG, not an"),
    unreadable("PostScript named .jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run\n", "PostScript, not an image"),
    unreadable("a web page named .jpg", b"<!DOCTYPE html><html>", "HTML, not an image"),
    Attack("a pickle named .jpg", in_place("a pickle"), "unreadable", "unknown image format"),
    Attack("an array of objects named .jpg", in_place("an array of objects"), "unreadable", "unknown image format"),
    unreadable("an archive named .jpg", b"PK\3\4" + bytes(400), "ZIP, not an image"),
    unreadable("a TIFF of 60,000 x 60,000 pixels", grey_tiff(60_000, 60_000), MOST),
    unreadable("a TIFF with data at a wrong offset", grey_tiff(64, 64, place=1 << 30)),
    unreadable("a TIFF without tags", tiff()),
    unreadable("a TIFF with a tag of 4 GB", tiff((256, 4, 2**32 - 1, 0), (257, 4, 1, 64))),
    Attack("a TIFF whose directories form a cycle", made(grey_tiff(64, 64, after=8))),
    Attack("a TIFF of 200 pages", made(frames("TIFF", 200))),
    Attack("a GIF of 500 frames", made(frames("GIF", 500))),
    Attack("a PNG named .jpg", made(PNG)),
    Attack("junk after a JPEG", made(JPEG + b"<script>" * 1000)),
    Attack("escape sequences in EXIF", made(commented("\x1b[31m\x1b[2J\x07 \u202eJOHN DOE"))),
    Attack("60 KB of invalid EXIF", made(JPEG[:2] + segment(0xE1, b"Exif\0\0" + b"\xff" * 60_000) + JPEG[2:])),
    Attack("a JPEG of 300 scans", made(scans(2000, 2000, 300))),
]

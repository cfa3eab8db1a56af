"""Writes uncompressed TIFFs with any tags, also those that no library writes."""

from __future__ import annotations

import struct

import numpy as np

_FORMATS = {"u": 1, "i": 2, "f": 3}


def tiff(
    *pages: np.ndarray,
    white_is_zero: bool = False,
    order: str = "<",
    big: bool = False,
    tile: int | None = None,
    bits: int | None = None,
    **tags: int | tuple[int, ...],
) -> bytes:
    """Returns a TIFF of grey pages, height x width or height x width x samples.

    bits: 12 packs two samples into three bytes; by default those of the type. tile: side of square tiles instead of
    one strip. tags: further ones by number, `t338=(2,)`.
    """
    offset, count = ("Q", "Q") if big else ("I", "H")
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 0) if big else struct.pack(order + "I", 0)
    out = bytearray(head)
    link = len(out) - struct.calcsize(order + offset)  # where the offset of the next directory is written
    for page in pages:
        blocks = _blocks(page, order, tile, bits or page.dtype.itemsize * 8)
        places = []
        for block in blocks:
            places.append(len(out))
            out += block
        n_samples = 1 if page.ndim == 2 else page.shape[2]
        entries: dict[int, tuple[int, ...]] = {
            256: (page.shape[1],), 257: (page.shape[0],), 258: (bits or page.dtype.itemsize * 8,) * n_samples,
            259: (1,), 262: (0 if white_is_zero else 1,), 277: (n_samples,), 339: (_FORMATS[page.dtype.kind],),
        }  # fmt: skip
        sizes = tuple(map(len, blocks))
        if tile:
            entries |= {322: (tile,), 323: (tile,), 324: tuple(places), 325: sizes}
        else:
            entries |= {273: tuple(places), 278: (page.shape[0],), 279: sizes}
        for name, value in tags.items():
            entries[int(name[1:])] = value if isinstance(value, tuple) else (value,)
        if n_samples > 1:
            entries[339] *= n_samples
        link = _append_directory(out, entries, link, order, offset, count)
    return bytes(out)


def _blocks(page: np.ndarray, order: str, tile: int | None, bits: int) -> list[bytes]:
    if tile is None:
        return [_packed(page, order, bits)]
    height, width = page.shape[:2]
    padded = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, *page.shape[2:]), page.dtype)
    padded[:height, :width] = page
    blocks = []
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            blocks.append(_packed(padded[y : y + tile, x : x + tile], order, bits))
    return blocks


def _packed(page: np.ndarray, order: str, bits: int) -> bytes:
    if bits != 12:
        return page.astype(page.dtype.newbyteorder(order)).tobytes()
    pairs = page.reshape(-1, 2).astype(np.uint32)
    joined = pairs[:, 0] << 12 | pairs[:, 1]
    return np.stack([joined >> 16, joined >> 8 & 255, joined & 255], axis=1).astype(np.uint8).tobytes()


def _append_directory(
    out: bytearray, entries: dict[int, tuple[int, ...]], link: int, order: str, offset: str, count: str
) -> int:
    """Appends a directory and links it; returns where the offset of the next one is written."""
    width = struct.calcsize(order + offset)
    records = []
    for tag, values in sorted(entries.items()):
        kind, letter = (4, "I") if tag in (273, 279, 324, 325) else (3, "H")
        value = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(value) > width:
            out += bytes(-len(out) % 2)
            value, at = struct.pack(order + offset, len(out)), value
            out += at
        records.append(struct.pack(f"{order}HH{offset}", tag, kind, len(values)) + value.ljust(width, b"\0"))
    out += bytes(-len(out) % 2)
    struct.pack_into(order + offset, out, link, len(out))
    out += struct.pack(order + count, len(records)) + b"".join(records)
    out += bytes(width)
    return len(out) - width

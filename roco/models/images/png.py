"""Checks a PNG as strictly as its specification: order and checksums of chunks, its end, the pixels of every frame.

Pillow ignores the checksums of the pixels, and leaves black the rows that the compressed pixels do not contain.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from isal import isal_zlib

_SIGNATURE = 8  # bytes before the first chunk
_AROUND = 12  # bytes of a chunk besides its data: length, type, CRC
_PIECE = 1 << 20  # bytes that are inflated at once, which bounds the memory

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type."""
_PALETTE = 3  # colour type
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits of a sample by colour type (PNG specification, section 11.2.2)."""


class _Pass(NamedTuple):
    """One pass over an image: its first column and row, and the distance to the next ones."""

    left: int
    top: int
    across: int
    down: int


_PLAIN = (_Pass(0, 0, 1, 1),)
_INTERLACED = (
    *(_Pass(0, 0, 8, 8), _Pass(4, 0, 8, 8), _Pass(0, 4, 4, 8), _Pass(2, 0, 4, 4)),
    *(_Pass(0, 2, 2, 4), _Pass(1, 0, 2, 2), _Pass(0, 1, 1, 2)),
)
"""Adam7 (PNG specification, section 8.2)."""

_LARGEST_PALETTE = 3 * 256  # bytes
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
"""The chunks that a decoder must know (PNG specification, section 11.2)."""


class _Chunk(NamedTuple):
    kind: bytes
    data: memoryview


class _Header(NamedTuple):
    """The header, which applies to all frames: bits of a pixel, the passes, and whether a palette has the colours."""

    bits: int
    passes: Sequence[_Pass]
    needs_palette: bool

    def n_bytes(self, width: int, height: int) -> int:
        """Returns the length of the pixels of a frame before compression: each row begins with its filter."""
        total = 0
        for one in self.passes:
            columns = _n_steps(one.left, width, one.across)
            if columns:
                total += _n_steps(one.top, height, one.down) * (1 + (columns * self.bits + 7) // 8)
        return total


def png_problem(data: bytes) -> str | None:
    """Returns `truncated` or `corrupt` for a PNG that does not decode completely, also in a later frame; else None."""
    try:
        return _problem(memoryview(data))
    except (struct.error, KeyError, ValueError, isal_zlib.error):  # type: ignore[misc]  # its stub has an instance
        return "corrupt"


def _problem(view: memoryview) -> str | None:
    header = _Header(0, _PLAIN, False)
    width = height = 0
    expected = 0  # bytes of the current frame before compression
    pixels: list[memoryview] = []
    kind = b""
    for before, kind, data in _with_kinds_before(_chunks(view)):
        _check_order(before, kind)
        if kind == b"IDAT" and header.needs_palette and b"PLTE" not in before:
            raise ValueError("no palette")
        if kind == b"PLTE" and (len(data) % 3 or len(data) > _LARGEST_PALETTE):
            raise ValueError("a palette of another length")
        if kind == b"IHDR":
            width, height, depth, colour, compression, filters, interlaced = struct.unpack_from(">IIBBBBB", data)
            if depth not in _DEPTHS[colour] or compression or filters or interlaced > 1:
                raise ValueError("a header that the specification does not know, which Pillow takes for the usual one")
            passes = _INTERLACED if interlaced else _PLAIN
            header = _Header(depth * _SAMPLES[colour], passes, needs_palette=colour == _PALETTE)
            expected = header.n_bytes(width, height)
        elif kind == b"IDAT":
            pixels.append(data)
        elif kind == b"fdAT":
            pixels.append(data[4:])  # without the number of the chunk
        elif kind in (b"fcTL", b"IEND"):
            # The end of a frame; the first fcTL may precede all pixels.
            problem = _pixels_problem(pixels, expected) if pixels else None
            if problem:
                return problem
            pixels = []
            if kind == b"fcTL":
                across, down, left, top = struct.unpack_from(">IIII", data, 4)
                if not (across and down and left + across <= width and top + down <= height):
                    raise ValueError("a frame outside of the image")
                expected = header.n_bytes(across, down)
    return None if kind == b"IEND" else "truncated"


def _chunks(view: memoryview) -> Iterator[_Chunk]:
    """Yields the chunks up to the end, or up to the first that is cut; raises ValueError for a wrong checksum."""
    at = _SIGNATURE
    kind = b""
    while kind != b"IEND" and at + _AROUND <= len(view):
        (length,) = struct.unpack_from(">I", view, at)
        end = at + _AROUND + length
        if end > len(view):
            return
        (crc,) = struct.unpack_from(">I", view, end - 4)
        if isal_zlib.crc32(view[at + 4 : end - 4]) != crc:
            raise ValueError("wrong checksum")
        kind = bytes(view[at + 4 : at + 8])
        yield _Chunk(kind, view[at + 8 : end - 4])
        at = end


def _with_kinds_before(chunks: Iterator[_Chunk]) -> Iterator[tuple[list[bytes], bytes, memoryview]]:
    """Yields chunks, each with the kinds of those before it; of successive chunks of one kind, the kind once."""
    before: list[bytes] = []
    for kind, data in chunks:
        yield before, kind, data
        if before[-1:] != [kind]:
            before.append(kind)


def _check_order(before: Sequence[bytes], kind: bytes) -> None:
    """Raises ValueError for a chunk at an invalid position, which libpng refuses and Pillow does not."""
    is_first = not before
    if is_first != (kind == b"IHDR"):
        raise ValueError("the header is not the first chunk, or not the only one")
    if kind == b"PLTE" and (b"IDAT" in before or b"PLTE" in before):
        raise ValueError("a palette after the pixels, or a second one")
    if kind == b"IDAT" and b"IDAT" in before[:-1]:
        raise ValueError("other chunks among the pixels")
    is_critical = not kind[:1].islower()
    if is_critical and kind not in _CRITICAL:
        raise ValueError("a chunk that a decoder must know, and does not")


def _n_steps(first: int, size: int, distance: int) -> int:
    return max(0, (size - first + distance - 1) // distance)


def _pixels_problem(pieces: Sequence[memoryview], expected: int) -> str | None:
    """Returns what is wrong with the compressed pixels of a frame, None if nothing is.

    They must end, with their checksum, after as many bytes as expected; some more are ignored by all decoders.
    """
    inflater = isal_zlib.decompressobj()
    n = 0
    for piece in pieces:
        pending: bytes | memoryview = piece
        while not inflater.eof and n <= expected + _PIECE:
            n_new = len(inflater.decompress(pending, _PIECE))
            pending = inflater.unconsumed_tail
            n += n_new
            if not pending and not n_new:
                break  # this piece is used up
    if n > expected + _PIECE:
        return "corrupt"
    return None if inflater.eof and n >= expected else "truncated"

"""Rewrites the directory of a TIFF of grey samples in which white is zero, so that Pillow opens it.

Pillow inverts such a file if its samples have 8 bits or less. If they have more, it ignores the tag or opens nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from roco.base.errors import RejectedInput

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # tags
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_DEEPEST_OF_PILLOW = 8  # bits of a sample for which Pillow heeds the tag
_SHORT = 3  # type of a value
_MOST_DIRECTORIES = 1000


class _Layout(NamedTuple):
    """How numbers and directories are written; formats as of `struct`, without the byte order."""

    order: str
    offset: str  # of offsets and of the number of values
    n_entries: str  # of the number of entries of a directory
    first: int  # position of the offset of the first directory

    def number(self, data: bytes, at: int, kind: str) -> int:
        value: int = struct.unpack_from(self.order + kind, data, at)[0]
        return value


class _Entry(NamedTuple):
    """An entry of a directory; place: where its value is, or the offset of a value that needs more bytes."""

    type: int
    n_values: int
    place: int


_LAYOUTS = {
    b"II*\0": _Layout("<", "I", "H", 4), b"MM\0*": _Layout(">", "I", "H", 4),
    b"II+\0": _Layout("<", "Q", "Q", 8), b"MM\0+": _Layout(">", "Q", "Q", 8),
}  # fmt: skip


def as_black_is_zero(data: bytes) -> tuple[bytes, bool]:
    """Returns the file with black as zero if white is zero in it and Pillow ignores that; and whether it was so.

    Only the tags are changed, not the samples: the caller inverts those of the first page. Files that are no TIFF are
    returned as they are. Raises RejectedInput if the file ends before its last directory does, which Pillow ignores.
    """
    layout = _LAYOUTS.get(data[:4])
    if layout is None:
        return data, False
    pages: list[_Entry | None] = []
    try:
        for directory in _directories(data, layout):
            pages.append(_ignored_tag(directory, data, layout))
    except (struct.error, OverflowError) as err:  # a place after the end, or after what a number can state
        raise RejectedInput("truncated TIFF") from err
    tags = [tag for tag in pages if tag is not None]
    if not tags:
        return data, False
    rewritten = bytearray(data)
    for tag in tags:
        struct.pack_into(layout.order + "H", rewritten, tag.place, _BLACK_IS_ZERO)
    return bytes(rewritten), pages[0] is not None


def _directories(data: bytes, layout: _Layout) -> Iterator[dict[int, _Entry]]:
    """Yields the entries of each directory by tag; each directory is one page."""
    width = struct.calcsize(layout.order + layout.offset)
    seen: set[int] = set()
    at = layout.number(data, layout.first, layout.offset)
    while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(at)
        n_entries = layout.number(data, at, layout.n_entries)
        at += struct.calcsize(layout.order + layout.n_entries)
        directory = {}
        for _ in range(n_entries):
            tag, kind, n_values = struct.unpack_from(f"{layout.order}HH{layout.offset}", data, at)
            directory[tag] = _Entry(kind, n_values, at + 4 + width)
            at += 4 + 2 * width
        yield directory
        at = layout.number(data, at, layout.offset)


def _ignored_tag(directory: dict[int, _Entry], data: bytes, layout: _Layout) -> _Entry | None:
    """Returns the tag by which white is zero on a page where Pillow ignores it: of deep or of several samples."""
    tag, bits = directory.get(_PHOTOMETRIC), directory.get(_BITS_PER_SAMPLE)
    if tag is None or bits is None or tag.type != _SHORT or bits.type != _SHORT:
        return None
    if layout.number(data, tag.place, "H") != _WHITE_IS_ZERO:
        return None
    is_deep = bits.n_values == 1 and layout.number(data, bits.place, "H") > _DEEPEST_OF_PILLOW
    return tag if is_deep or bits.n_values > 1 else None

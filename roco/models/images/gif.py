"""Walks through the blocks of a GIF without decoding them; Pillow would decode every frame to count them."""

from __future__ import annotations

from typing import NamedTuple

_HEADER = 13  # bytes before the global colour table
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B  # the first bytes of blocks


class GifBlocks(NamedTuple):
    """n_frames: number of images, also of truncated ones; is_complete: whether the file ends as a GIF must."""

    n_frames: int
    is_complete: bool


def walk_gif(data: bytes) -> GifBlocks:
    """Counts the frames of a GIF up to its trailer, or to its end if it has none."""
    at = _HEADER + _colour_table_size(data[10])
    n_frames = 0
    while at < len(data) and data[at] != _TRAILER:
        if data[at] == _IMAGE:  # descriptor of 10 bytes, colour table, one byte, then sub-blocks of pixels
            n_frames += 1
            flags = data[at + 9] if at + 9 < len(data) else 0
            at = _end_of_sub_blocks(data, at + 11 + _colour_table_size(flags))
        elif data[at] == _EXTENSION:  # two bytes, then sub-blocks
            at = _end_of_sub_blocks(data, at + 2)
        elif data[at] == 0 and n_frames:
            at += 1  # decoders skip padding after a frame
        else:
            break  # other bytes belonged to a block before one of them was changed
    return GifBlocks(n_frames, is_complete=data[at : at + 1] == bytes([_TRAILER]))


def _end_of_sub_blocks(data: bytes, at: int) -> int:
    """Returns the position after sub-blocks, each after a byte with its length, and after the one of length 0."""
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1


def _colour_table_size(flags: int) -> int:
    """Returns the bytes of a colour table; flags: the packed byte that announces it."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

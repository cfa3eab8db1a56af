"""The sizes within which images are decoded; they are checked on the header, before any pixel is decoded."""

from __future__ import annotations

from roco.base.errors import RejectedInput

SMALLEST_SIDE = 16  # pixels
LARGEST_SIDE = 20_000  # pixels
MOST_PIXELS = 50_000_000

TOO_MANY_PIXELS = f"more than {MOST_PIXELS // 1_000_000} megapixels"


def check_size(width: int, height: int) -> None:
    """Raises RejectedInput unless an image of this size is decoded."""
    if min(width, height) < SMALLEST_SIDE:
        raise RejectedInput(f"{width} x {height} px: sides must be {SMALLEST_SIDE} to {LARGEST_SIDE} px")
    check_largest_size(width, height)


def check_largest_size(width: int, height: int) -> None:
    """Raises RejectedInput if an image is too large; frames after the first may be of any smaller size."""
    if max(width, height) > LARGEST_SIDE:
        raise RejectedInput(f"{width} x {height} px: sides must be {SMALLEST_SIDE} to {LARGEST_SIDE} px")
    if width * height > MOST_PIXELS:
        raise RejectedInput(f"{width} x {height} px: {TOO_MANY_PIXELS}")

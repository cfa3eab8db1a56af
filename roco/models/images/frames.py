"""Decodes the frames or pages of an image file after the first, and counts them.

Only the first frame is looked at, but a release contains the whole file.
"""

from __future__ import annotations

import itertools

from PIL import ImageFile

from roco.base.errors import RejectedInput
from roco.models.images.gif import walk_gif
from roco.models.images.size import MOST_PIXELS, check_largest_size

MOST_FRAMES = 1000
"""The largest number of frames that is counted; a file with more frames is reported with this number."""
MOST_PIXELS_OF_ALL = 10 * MOST_PIXELS
"""Pixels of all frames together, which take some seconds."""

_SMALLEST_FRAME = 10_000  # pixels that each frame counts for at least, which limits the number of frames as well

_START_OF_JPEG = b"\xff\xd8"


def has_one_frame(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Returns whether the header announces a single frame; of a TIFF it never does, because its pages form a chain."""
    return _announced_frames(image, data) == 1


def decode_other_frames(image: ImageFile.ImageFile, data: bytes) -> int:
    """Decodes all frames after the first; returns the number of frames, at most MOST_FRAMES.

    image: as opened, nothing of it decoded yet. Raises RejectedInput if the frames are too many or too large, and
    whatever Pillow raises for a frame that cannot be decoded.
    """
    announced = _announced_frames(image, data)
    n_pixels = 0
    for n in itertools.count(1):
        if n == announced:
            return min(n, MOST_FRAMES)
        n_pixels += max(_SMALLEST_FRAME, image.width * image.height)
        if n_pixels > MOST_PIXELS_OF_ALL:
            raise RejectedInput(f"frames of more than {MOST_PIXELS_OF_ALL // 1_000_000} megapixels together")
        try:
            image.seek(n)
        except EOFError:
            if announced is None:
                return min(n, MOST_FRAMES)
            raise
        except Exception:
            if _is_without_others(image, data):
                return n
            raise
        check_largest_size(*image.size)
        image.load()
    raise AssertionError("unreachable")


def _announced_frames(image: ImageFile.ImageFile, data: bytes) -> int | None:
    """Returns the number of frames that the header announces; None for a TIFF."""
    if image.format == "TIFF":
        return None
    if image.format == "GIF":
        return max(1, walk_gif(data).n_frames)
    return max(1, int(getattr(image, "n_frames", 1)))


def _is_without_others(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Returns whether a JPEG of several images (MPO) has lost all but the first.

    Programs that recompress it keep the list of the images, which then points to anything but a JPEG.
    """
    start = getattr(image, "offset", 0)
    return image.format == "MPO" and not data.startswith(_START_OF_JPEG, start)

"""The image of a row: read and decoded when it is used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, RejectedInput
from roco.base.terminal import excerpt

if TYPE_CHECKING:
    from PIL import Image

Mode = Literal["L", "RGB"]
"""Pixel modes: 8-bit grey, or 8-bit red, green and blue."""


@dataclasses.dataclass(frozen=True)
class LazyImage:
    """The image of a row; nothing is read before one of its methods is called, and nothing is stored.

    id: of the row. file: name of the image file. where: the zip or folder that contains it, and its name there.
    """

    id: str
    file: str
    where: str
    _read: Callable[[], bytes] = dataclasses.field(repr=False, compare=False)

    def bytes(self) -> bytes:
        """Returns the original bytes of the file; raises DataError if it is missing or corrupt."""
        return self._read()

    def pil(self, mode: Mode | None = None) -> Image.Image:
        """Returns the decoded image, upright, as Pillow has it.

        mode: L or RGB; by default L for a grey image and RGB for others. Raises DataError, with id and file, for an
        image that cannot be decoded completely or exceeds the limits of the decoder (50 megapixels, 20,000 px a side).
        """
        return decoded(self.bytes(), self.id, self.where, mode)

    def numpy(self, mode: Mode | None = None) -> NDArray[np.uint8]:
        """Returns the samples of the decoded image: height x width for grey ones, height x width x 3 for others."""
        array: NDArray[np.uint8] = np.asarray(self.pil(mode))
        return array


def decoded(data: bytes, id: str, where: str, mode: Mode | None = None) -> Image.Image:
    """Decodes an image within the limits of roco; raises DataError with id and file if that fails."""
    from roco.models.images.decode import decode

    try:
        image = decode(data).image
    except RejectedInput as err:
        raise undecodable(id, where, err) from err
    return image if mode is None or image.mode == mode else image.convert(mode)


def undecodable(id: str, where: str, err: RejectedInput) -> DataError:
    """Returns the error for an image that does not decode."""
    what = f"image '{excerpt(id)}' cannot be decoded: {err.message} ({where})"
    return DataError(what, f'skip it with .filter(lambda row: row.id != "{excerpt(id)}"), or restore the file')

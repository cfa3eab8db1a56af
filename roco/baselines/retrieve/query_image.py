"""The image of a query: a file or its bytes, decoded within the limits of all images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from roco.base.errors import DataError, RejectedInput
from roco.base.terminal import excerpt
from roco.baselines.retrieve.store.store import Fingerprint
from roco.models.images.decode import Decoded, decode
from roco.models.images.hashes import hashes

MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class QueryImage:
    """A decoded image, upright, and what identifies it."""

    decoded: Decoded
    fingerprint: Fingerprint

    @classmethod
    def open(cls, image: str | Path | bytes) -> QueryImage:
        """Decodes a file or its bytes; raises DataError for one that is missing, too large or no image."""
        if isinstance(image, bytes):
            name, data = "the image", image
        else:
            name, data = excerpt(str(image)), _read(Path(image))
        if len(data) > MOST_BYTES:
            raise _too_large(name)
        try:
            decoded = decode(data)
        except RejectedInput as err:
            raise DataError(f"{name} cannot be decoded: {err.message}", "give another image") from err
        return cls(decoded, Fingerprint(hashlib.sha256(data).hexdigest(), *hashes(decoded.image)))


def _read(path: Path) -> bytes:
    try:
        # Anything else, such as a pipe or a device, could keep the command waiting, or have no end.
        if path.exists() and not path.is_file():
            raise DataError(f"cannot read the image {excerpt(str(path))}: not a regular file", "check the path")
        if path.stat().st_size > MOST_BYTES:
            raise _too_large(excerpt(str(path)))
        return path.read_bytes()
    except OSError as err:
        raise DataError(f"cannot read the image {excerpt(str(path))}: {err.strerror or err}", "check the path") from err


def _too_large(name: str) -> DataError:
    return DataError(f"{name} is larger than {MOST_BYTES >> 20} MB", "give a smaller image")

"""Image files: mutated files of every format that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from roco.base.formats import FORMATS
from roco.models.images.decode import decode, decode_reduced, thumbnail
from roco.models.images.hashes import hashes
from roco.models.images.size import check_size
from tests.attacks.pictures import PICTURES
from tests.fuzz import binary
from tests.fuzz.pictures import PICTURES_BY_FORMAT
from tests.fuzz.strict import refusal
from tests.fuzz.target import Format, Mutate, Target, require
from tests.fuzz.trap import made

SMALL = 20_000


def make() -> Target:
    promise = (
        "any bytes: pixels within the limits of size, which strict decoders of other libraries accept as well, or a "
        "rejection"
    )
    structured: dict[str, Mutate] = {"PNG": binary.png_chunks}
    formats = [Format(name, _seeds(name), _read, structured.get(name)) for name in sorted(PICTURES_BY_FORMAT)]
    return Target("images", promise, (*formats, Format("attacks", _attacks, _read)))


def _seeds(name: str) -> Callable[[], list[bytes]]:
    return lambda: [make(1) for make in PICTURES_BY_FORMAT[name].values()]


def _attacks() -> list[bytes]:
    return made(PICTURES, SMALL)


def _read(data: bytes, folder: Path) -> None:
    decoded = decode(data)
    require(decoded.format in FORMATS, "the format is one that is read")
    check_size(decoded.width, decoded.height)
    require(decoded.image.mode in ("L", "RGB"), "the pixels are grey or RGB")
    sides = {decoded.width, decoded.height}
    require(set(decoded.image.size) == sides, "the pixels have the size of the header")
    require(decoded.pixels.nbytes <= 3 * decoded.width * decoded.height, "no more pixels than the header states")
    hashes(decoded.image)
    thumbnail(decoded)
    decode_reduced(data, 100)
    refused = refusal(data, decoded.format)
    require(not refused, f"an accepted {decoded.format} is refused by {refused}")

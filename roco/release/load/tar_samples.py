"""The samples of a tar shard as an export for WebDataset writes them: image, caption and metadata."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE
from roco.base.terminal import excerpt
from roco.release.folders import ID, IMAGE_SUFFIXES, ImageFile
from roco.release.members import Place

UNREADABLE_TAR = (*UNREADABLE, tarfile.TarError)
"""The exceptions for a corrupt shard."""

MOST_BYTES = 4 << 20
"""Bytes of the metadata of one sample."""


def samples(path: Path, container: str, split: str) -> Iterator[tuple[ImageFile, dict[str, Any]]]:
    """Yields the image file of each sample, and its metadata; images are not read.

    container: the name of the shard in its export. Raises one of UNREADABLE_TAR for a shard that is corrupt or has
    parts in another order than a reader of WebDataset needs.
    """
    image: ImageFile | None = None
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            stem, _, suffix = member.name.partition(".")
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not ID.fullmatch(stem):
                raise ValueError(f"unexpected member {excerpt(member.name)}")
            if f".{suffix}" in IMAGE_SUFFIXES:
                if image is not None:
                    raise ValueError(f"no metadata of {excerpt(image.name)}")
                place = Place(member.offset_data, member.size, has_header=False)
                image = ImageFile(member.name, split, container, member.name, member.size, "", place)
            elif suffix == "json":
                if image is None or image.name.partition(".")[0] != stem:
                    raise ValueError(f"no image before {excerpt(member.name)}")
                yield image, _metadata(archive, member, stem)
                image = None
    if image is not None:
        raise ValueError(f"no metadata of {excerpt(image.name)}")


def _metadata(archive: tarfile.TarFile, member: tarfile.TarInfo, id: str) -> dict[str, Any]:
    file = archive.extractfile(member)
    if file is None or member.size > MOST_BYTES:
        raise ValueError(f"invalid member {excerpt(member.name)}")
    fields = parse_json(file.read())
    if not isinstance(fields, dict) or fields.get("image_id") != id:
        raise ValueError(f"{excerpt(member.name)} has not the metadata of this image")
    return fields

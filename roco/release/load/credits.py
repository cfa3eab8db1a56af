"""The attribution of each image: what a licence requires to be stated wherever the image is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from roco.release.attribution import credit
from roco.release.load.figures import Figures
from roco.release.published import read_tables

_NAMED = ("title", "authors", "journal", "year", "doi", "pmcid", "copyright")
_LICENSE = ("license", "license_url", "license_version", "license_port")


def attributions(figures: Figures, positions: pa.Array) -> list[str | None]:
    """Returns the attribution of images, as exports state it.

    The published ROCOv2 states licence, first authors and year, and the address of the article; None for an image that
    its table does not contain.
    """
    if "attribution" in figures.names:
        stated: list[str | None] = figures.column("attribution").take(positions).to_pylist()
        return stated
    if figures.is_published:
        images = read_tables(figures.path).images
        texts = {id: ". ".join(part for part in (one.attribution, one.link) if part) for id, one in images.items()}
        return [texts.get(id) or None for id in figures.column("id").take(positions).to_pylist()]
    return list(_credits(figures, positions))


def _credits(figures: Figures, positions: pa.Array) -> Iterator[str]:
    known = [name for name in ("id", *_NAMED, *_LICENSE) if name in figures.names]
    missing: dict[str, Any] = dict.fromkeys((*_NAMED, *_LICENSE))
    for batch in figures.table(known).take(positions).to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            yield credit(missing | row)

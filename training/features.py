"""Computes the numbers that heads read for the training material.

    python -m training.features MATERIAL

reads MATERIAL/labels.csv and writes MATERIAL/features.npz: `embedding` and `layout`, one row for each row of the table;
`given` is false where the image cannot be decoded.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from roco.base.errors import RejectedInput
from roco.models.images.backbone import Backbone
from roco.models.images.decode import decode
from roco.models.images.layout import NAMES, layout


def labels(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as fh:
        return list(csv.DictReader(fh))


def compute(files: list[Path], backbone: Path | None = None) -> dict[str, np.ndarray]:
    """Returns the numbers of image files."""
    network = Backbone.load(backbone)
    embedding = np.zeros((len(files), network.width), np.float16)
    layouts = np.zeros((len(files), len(NAMES)), np.float32)
    given = np.zeros(len(files), np.bool_)
    waiting: list[int] = []
    images = []
    for place, image in enumerate(_small(files)):
        if image is not None:
            given[place] = True
            layouts[place] = layout(image).values
            waiting.append(place)
            images.append(image)
        if len(images) == 16 or (images and place == len(files) - 1):
            embedding[waiting] = network.embed(images)
            waiting, images = [], []
    return {"embedding": embedding, "layout": layouts, "given": given}


def _small(files: list[Path]) -> Iterator[np.ndarray | None]:
    for file in files:
        try:
            yield decode(file.read_bytes()).small
        except RejectedInput as err:
            print(f"{file}: {err.message}")
            yield None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path)
    folder = parser.parse_args().material
    rows = labels(folder)
    np.savez(folder / "features.npz", **compute([folder / row["path"] for row in rows]))

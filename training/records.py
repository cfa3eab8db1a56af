"""The rows of labels.csv, and the folder into which images and rows are written."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("radiology", "figure", "compound_radiology", "compound_figure")
MODALITIES = ("DRXR", "DRCT", "DRMR", "DRUS", "DRAN", "DRPE", "DRCO", "OTHER")
SEVERAL = "|"
"""Separates the sources, groups and parents of an image that was made from several images."""


@dataclass(frozen=True)
class Record:
    """One image. `fold` is 0 to 9, by a hash of its group; images that are generated have none."""

    path: str
    label: str
    modality: str = ""
    kind: str = ""
    source: str = ""
    group: str = ""
    derived: bool = False
    parents: str = ""
    fold: str = ""
    licence: str = ""

    @property
    def is_radiology(self) -> bool:
        return self.label.endswith("radiology")

    @property
    def is_single(self) -> bool:
        return not self.label.startswith("compound")


def header() -> list[str]:
    """The column names of labels.csv: those of `Record`, where `label` is written as `class`."""
    return ["class" if field.name == "label" else field.name for field in fields(Record)]


def write(records: Iterable[Record], path: Path) -> None:
    """Writes labels.csv; records without a valid class or with an unknown modality raise ValueError."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header())
        for record in records:
            if record.label not in CLASSES:
                raise ValueError(f"no valid class: {record}")
            if record.modality and record.modality not in MODALITIES:
                raise ValueError(f"unknown modality: {record}")
            writer.writerow(
                "true" if value is True else "false" if value is False else value for value in astuple(record)
            )


def read(path: Path) -> list[Record]:
    """Reads a labels.csv that `write` wrote."""
    records = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            row["label"] = row.pop("class")
            derived = row.pop("derived") == "true"
            records.append(Record(derived=derived, **row))
    return records


def fold(key: str, group: str = "") -> str:
    """The fold of a group. Even folds are one half of all groups, odd folds the other, by the MD5 of `key`.

    Within its half a group falls into one of five folds by its own hash, so that new images do not move old ones.
    """
    odd = hashlib.md5(key.encode()).digest()[0] & 1
    return str(2 * (hashlib.md5((group or key).encode()).digest()[1] % 5) + odd)


def inherit(parents: Iterable[Record]) -> dict[str, str]:
    """The columns that a derived image inherits from its parents: sources, groups, fold, licences, paths."""
    parents = list(parents)
    folds = {parent.fold for parent in parents} - {""}
    if len(folds) > 1:
        raise ValueError("the parents of one image belong to different folds")
    return {
        "source": _joined(parent.source for parent in parents),
        "group": _joined(parent.group for parent in parents),
        "licence": _joined(parent.licence for parent in parents),
        "parents": _joined(parent.path for parent in parents),
        "fold": folds.pop() if folds else "",
    }


def _joined(values: Iterable[str]) -> str:
    parts = {part for value in values for part in value.split(SEVERAL) if part}
    return SEVERAL.join(sorted(parts))


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A random generator of its own for each image, so that one image more or less does not change the others."""
    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])


def save(image: Image.Image, folder: Path, name: str, rng: np.random.Generator, png: float = 0.15) -> str:
    """Saves an image as JPEG of quality 60 to 95, or as PNG with probability `png`; returns its path below `folder`."""
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    quality = int(rng.integers(60, 96))
    subsampling = int(rng.choice([0, 2, 2]))
    is_png = rng.random() < png
    path = folder / "images" / (name + (".png" if is_png else ".jpg"))
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_png:
        image.save(path, compress_level=3)
    else:
        image.save(path, quality=quality, subsampling=subsampling)
    return str(path.relative_to(folder))

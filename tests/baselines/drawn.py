"""A small dataset of drawn images in the layout of the published ROCOv2: three kinds of pictures with concepts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

CT, XR, US = "C0040405", "C1306645", "C0041618"
CHEST, CYST, NODULE = "C0817096", "C0010709", "C0028259"
KINDS = {"rings": (CT, NODULE), "stripes": (XR, CHEST), "speckle": (US, CYST)}
"""Kind of picture -> its concepts."""

ROWS = {"train": 12, "valid": 6, "test": 6}


def write(folder: Path, rows: dict[str, int] | None = None, articles_of: int = 2) -> Path:
    """Writes the dataset; image n of a split has kind n modulo 3, and two images in a row are of one article."""
    folder.mkdir(parents=True)
    licenses = []
    for split, n in (rows or ROWS).items():
        images = folder / f"{split}_images" / split
        images.mkdir(parents=True)
        ids = [f"drawn_{split}_{number:06d}" for number in range(1, n + 1)]
        kinds = [list(KINDS)[number % 3] for number in range(n)]
        for number, (id, kind) in enumerate(zip(ids, kinds, strict=True)):
            Image.fromarray(picture(kind, [*split.encode(), number])).save(images / f"{id}.png")
            licenses.append((id, f"PMC{len(split)}{number // articles_of + 1:04d}", "Drawn et al.", "CC BY"))
        captions = [f"{kind} number {number}, {split}" for number, kind in enumerate(kinds)]
        table(folder / f"{split}_captions.csv", ("ID", "Caption"), zip(ids, captions, strict=True))
        concepts = [";".join(KINDS[kind]) for kind in kinds]
        table(folder / f"{split}_concepts.csv", ("ID", "CUIs"), zip(ids, concepts, strict=True))
        manual = [";".join(cui for cui in KINDS[kind] if cui in (CT, XR, US, CHEST)) for kind in kinds]
        table(folder / f"{split}_concepts_manual.csv", ("ID", "CUIs"), zip(ids, manual, strict=True))
    table(folder / "license_information.csv", ("ID", "PMCID", "Attribution", "Link"), licenses)
    names = [(cui, cui) for cui in (CT, XR, US, CHEST, CYST, NODULE)]
    table(folder / "cui_mapping.csv", ("CUI", "Canonical name"), names)
    return folder


def picture(kind: str, seed: Sequence[int]) -> np.ndarray:
    """Returns a grey picture of 48 x 64 pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64].astype(float)
    phase, size = rng.uniform(0, 6), rng.uniform(0.9, 1.1)
    waves = {
        "rings": np.sin(np.hypot(y - 24, x - 32) * size + phase),
        "stripes": np.sin(x * 0.8 * size + phase),
        "speckle": rng.uniform(-1, 1, (48, 64)),
    }
    noisy = 127 + 90 * waves[kind] + rng.normal(0, 6, (48, 64))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def image_file(folder: Path, id: str) -> Path:
    split = id.split("_")[1]
    return folder / f"{split}_images" / split / f"{id}.png"

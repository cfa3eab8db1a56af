"""Small datasets of drawn images, whose concepts, modality and region can be seen in them."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from roco.base.tables import LICENSE_COLUMNS

CT, XRAY, CHEST, NODULE = "C0040405", "C1306645", "C0817096", "C0028259"
SPLITS = {"train": 16, "valid": 8, "test": 4}


def concepts_of(number: int) -> tuple[str, ...]:
    """Even images are CT, the others X-rays of the chest; every third has a nodule."""
    first = (CT,) if number % 2 == 0 else (XRAY, CHEST)
    return (*first, NODULE) if number % 3 == 0 else first


def picture(number: int, side: int = 48) -> bytes:
    """A JPEG that is light for X-rays, dark for CT, with a bright square for a nodule, and some noise."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 60, (side, side + 8)) + (120 if number % 2 else 20)
    if number % 3 == 0:
        pixels[side // 4 : side // 2, side // 4 : side // 2] = 255
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def drawn(
    root: Path, splits: dict[str, int] = SPLITS, broken: tuple[str, ...] = (), missing: tuple[str, ...] = ()
) -> Path:
    """Writes a dataset in the layout of the published ROCOv2. broken: ids of truncated images; missing: without one."""
    root.mkdir()
    licenses = []
    for split in ("train", "valid", "test"):
        ids = [f"x_{split}_{number:06d}" for number in range(1, splits.get(split, 0) + 1)]
        concepts = {id: concepts_of(number) for number, id in enumerate(ids, start=1)}
        _write(root / f"{split}_captions.csv", ("ID", "Caption"), [(id, "An image.") for id in ids])
        _write(root / f"{split}_concepts.csv", ("ID", "CUIs"), [(id, ";".join(concepts[id])) for id in ids])
        manual = [(id, ";".join(cui for cui in concepts[id] if cui != NODULE)) for id in ids]
        _write(root / f"{split}_concepts_manual.csv", ("ID", "CUIs"), manual)
        with zipfile.ZipFile(root / f"{split}_images.zip", "w") as archive:
            for number, id in enumerate(ids, start=1):
                if id not in missing:
                    data = picture(number + 100 * len(split))
                    archive.writestr(f"{split}/{id}.jpg", data[: len(data) // 2] if id in broken else picture(number))
        licenses += [
            (id, f"PMC{number // 2}{len(split)}", "CC BY", "https://example.org") for number, id in enumerate(ids)
        ]
    _write(root / "license_information.csv", LICENSE_COLUMNS, licenses)
    _write(
        root / "cui_mapping.csv",
        ("CUI", "Canonical name"),
        [(CT, "CT"), (XRAY, "X-Ray"), (CHEST, "Chest"), (NODULE, "Nodule")],
    )
    return root


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as fh:
        csv.writer(fh, lineterminator="\n").writerows([header, *rows])


def labelled_folder(root: Path, n: int) -> tuple[Path, Path]:
    """Writes n images p00.png, p01.png … and the CSV file of their labels: yes for two panels; groups of four."""
    folder = root / "images"
    folder.mkdir()
    rows = []
    for number in range(n):
        pixels = np.random.default_rng(number).integers(0, 80, (40, 60)).astype(np.uint8)
        if number % 2:
            pixels[:, 28:32] = 255
        Image.fromarray(pixels).save(folder / f"p{number:02}.png")
        rows.append((f"p{number:02}.png", "yes" if number % 2 else "no", f"article {number // 4}"))
    _write(root / "compound.csv", ("path", "label", "group"), rows)
    return folder, root / "compound.csv"

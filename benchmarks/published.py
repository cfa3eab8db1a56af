"""A synthetic ROCOv2 of full size in the published layout: loaded, verified, and merged with new articles."""

from __future__ import annotations

import csv
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import simplejpeg

import roco
from roco.base.tables import CAPTION_COLUMNS, CONCEPT_COLUMNS, CUI_MAPPING_COLUMNS

SIZES = {"train": 59_958, "valid": 9_904, "test": 9_927}
ARTICLES = 44_975
MODALITIES = (
    ("Axial CT of the chest", "C0040405"),
    ("Chest X-ray", "C1306645"),
    ("T2-weighted MRI of the brain", "C0024485"),
    ("Ultrasound of the liver", "C0041618"),
    ("Angiogram", "C0002978"),
)
"""Beginning of a caption, and the CUI of its modality."""

NODULE = "C0028259"

Row = tuple[str, ...]


def make(root: Path, scale: float = 1.0) -> int:
    """Writes a dataset of small images of random noise, no two alike; returns the number of images."""
    root.mkdir(parents=True)
    random = np.random.default_rng(7)
    licenses: list[Row] = []
    for split, size in SIZES.items():
        captions: list[Row] = []
        concepts: list[Row] = []
        manual: list[Row] = []
        with zipfile.ZipFile(root / f"{split}_images.zip", "w", zipfile.ZIP_STORED) as archive:
            for k in range(int(size * scale)):
                number = len(licenses)  # of the image in the whole dataset
                id = f"ROCOv2_2023_{split}_{k + 1:06d}"
                archive.writestr(f"{split}/{id}.jpg", _image(random))
                text, modality = MODALITIES[number % len(MODALITIES)]
                captions.append((id, f"{text} of patient {number} shows a nodule."))
                concepts.append((id, f"{modality};{NODULE}"))
                manual.append((id, modality))
                licenses.append(_license_row(id, number))
        _write(root / f"{split}_captions.csv", CAPTION_COLUMNS, captions)
        _write(root / f"{split}_concepts.csv", CONCEPT_COLUMNS, concepts)
        _write(root / f"{split}_concepts_manual.csv", CONCEPT_COLUMNS, manual)
    # The published table has these spaces in its header.
    _write(root / "license_information.csv", ("ID ", " PMCID", " Attribution", "Link"), licenses)
    names = [(cui, text) for text, cui in MODALITIES]
    _write(root / "cui_mapping.csv", CUI_MAPPING_COLUMNS, [*names, (NODULE, "Nodule")])
    return len(licenses)


def _license_row(id: str, number: int) -> Row:
    article = number * ARTICLES // sum(SIZES.values())
    license = "CC BY" if number % 3 else "CC BY-NC"
    pmcid = f"PMC{7_000_000 + article}"
    attribution = f"{license} Roe{article} et al. (2021)"
    return id, pmcid, attribution, f"https://www.ncbi.nlm.nih.gov/pmc/articles/{pmcid}"


def _image(random: np.random.Generator) -> bytes:
    """Returns a JPEG of 32 x 32 pixels: 8 x 8 random grey levels, enlarged."""
    coarse = random.integers(0, 255, (8, 8), dtype=np.uint8)
    pixels = np.kron(coarse, np.ones((4, 4), np.uint8))[..., None]
    return bytes(simplejpeg.encode_jpeg(pixels, 80, "GRAY", "Gray"))


def _write(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.writer(fh, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def published(packages: Path | None, scale: float = 1.0) -> Iterator[str]:
    """Yields the lines of a section of docs/benchmarks.md.

    packages: a folder of new articles in PMC's package layout, merged with the dataset; None merges nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        dataset = root / "rocov2"
        images = make(dataset, scale)
        yield f"{images:,} synthetic images of {ARTICLES:,} articles in the published layout."
        yield ""
        yield "| step | seconds | peak memory of one process |"
        yield "|---|---|---|"
        yield _measured("`roco.load`", lambda: f"{len(roco.load(dataset)):,} images")
        yield _measured("`roco.verify`", lambda: f"{len(roco.verify(dataset))} problems")
        sources = f'[[source]]\nkind = "release"\npath = "{dataset.name}"\n'
        if packages:
            sources += f'[[source]]\nkind = "package"\npath = "{packages}"\n'
        (root / "merge.toml").write_text(f'[run]\nfolder = "run"\nbase = "rocov2"\n{sources}')
        name = "`roco run`, merged with new articles" if packages else "`roco run`"
        yield _measured(name, lambda: _run(root / "merge.toml"))
        release = root / "run" / "release"
        yield _measured("`roco.verify` of the merged release", lambda: f"{len(roco.verify(release))} problems")


def _run(recipe: Path) -> str:
    stages = roco.load_recipe(recipe).run().funnel["stages"]
    return f"{stages[0]['in']:,} rows, {stages[-1]['kept']:,} released"


def _measured(name: str, work: Callable[[], str]) -> str:
    """Returns a row of the table: what was done and with which result, seconds, and peak memory so far."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    processes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    kilobytes = max(resource.getrusage(which).ru_maxrss for which in processes)
    return f"| {name} ({result}) | {seconds:.1f} | {kilobytes / 1e6:.2f} GB so far |"


def main(arguments: list[str]) -> None:
    packages = Path(arguments[0]).resolve() if arguments else None
    scale = float(arguments[1]) if len(arguments) > 1 else 1.0
    for line in published(packages, scale):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""A synthetic ROCOv2 of full size in the published layout: loaded, verified, and merged with new articles."""

from __future__ import annotations

import csv
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

import roco

SIZES = {"train": 59_958, "valid": 9_904, "test": 9_927}
ARTICLES = 44_975
_WORDS = (
    "Axial CT of the chest",
    "Chest X-ray",
    "T2-weighted MRI of the brain",
    "Ultrasound of the liver",
    "Angiogram",
)
_MODALITY = ("C0040405", "C1306645", "C0024485", "C0041618", "C0002978")


def make(root: Path, scale: float = 1.0) -> int:
    """Writes the published layout with small images of distinct noise; returns the number of images."""
    root.mkdir(parents=True)
    noise = np.random.default_rng(7)
    licenses, at = [], 0
    for split, n in SIZES.items():
        rows = []
        with zipfile.ZipFile(root / f"{split}_images.zip", "w", zipfile.ZIP_STORED) as archive:
            for k in range(int(n * scale)):
                id = f"ROCOv2_2023_{split}_{k + 1:06d}"
                archive.writestr(f"{split}/{id}.jpg", _picture(noise))
                kind, article = at % len(_WORDS), at * ARTICLES // sum(SIZES.values())
                rows.append((id, f"{_WORDS[kind]} of patient {at} shows a nodule.", _MODALITY[kind]))
                who = f"{'CC BY' if at % 3 else 'CC BY-NC'} Roe{article} et al. (2021)"
                pmcid = f"PMC{7_000_000 + article}"
                licenses.append((id, pmcid, who, f"https://www.ncbi.nlm.nih.gov/pmc/articles/{pmcid}"))
                at += 1
        _write(root / f"{split}_captions.csv", ("ID", "Caption"), ((id, caption) for id, caption, _ in rows))
        _write(root / f"{split}_concepts.csv", ("ID", "CUIs"), ((id, f"{cui};C0028259") for id, _, cui in rows))
        _write(root / f"{split}_concepts_manual.csv", ("ID", "CUIs"), ((id, cui) for id, _, cui in rows))
    _write(root / "license_information.csv", ("ID ", " PMCID", " Attribution", "Link"), licenses)
    names = dict(zip(_MODALITY, _WORDS, strict=True)) | {"C0028259": "Nodule"}
    _write(root / "cui_mapping.csv", ("CUI", "Canonical name"), names.items())
    return at


def _picture(noise: np.random.Generator) -> bytes:
    coarse = noise.integers(0, 255, (8, 8), dtype=np.uint8)
    return bytes(simplejpeg.encode_jpeg(np.kron(coarse, np.ones((4, 4), np.uint8))[..., None], 80, "GRAY", "Gray"))


def _write(path: Path, header: tuple[str, ...], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.writer(fh, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def published(packages: Path | None, scale: float = 1.0) -> list[str]:
    """The section of docs/benchmarks.md; packages: a folder of new articles in the layout of the paper, or none."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        n = make(root / "rocov2", scale)
        lines = [
            f"{n:,} synthetic images of {ARTICLES:,} articles in the published layout, with real headers and sizes.",
            "",
        ]
        lines += ["| step | seconds | peak memory of one process |", "|---|---|---|"]
        lines += [_row("`roco.load`", lambda: len(roco.load(root / "rocov2")))]
        lines += [_row("`roco.verify`", lambda: len(roco.verify(root / "rocov2")))]
        more = f'[[source]]\nkind = "package"\npath = "{packages}"\n' if packages else ""
        (root / "merge.toml").write_text(
            f'[run]\nfolder = "run"\nbase = "rocov2"\n[[source]]\nkind = "release"\npath = "rocov2"\n{more}'
        )
        lines += [_row("`roco run`, merged with new articles" if more else "`roco run`", lambda: _run(root))]
        lines += [_row("`roco.verify` of the merged release", lambda: len(roco.verify(root / "run" / "release")))]
        return lines


def _run(root: Path) -> str:
    funnel = roco.load_recipe(root / "merge.toml").run().funnel
    return f"{funnel['stages'][0]['in']:,} rows, {funnel['stages'][-1]['kept']:,} released"


def _row(name: str, work: Callable[[], Any]) -> str:
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return f"| {name} ({result}) | {seconds:.1f} | {kilobytes / 1e6:.2f} GB so far |"


def main(words: list[str]) -> Iterator[str]:
    yield from published(Path(words[0]).resolve() if words else None, float(words[1]) if len(words) > 1 else 1.0)


if __name__ == "__main__":
    for line in main(sys.argv[1:]):
        print(line, flush=True)

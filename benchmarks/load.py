"""Compares the images of `Dataset.to_torch` with torchvision's ImageFolder, on the same files, in a DataLoader."""

from __future__ import annotations

import importlib
import itertools
import os
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader

import roco
from benchmarks.corpora import real_images
from roco.base.errors import RejectedInput
from roco.base.schema import SPLITS
from roco.base.tables import LICENSE_COLUMNS
from roco.models.images.decode import decode
from roco.release.load.torch_dataset import Square

IMAGES = 1000
WORKERS = 2
BATCH = 32
SIDE = 224
LARGEST = 400_000  # bytes; the published images have 76 kB on average


def loading(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = usable()
        n_bytes = write_layouts(root, files)
        train = roco.load(root / "zips", "train")
        data = train.to_torch(image=SIDE, target="modality")
        given = train.to_torch(image=_scaled, target="modality")
        loose = roco.load(root / "loose", "train").to_torch(image=SIDE, target="modality")
        peer = _image_folder()(root / "loose" / "train_images", transform=_scaled)
        assert len(data) == len(loose) == len(peer)
        work: dict[str, Callable[[], int]] = {
            "roco, from the zip": lambda: _epoch(data),
            "roco, from the zip, the transform of ImageFolder": lambda: _epoch(given),
            "roco, from loose files": lambda: _epoch(loose),
            "torchvision.datasets.ImageFolder": lambda: _epoch(peer),
        }
        before = os.getloadavg()[0]
        seconds: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(repeats):
            for name, do in work.items():
                started = time.perf_counter()
                assert do() == len(data)
                seconds[name].append(time.perf_counter() - started)
    return _lines(seconds, len(files), n_bytes, before)


def _lines(seconds: dict[str, list[float]], images: int, n_bytes: int, load: float) -> list[str]:
    lines = ["", "## Loading into PyTorch", ""]
    lines += [
        f"{images:,} real radiology images ({n_bytes / 1e6:.0f} MB, JPEG and PNG), shuffled, scaled to",
        f"{SIDE} x {SIDE}, in batches of {BATCH} by {WORKERS} forked workers, in turns. All scale by the same code;",
        f"with `image={SIDE}` grey images get three channels last. The load of the machine before was {load:.1f}",
        f"on {os.cpu_count()} cores.",
    ]
    lines += ["", "| | images per second |", "|---|---|"]
    for name, times in seconds.items():
        lines.append(f"| {name} | {images / statistics.median(times):.0f} |")
    *own, peer = seconds
    for name in own:
        ratio = statistics.median(b / a for a, b in zip(seconds[name], seconds[peer], strict=True))
        lines += ["", f"`{peer}` takes {ratio:.2f} times as long as `{name}`."]
    return lines


def usable() -> list[tuple[str, bytes]]:
    """Returns JPEG and PNG images of radiology that both decode, repeated up to the number of images."""
    found = []
    for path in real_images():
        data = path.read_bytes()
        if path.parts[-3:-1].count("images") or path.suffix.lower() not in (".jpg", ".png") or len(data) > LARGEST:
            continue
        try:
            decode(data)
        except RejectedInput:
            continue
        found.append((path.suffix.lower(), data))
    return list(itertools.islice(itertools.cycle(found), IMAGES))


def write_layouts(root: Path, files: list[tuple[str, bytes]]) -> int:
    """Writes the images twice, in the layout of the published ROCOv2: in a zip, and as loose files; returns bytes."""
    ids = [f"bench_train_{number:06d}" for number in range(len(files))]
    for layout in ("zips", "loose"):
        _write_tables(root / layout, ids)
    folder = root / "loose" / "train_images" / "train"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(root / "zips" / "train_images.zip", "w", zipfile.ZIP_STORED) as archive:
        for id, (suffix, data) in zip(ids, files, strict=True):
            archive.writestr(f"train/{id}{suffix}", data)
            (folder / f"{id}{suffix}").write_bytes(data)
    return sum(len(data) for _, data in files)


def _write_tables(root: Path, ids: list[str]) -> None:
    """Writes the tables of a training set; the other splits are empty."""
    root.mkdir()
    for split in SPLITS:
        own = ids if split == "train" else []
        for table, header, cell in (
            ("captions", "ID,Caption", "Axial CT"),
            ("concepts", "ID,CUIs", "C0040405"),
            ("concepts_manual", "ID,CUIs", "C0040405"),
        ):
            lines = [header, *(f"{id},{cell}" for id in own)]
            (root / f"{split}_{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "license_information.csv").write_text(",".join(LICENSE_COLUMNS) + "\n", encoding="utf-8")


def _scaled(image: Image.Image) -> Any:
    return Square(SIDE)(image)


def _epoch(items: Any) -> int:
    loader = DataLoader(items, batch_size=BATCH, shuffle=True, num_workers=WORKERS)
    return sum(len(images) for images, _ in loader)


def _image_folder() -> Any:
    """Returns torchvision's ImageFolder, imported only when it is compared with."""
    return importlib.import_module("torchvision.datasets").ImageFolder


# --- one image ------------------------------------------------------------------------------------------------------


def _profile() -> None:
    """Prints milliseconds per image for each step, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = usable()[:400]
        write_layouts(root, files)
        rows = list(roco.load(root / "zips", "train"))
        images = [decode(data).image for _, data in files]
        steps: dict[str, Callable[[], object]] = {
            "read from the zip": lambda: [row.image.bytes() for row in rows],
            "decode": lambda: [decode(data) for _, data in files],
            "decode by Pillow": lambda: [
                Image.open(path).convert("RGB") for path in (root / "loose").rglob("*.[jp]*g")
            ],
            "to RGB": lambda: [image.convert("RGB") for image in images],
            "scale": lambda: [np.asarray(Square(SIDE)(image.convert("RGB"))) for image in images],
        }
        for name, do in steps.items():
            started = time.perf_counter()
            do()
            print(f"{name:20} {(time.perf_counter() - started) / len(files) * 1e3:.2f} ms")


if __name__ == "__main__":
    if "profile" in sys.argv:
        _profile()
    else:
        print("\n".join(loading(int(os.environ.get("ROCO_BENCH_REPEATS", "3")))))

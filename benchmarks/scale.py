"""Measures the cost of a million images after the row pass (joining hashes, table stages) and of writing zips."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bookkeeping import bookkeeping
from benchmarks.corpora import BENCH, real_images
from roco.base.errors import RejectedInput
from roco.models.images.decode import decode
from roco.models.images.hamming import pairs_within
from roco.models.images.hashes import phash, small
from roco.release.writers import write_zip

MANY = 1_000_000


def real_hashes() -> NDArray[np.uint64]:
    """Returns distinct hashes of the real images and of 20 crops of each, distinct."""
    rng = random.Random(3)
    found = set()
    for path in real_images():
        try:
            image = decode(path.read_bytes()).image
        except RejectedInput:
            continue
        w, h = image.size
        boxes = [(0, 0, w, h)]
        for _ in range(20):
            cw, ch = int(w * rng.uniform(0.4, 0.9)), int(h * rng.uniform(0.4, 0.9))
            x, y = rng.randint(0, w - cw), rng.randint(0, h - ch)
            boxes.append((x, y, x + cw, y + ch))
        for box in boxes:
            if (pixels := small(image.crop(box))) is not None:
                found.add(int(phash(pixels), 16))
    return np.array(sorted(found), np.uint64)


def perturbed(hashes: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Returns n distinct hashes: the given ones, and copies of them with up to 12 bits flipped."""
    rng = np.random.default_rng(5)
    out = hashes
    while len(out) < n:
        copies = rng.choice(hashes, n)
        flips = rng.integers(0, 13, n)
        for at in range(12):
            bit = np.uint64(1) << rng.integers(0, 64, n).astype(np.uint64)
            copies = np.where(at < flips, copies ^ bit, copies)
        out = np.unique(np.concatenate([out, copies]))
    return rng.permutation(out)[:n]


def join(repeats: int) -> list[str]:
    hashes = perturbed(real := real_hashes(), MANY)
    lines = ["", "## A million hashes", ""]
    lines += [
        f"Hashes of {len(real):,} real images and crops of them, and copies with 0 to 12 bits flipped: {MANY:,} values."
    ]
    lines += ["", "| radius | seconds | pairs |", "|---|---|---|"]
    for radius in (4, 6, 8):
        times, found = [], None
        for _ in range(repeats if radius == 4 else 1):
            started = time.perf_counter()
            found = pairs_within(hashes, radius)
            times.append(time.perf_counter() - started)
        assert found is not None
        lines += [f"| {radius} | {statistics.median(times):.1f} | {len(found[0]):,} |"]
        missed = _missed(hashes, found, radius)
        assert missed == 0, f"{missed} pairs were missed"
    return [
        *lines,
        "",
        "200 of them were compared with all others: no pair is missed. Target at radius 4: 10 s.",
    ]


def _missed(hashes: NDArray[np.uint64], found: tuple[Any, Any, Any], radius: int) -> int:
    missed = 0
    i, j, _ = found
    for at in np.random.default_rng(6).choice(len(hashes), 200, replace=False):
        near = set(np.flatnonzero(np.bitwise_count(hashes ^ hashes[at]) <= radius).tolist()) - {int(at)}
        missed += len(near ^ {*j[i == at].tolist(), *i[j == at].tolist()})
    return missed


def zips(repeats: int) -> list[str]:
    """Times writing the zip of a release and a plain file of the same bytes, both with fsync."""
    folder = BENCH / "zips"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    data = [random.Random(i).randbytes(100_000) for i in range(50)]
    n = 10_000
    images = [(f"train/roco_train_{i:06d}.jpg", data[i % 50]) for i in range(n)]
    found: dict[str, list[float]] = {"zip": [], "zipfile": [], "plain": []}
    work: dict[str, Callable[[Path], None]] = {
        "zip": lambda path: write_zip(path, images),
        "zipfile": lambda path: _zipfile(path, images),
        "plain": lambda path: _plain(path, images),
    }
    for _ in range(repeats):
        for name, do in work.items():
            started = time.perf_counter()
            do(folder / name)
            with (folder / name).open("rb") as fh:
                os.fsync(fh.fileno())
            found[name].append(time.perf_counter() - started)
            (folder / name).unlink()
    shutil.rmtree(folder)
    rate = {name: n * 0.1 / statistics.median(times) for name, times in found.items()}
    lines = [
        "",
        "## Writing zips",
        "",
        f"{n:,} images of 100 kB with fsync, MB/s: the zip of a release {rate['zip']:.0f},",
    ]
    return [*lines, f"`zipfile` alone {rate['zipfile']:.0f}, a plain file of the same bytes {rate['plain']:.0f}."]


def _zipfile(path: Path, images: list[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in images:
            archive.writestr(name, data)


def _plain(path: Path, images: list[tuple[str, bytes]]) -> None:
    with path.open("wb") as fh:
        for _, data in images:
            fh.write(data)


def scale(repeats: int) -> list[str]:
    """Returns the sections of docs/benchmarks.md."""
    return [*join(repeats), *bookkeeping(), *zips(repeats)]


if __name__ == "__main__":
    for line in {"join": join, "zips": zips}.get(sys.argv[1] if len(sys.argv) > 1 else "", scale)(3):
        print(line, flush=True)

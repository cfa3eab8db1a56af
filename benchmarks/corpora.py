"""The corpora of the benchmarks: composed articles, and packages of realistic size."""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

SHARED = Path(os.environ.get("ROCO_SHARED", Path(__file__).parents[2] / "shared"))
BENCH = Path(__file__).parents[1] / ".bench"

Filling = Callable[[int, random.Random], "Iterator[tuple[str, bytes]]"]

PMC_ARTICLES, PMC_IMAGES = 4_798_923, 16_324_613
"""Articles of PMC's open-access subset, and their images (paper, Dataset Creation)."""

REAL_SIZE = 4_600_000
"""Bytes of a mean PMC package: 22 TB in PMC_ARTICLES archives (paper, Dataset Creation)."""

_LOOSE = (".jpg", ".jpeg", ".png", ".gif", ".tif")


def real_images() -> list[Path]:
    """Returns all available images, radiology and others, sorted."""
    folders = (SHARED / "data" / name for name in ("radiology", "images"))
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _LOOSE)


def composed(articles: int) -> Path:
    """Returns a composed corpus in the layout of the paper; it is created once and stored in .bench."""
    out = BENCH / f"composed-{articles}"
    if not (out / "truth.csv").exists():
        tool = SHARED / "tools" / "compose_packages.py"
        if not tool.exists():
            sys.exit("the composing tool is missing: set ROCO_SHARED to a folder with data/ and tools/")
        command = [sys.executable, tool, out, "--articles", str(articles), "--vary", "--layout", "package"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out / "package"


def cloud(articles: int) -> Path:
    """Returns a composed corpus in the layout of the bucket; it is created once and stored in .bench."""
    out = BENCH / f"cloud-{articles}"
    if not (out / "truth.csv").exists():
        tool = SHARED / "tools" / "compose_packages.py"
        if not tool.exists():
            sys.exit("the composing tool is missing: set ROCO_SHARED to a folder with data/ and tools/")
        command = [sys.executable, tool, out, "--articles", str(articles), "--vary", "--layout", "cloud"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out / "cloud"


def real_size(articles: int) -> Path:
    """Returns the first composed packages, padded to 4.6 MB each with incompressible members (PDFs, supplements)."""
    return _refilled(articles, f"real-size-{articles}", _noise)


def of_jpegs(articles: int) -> Path:
    """Returns the same packages, padded with real JPEGs; all of them are read, and gzip compresses them slightly."""
    return _refilled(articles, f"of-jpegs-{articles}", _jpegs)


def _refilled(articles: int, name: str, more: Filling) -> Path:
    out = BENCH / name
    done = out / "done"
    if not done.exists():
        rng = random.Random(1)
        for path in sorted(composed(2000).rglob("*.tar.gz"))[:articles]:
            target = out / path.relative_to(composed(2000))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_filled(path, more, rng))
        done.touch()
    return out


def _filled(path: Path, more: Filling, rng: random.Random) -> bytes:
    raw = io.BytesIO(gzip.decompress(path.read_bytes()))
    out = io.BytesIO()
    with tarfile.open(fileobj=raw) as old, tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as new:
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member))
        for name, data in more(max(0, REAL_SIZE - path.stat().st_size), rng):
            info = tarfile.TarInfo(f"{path.name.split('.')[0]}/{name}")
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), 6, mtime=0)


def _noise(size: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    yield "main.pdf", rng.randbytes(int(size * 0.4))
    yield "supplement-1.mov", rng.randbytes(int(size * 0.6))


def _jpegs(size: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    found = sorted(p for p in (SHARED / "data").rglob("*.jp*g") if 30_000 < p.stat().st_size < 900_000)
    while size > 0:
        data = rng.choice(found).read_bytes()
        size -= len(data)
        yield f"more{size}.jpg", data

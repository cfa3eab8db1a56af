"""Reading packages, side by side with `tarfile`: the same archives in turn, XML and images read."""

from __future__ import annotations

import statistics
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from roco.archive import open_tar_gz


def archives(source: Path, repeats: int) -> list[str]:
    paths = sorted(source.rglob("*.tar.gz"))[:60]
    found: dict[str, list[float]] = {"roco": [], "tarfile": []}
    ways: dict[str, Callable[[Path], int]] = {"roco": _roco, "tarfile": _tarfile}
    for _ in range(max(3, repeats)):
        for name, way in ways.items():
            started = time.perf_counter()
            assert sum(way(path) for path in paths) > 0
            found[name].append(time.perf_counter() - started)
    size = sum(p.stat().st_size for p in paths) / 1e6
    rates = {name: size / statistics.median(times) for name, times in found.items()}
    lines = ["", "## Reading packages", "", f"{len(paths)} packages, {size:.0f} MB: XML and JPEGs read.", ""]
    lines += ["| reader | MB/s | what it checks |", "|---|---|---|"]
    lines += [f"| roco | {rates['roco']:.0f} | CRC, length, clean end, names, limits |"]
    lines += [f"| tarfile `r\\|gz` | {rates['tarfile']:.0f} | headers |"]
    lines += [
        "",
        f"Ratio {rates['roco'] / rates['tarfile']:.2f}. The limit is inflating: DEFLATE of incompressible members.",
    ]
    return lines


def _roco(path: Path) -> int:
    with open_tar_gz(path) as archive:
        return sum(len(archive.read(name)) for name, _ in archive.files if name.endswith((".nxml", ".jpg")))


def _tarfile(path: Path) -> int:
    total = 0
    with tarfile.open(path, "r|gz") as tar:
        for member in tar:
            if member.isreg() and member.name.endswith((".nxml", ".jpg")):
                file = tar.extractfile(member)
                total += len(file.read()) if file else 0
    return total

"""Exports a release of 20,000 images of made-up bytes, mean 76 kB, as `roco export RELEASE hf|webdataset OUT` does."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.schema import COLUMNS
from roco.release.format import FILES
from roco.release.writers import write_checksums, write_csv, write_json, write_parquet, write_text, write_zip

IMAGES = 20_000
SMALLEST, LARGEST = 20_000, 132_000  # bytes; the mean of PMC's radiology images is 76 kB
FORMATS = ("hf", "webdataset")
CUIS = [f"C{number:07d}" for number in range(2_000)]

_EXPORT = """
import json, sys, time
from pathlib import Path
from roco.release.export.formats import export
wall, cpu = time.perf_counter(), time.process_time()
export(*sys.argv[1:4])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps([wall, cpu, peak]))
"""


class Measured(NamedTuple):
    """Time and memory of one export: seconds, CPU seconds of all threads, bytes of the largest resident set."""

    wall: float
    cpu: float
    peak: int


def write_release(folder: Path, images: int = IMAGES) -> int:
    """Writes a made-up release and returns the bytes of its images."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    splits = {"train": images * 8 // 10, "valid": images // 10, "test": images - images * 8 // 10 - images // 10}
    rows: list[dict[str, Any]] = []
    for split, number in splits.items():
        write_zip(folder / f"{split}_images.zip", _images(split, number, rng, rows))
    known = {name: COLUMNS[name].type for name in rows[0]}
    write_parquet(folder / "figures.parquet", pa.Table.from_pylist(rows, schema=pa.schema(known.items())))
    write_csv(folder / "cui_mapping.csv", ("CUI", "Canonical name"), [[cui, f"Concept {cui}"] for cui in CUIS])
    write_json(folder / "funnel.json", {"stages": []})
    write_text(folder / "README.md", "# A made-up release\n")
    for name in FILES:
        if not (folder / name).exists():
            write_text(folder / name, "")  # an export needs every file, but reads none of these
    write_checksums(folder)
    return sum(row["n_bytes"] for row in rows)


def _images(split: str, number: int, rng: random.Random, rows: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Yields name and bytes of each image of a split, and adds its row."""
    for position in range(number):
        id = f"roco_{split}_{position + 1:06d}"
        data = rng.randbytes(rng.randrange(SMALLEST, LARGEST))
        article = len(rows) // 2
        rows.append(
            {
                "id": id, "split": split, "format": "JPEG", "n_bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(), "article_key": f"PMC{article}", "pmcid": f"PMC{article}",
                "doi": f"10.1234/{article}", "title": f"A case of a finding in article {article}",
                "journal": "A journal", "year": 2020, "authors": ["Doe, Jane", "Roe, Richard", "Poe, Paula"],
                "license": "CC-BY", "license_url": "https://creativecommons.org/licenses/by/4.0/",
                "license_version": "4.0", "copyright": "© The authors",
                "caption": " ".join(rng.choices(("ct", "of", "chest", "nodule"), k=25)),
                "concepts": rng.choices(CUIS, k=4), "concepts_manual": [], "modality": "DRCT",
                "modality_from": "guess", "region": None, "direction": None, "language": "en",
            }
        )  # fmt: skip
        yield f"{split}/{id}.jpg", data


def measure(release: Path, format: str, out: Path) -> Measured:
    """Exports in a process of its own, after its imports."""
    command = [sys.executable, "-c", _EXPORT, str(release), format, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Measured(*json.loads(done.stdout))


def exports(repeats: int, images: int = IMAGES) -> list[str]:
    """Returns the section of the benchmarks page."""
    lines = [
        "",
        "## Exports",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        n_bytes = write_release(Path(folder) / "release", images)
        lines += [
            f"`roco export` of a made-up release of {images:,} images, {n_bytes / 1e6:,.0f} MB in stored zips, to each",
            "format: reading, SHA-256 of each image, writing, SHA-256 of each file. The load of the machine when the",
            f"first export began was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; MB/s is by CPU time of all",
            "threads. MB/s and seconds are medians, the peak is the largest of all runs.",
            "",
            "| format | MB/s of one core | worst | CPU s | wall s | peak memory |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        for format in FORMATS:
            runs = []
            for number in range(repeats):
                out = Path(folder) / f"{format}-{number}"
                runs.append(measure(Path(folder) / "release", format, out))
                shutil.rmtree(out)
            cpu = statistics.median(run.cpu for run in runs)
            worst = max(run.cpu for run in runs)
            wall = statistics.median(run.wall for run in runs)
            peak = max(run.peak for run in runs)
            lines.append(
                f"| `{format}` | {n_bytes / 1e6 / cpu:.0f} | {n_bytes / 1e6 / worst:.0f} | {cpu:.1f} | {wall:.1f} | "
                f"{peak / 1e6:.0f} MB |"
            )
    return lines


if __name__ == "__main__":
    print("\n".join(exports(int(os.environ.get("ROCO_BENCH_REPEATS", "3")))))

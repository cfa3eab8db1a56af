"""Reports of a made-up release of 80,000 rows with real images for some, as `roco report RELEASE` does."""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.corpora import real_images
from roco.base.labels import DIRECTIONS, MODALITIES, REGIONS
from roco.base.schema import COLUMNS, SPLITS
from roco.models.text.vocabulary.table import load
from roco.release.writers import write_csv, write_json, write_parquet, write_zip

WORDS = "ct scan of the chest showing pleural effusion nodule in left upper lung lobe arrow axial view"
ROWS = 80_000
PICTURES = 300
MOST_SECONDS, MOST_BYTES = 60, 2_000_000_000

_REPORT = """
import json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
sys.argv = ["roco", "-q", "report", sys.argv[1], "--out", sys.argv[2]]
from roco.cli.main import main
try:
    main()
except SystemExit as err:
    assert not err.code, err.code
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
status = open("/proc/self/status").read()
peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps([wall, cpu, peak]))
"""


def write_release(
    folder: Path, rows: int = ROWS, pictures: int = PICTURES, captions: Sequence[str] | None = None
) -> Path:
    """Writes a made-up release: tables of all rows, and real images for the first ones of each split.

    captions: one for each row, instead of made-up ones.
    """
    rng = random.Random(7)
    concepts = [concept.cui for concept in load(None).concepts][:2_000]
    words = WORDS.split()
    columns: dict[str, list[Any]] = {}

    def add(name: str, values: list[Any]) -> None:
        columns[name] = values

    splits = [("train", "train", "train", "valid", "test")[row // 3 % 5] for row in range(rows)]
    modalities = [rng.choice(("DRCT", "DRCT", "DRMR", "DRXR", "DRXR", "DRUS", "DRAN", "DRPE")) for _ in range(rows)]
    xrays = [modality == "DRXR" for modality in modalities]
    regions = [rng.choice(list(REGIONS)) if xray else None for xray in xrays]
    directions = [rng.choice(list(DIRECTIONS)) if xray else None for xray in xrays]
    add("id", [f"roco_{split}_{row:06d}" for row, split in enumerate(splits)])
    add("split", splits)
    add("figure_id", [f"PMC{row // 3}/f{row % 3}/0" for row in range(rows)])
    for name in ("article_key", "pmcid"):
        add(name, [f"PMC{row // 3 + 1}" for row in range(rows)])
    add("image_key", [f"PMC{row // 3 + 1}-{rng.getrandbits(256):064x}" for row in range(rows)])
    add("sha256", [key.partition("-")[2] for key in columns["image_key"]])
    add("license", [rng.choice(("CC-BY", "CC-BY", "CC-BY-NC")) for _ in range(rows)])
    add("journal", [f"Journal of Report {int(900 * rng.random() ** 3)}" for _ in range(rows)])
    add("year", [2005 + rng.randrange(20) for _ in range(rows)])
    add("authors", [["Doe, Jo", "Roe, Al"] for _ in range(rows)])
    add("article_type", [rng.choice(("case-report", "research-article")) for _ in range(rows)])
    add("title", [f"A case {row // 3}" for row in range(rows)])
    drawn = [" ".join(rng.choices(words, k=rng.randrange(4, 40))).capitalize() + "." for _ in range(rows)]
    add("caption", list(captions or drawn))
    add("language", ["en"] * rows)
    add("language_score", [0.9] * rows)
    add("modality", modalities)
    add("modality_from", [rng.choice(("label", "guess")) for _ in range(rows)])
    add("region", regions)
    add("direction", directions)
    for name in ("width", "height"):
        add(name, [rng.randrange(200, 1200) for _ in range(rows)])
    add("mode", [rng.choice(("L", "RGB")) for _ in range(rows)])
    add("format", ["JPEG"] * rows)
    add("n_bytes", [rng.randrange(20_000, 130_000) for _ in range(rows)])
    add("phash", [f"{rng.getrandbits(64):016x}" for _ in range(rows)])
    add("similar_group", [key if rng.random() < 0.02 else None for key in columns["image_key"]])
    add("retracted", [False] * rows)
    add("identifying_fields", [[] for _ in range(rows)])
    add("compound_score", [rng.random() * 0.4 for _ in range(rows)])
    automatic, manual = [], []
    for modality, region, direction in zip(modalities, regions, directions, strict=True):
        labels = [MODALITIES[modality].cui, REGIONS[region].cui if region else None]
        labels.append(DIRECTIONS[direction].cui if direction else None)
        manual.append([cui for cui in labels if cui])
        automatic.append([concepts[int(2_000 * rng.random() ** 3)] for _ in range(3)])
    add("concepts_manual", manual)
    add("concepts_auto", automatic)
    add("concepts", [list(dict.fromkeys((*a, *b))) for a, b in zip(manual, automatic, strict=True)])

    folder.mkdir(parents=True)
    types = {name: COLUMNS[name].type if name in COLUMNS else pa.float32() for name in columns}
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    write_parquet(folder / "figures.parquet", table)
    write_csv(folder / "cui_mapping.csv", ("CUI", "Canonical name"), [[cui, f"Concept {cui}"] for cui in concepts])
    write_json(folder / "funnel.json", {"stages": [], "source": {"articles": rows // 3, "kind": "package"}})
    files = [path for path in real_images() if path.suffix.lower() in (".jpg", ".jpeg")]
    # The report shows the first images by the hash of their id.
    shown = sorted(columns["id"], key=lambda id: hashlib.sha256(id.encode()).digest())[:pictures]
    for split in SPLITS:
        chosen = sorted(id for id in shown if id.split("_")[1] == split)
        members = [(f"{split}/{id}.jpg", files[n % len(files)].read_bytes()) for n, id in enumerate(chosen)]
        write_zip(folder / f"{split}_images.zip", iter(members))
    return folder


def report(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    measured = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_release(Path(temporary) / "release")
        for number in range(repeats):
            out = Path(temporary) / f"report-{number}"
            command = [sys.executable, "-c", _REPORT, str(folder), str(out)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            measured.append(json.loads(done.stdout.splitlines()[-1]))
        sections = json.loads((out / "report.json").read_text(encoding="utf-8"))["sections"]
    wall, cpu, peak = (statistics.median(column) for column in zip(*measured, strict=True))
    made = sum("missing" not in section for section in sections.values())
    return [
        "",
        "## Reports",
        "",
        f"`roco report` of a made-up release of {ROWS:,} rows with {PICTURES} real images: {made} sections,",
        f"{wall:.1f} s ({cpu:.1f} s of CPU time), {peak / 1e6:,.0f} MB at most, in a process of its own.",
        f"Target: {MOST_SECONDS} s, {MOST_BYTES / 1e9:.0f} GB.",
        f"Load of the machine afterwards: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
    ]


if __name__ == "__main__":
    print("\n".join(report(1)))

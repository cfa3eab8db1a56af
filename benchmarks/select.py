"""Selects images of a made-up release of 80,000 rows and 74 columns, as `roco select --count` does."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.schema import COLUMNS
from roco.release.read import Release
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import choose

ROWS = 80_000
CONCEPTS = 2_000

SELECTS: dict[str, dict[str, Any]] = {
    "`--commercial`": {"commercial": True},
    "`--modality DRCT --year 2020-`": {"modality": ("DRCT",), "year": ("2020-",)},
    "`--concept C0000007`": {"concept": ("C0000007",)},
    "`--concept` with 111 descendants": {"concept": ("C0000001",)},
    "`--where \"caption ILIKE '%pleural effusion%'\"`": {"where": "caption ILIKE '%pleural effusion%'"},
    "`--one-per-article`": {"one_per_article": True},
    "`--sample 1000 --seed 7`": {"sample": 1000, "seed": 7},
    "all of these": {
        "commercial": True,
        "modality": ("DRCT", "DRMR"),
        "year": ("2018-",),
        "concept": ("C0000001",),
        "split": ("train",),
        "where": "length(caption) > 40",
        "one_per_article": True,
        "sample": 1000,
    },
}


def write_release(folder: Path, rows: int = ROWS) -> tuple[Path, Path]:
    """Writes figures.parquet and cui_mapping.csv of a made-up release, and a file of relations; returns both paths."""
    rng = random.Random(7)
    words = ("ct", "scan", "of", "the", "chest", "showing", "pleural", "effusion", "nodule", "in", "lung", "arrow")
    cuis = [f"C{number:07d}" for number in range(CONCEPTS)]
    some: dict[str, Any] = {
        "split": lambda row: ("train", "train", "train", "valid", "test")[row // 3 % 5],
        "article_key": lambda row: f"PMC{row // 3}",
        "image_key": lambda row: f"PMC{row // 3}-{rng.getrandbits(256):064x}",
        "sha256": lambda row: f"{rng.getrandbits(256):064x}",
        "license": lambda row: rng.choice(("CC-BY", "CC-BY", "CC-BY-NC", "CC0")),
        "modality": lambda row: rng.choice(("DRCT", "DRMR", "DRXR", "DRUS", None)),
        "year": lambda row: 2005 + rng.randrange(20),
        "caption": lambda row: " ".join(rng.choices(words, k=25)),
        "concepts": lambda row: sorted({cuis[int(CONCEPTS * rng.random() ** 3)] for _ in range(5)}),
    }
    columns = {"id": pa.array([f"roco_{some['split'](row)}_{row:06d}" for row in range(rows)])}
    for name, make in some.items():
        columns[name] = pa.array([make(row) for row in range(rows)], COLUMNS[name].type)
    for name, column in COLUMNS.items():
        if len(columns) == 74:
            break
        if name not in columns:
            texts = [f"{name} {rng.randrange(rows)}" for _ in range(rows)] if column.type == pa.string() else None
            columns[name] = pa.array(texts, column.type) if texts else pa.nulls(rows, column.type)
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "figures.parquet", compression="zstd", row_group_size=10_000)
    names = [f"{cui},Concept {number}\n" for number, cui in enumerate(cuis)]
    (folder / "cui_mapping.csv").write_text("CUI,Canonical name\n" + "".join(names), encoding="utf-8")
    relations = folder.parent / "relations.csv"
    pairs = [(child, parent) for parent in range(1, 12) for child in range(parent * 10, parent * 10 + 10)]
    lines = [f"{cuis[child]},{cuis[parent]}\n" for child, parent in pairs]
    relations.write_text("child,parent\n" + "".join(lines), encoding="utf-8")
    return folder, relations


def select(repeats: int) -> list[str]:
    lines = [
        "",
        "## Selecting images",
        "",
        f"`roco select --count` over a made-up release of {ROWS:,} rows and 74 columns, without the start of Python:",
        "reading the columns, the query in DuckDB, and the numbers before and after.",
        "",
        "| select | images | seconds | of CPU time |",
        "|---|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder, relations = write_release(Path(temporary) / "release")
        release = Release.open(folder)
        for name, options in SELECTS.items():
            flags = SelectOptions(**options)
            of_file = relations if options.get("concept") == ("C0000001",) else None
            seconds, of_cpu = [], []
            for _ in range(repeats + 1):
                start, start_of_cpu = time.perf_counter(), time.process_time()
                selection = choose(release, flags, of_file)
                seconds.append(time.perf_counter() - start)
                of_cpu.append(time.process_time() - start_of_cpu)
            medians = f"{statistics.median(seconds[1:]):.2f} | {statistics.median(of_cpu[1:]):.2f}"
            lines.append(f"| {name} | {len(selection.ids):,} | {medians} |")
    load = f"Load of the machine afterwards: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. Target: 0.3 s."
    lines += ["", f"{load} CPU time is that of all threads."]
    return lines


if __name__ == "__main__":
    print("\n".join(select(5)))

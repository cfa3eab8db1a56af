"""Measures `roco vocab build` on synthetic tables of UMLS; `python -m benchmarks.umls_build` prints the section."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import umls_tables

ROWS = int(os.environ.get("ROCO_BENCH_UMLS_ROWS", "1000000"))
"""Of MRCONSO.RRF; UMLS has 15 million."""


class Built(NamedTuple):
    """One build: seconds, seconds of CPU time, peak memory in bytes, and what the vocabulary has."""

    wall: float
    cpu: float
    memory: int
    concepts: int
    names: int


def umls(repeats: int) -> list[str]:
    """Returns a section: time and memory of a vocabulary of ROWS synthetic rows, the median of some builds."""
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder) / "umls"
        umls_tables.main(tables, ROWS)
        builds = [_build(tables, Path(folder) / f"{number}.csv.gz") for number in range(repeats)]
    wall, cpu, memory = (statistics.median(getattr(one, name) for one in builds) for name in ("wall", "cpu", "memory"))
    source = f"`roco vocab build --umls` on {ROWS:,} synthetic rows, of the 15 million that UMLS has, in one process."
    first = builds[0]
    speed = f"{wall:.1f} | {cpu:.1f} | {ROWS / cpu:,.0f} | {memory / 1e6:,.0f} MB"
    return [
        "",
        "## A vocabulary from UMLS",
        "",
        source,
        "",
        "| rows | concepts | names | seconds | CPU seconds | rows/s of CPU time | peak memory |",
        "|---|---|---|---|---|---|---|",
        f"| {ROWS:,} | {first.concepts:,} | {first.names:,} | {speed} |",
    ]


def _build(tables: Path, out: Path) -> Built:
    """Builds a vocabulary in a process of its own."""
    command = [sys.executable, "-m", "roco", "vocab", "build", str(out), "--umls", str(tables), "--json"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, stdout=printed)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        printed.seek(0)
        report = json.load(printed)
    return Built(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, report["concepts"], report["names"])


if __name__ == "__main__":
    print("\n".join(umls(int(os.environ.get("ROCO_BENCH_REPEATS", "3")))))

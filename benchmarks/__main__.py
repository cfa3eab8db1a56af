"""`make bench`: runs all benchmarks and writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.archives import archives
from benchmarks.corpora import composed, of_jpegs, real_size
from benchmarks.fetching import fetching
from benchmarks.hashing import hashing
from benchmarks.readers import readers
from benchmarks.runs import medians, million, once
from benchmarks.scale import scale
from benchmarks.scoring import scoring

REPEATS = int(os.environ.get("ROCO_BENCH_REPEATS", "3"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def runs(title: str, source: Path) -> list[str]:
    """Returns the section on runs of one corpus; 1 and 2 workers alternate, so that noise affects both equally."""
    results: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _ in range(REPEATS):
        for workers in results:
            results[workers].append(once(source, workers))
    one, two = medians(results[1]), medians(results[2])
    efficiency = two["rate"] / one["rate"] / 2
    lines = ["", f"## {title}", "", f"{one['articles']:,} articles, {one['figures']:,} figures, recipe `rocov2`.", ""]
    lines += ["| workers | seconds | figures/s | bookkeeping | peak memory of a worker | second run, nothing to do |"]
    lines += ["|---|---|---|---|---|---|"]
    for r in (one, two):
        lines.append(
            f"| {r['workers']} | {r['seconds']:.1f} | {r['rate']:.0f} | {100 * r['books']:.1f} % | {r['peak']:.0f} MB "
            f"| {r['idle']:.2f} s |"
        )
    single = {workers: ", ".join(f"{r['seconds']:.1f}" for r in runs) for workers, runs in results.items()}
    times = sorted(one["times"].items(), key=lambda item: -item[1])
    shares = [f"{name} {100 * n / one['times']['all']:.0f} %" for name, n in times if name != "all"]
    lines += [
        "",
        f"Efficiency of the second worker: {efficiency:.2f} (rate with 2 / rate with 1 / 2). It covers the whole",
        "command: start, listing, table stages and release run in one process, and with few parts a worker is idle at",
        "the end. Target: 0.90, and less than 5 % bookkeeping.",
        f"Single runs: {single[1]} s with one worker, {single[2]} s with two.",
        "Time of a worker: " + ", ".join(shares) + ".",
    ]
    return lines


def main() -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`: medians of consecutive runs on one machine,",
        f"{machine}. No test depends on timings.",
        "",
        "Bookkeeping is the time that a worker spends on neither reading, stages nor copying images to the pack:",
        "joins, checks, digests, tables, fsync. `read` inflates packages and reads images, `pack` writes kept images.",
    ]
    lines += runs("Composed articles", composed(2000))
    lines += runs("Packages of realistic size (4.6 MB)", real_size(400))
    threshold = million(composed(2000))
    lines += [
        "",
        "## A changed threshold over a million rows",
        "",
        f"{threshold['rows']:,} synthetic rows, two workers: {threshold['seconds']:.1f} s; nothing is measured again.",
    ]
    lines += archives({"of incompressible members": real_size(400), "of JPEGs": of_jpegs(60)}, REPEATS)
    lines += readers(REPEATS)
    lines += hashing(REPEATS)
    lines += scale(REPEATS)
    lines += fetching(REPEATS)
    lines += scoring(REPEATS)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

"""`make bench`: measures everything in one run and writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path

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
    """One run after the other with 1 and 2 workers, in turn, so that noise falls on both alike."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(REPEATS):
        for workers in found:
            found[workers].append(once(source, workers))
    one, two = medians(found[1]), medians(found[2])
    efficiency = two["rate"] / one["rate"] / 2
    lines = ["", f"## {title}", "", f"{one['articles']:,} articles, {one['figures']:,} figures, recipe `rocov2`.", ""]
    lines += ["| workers | seconds | figures/s | bookkeeping | peak of a worker | run again, nothing to do |"]
    lines += ["|---|---|---|---|---|---|"]
    for r in (one, two):
        lines.append(
            f"| {r['workers']} | {r['seconds']:.1f} | {r['rate']:.0f} | {100 * r['books']:.1f} % | {r['peak']:.0f} MB "
            f"| {r['idle']:.2f} s |"
        )
    spread = ", ".join(f"{r['seconds']:.1f}" for r in found[1]), ", ".join(f"{r['seconds']:.1f}" for r in found[2])
    lines += ["", f"Efficiency of the second worker: {efficiency:.2f} (rate at 2 / rate at 1 / 2)."]
    lines += ["It counts the whole command: start, listing, table stages and release are done by one process alone,"]
    lines += ["and a corpus of few parts leaves a worker idle at the end. Aim: 0.90, and bookkeeping under 5 %."]
    lines += [f"Single runs: {spread[0]} s with one worker, {spread[1]} s with two."]
    times = sorted(one["times"].items(), key=lambda item: -item[1])
    shares = [f"{name} {100 * n / one['times']['all']:.0f} %" for name, n in times if name != "all"]
    lines += ["Where a worker's time goes: " + ", ".join(shares) + "."]
    return lines


def main() -> None:
    lines = ["# Benchmarks", "", "Written by `make bench`: medians of runs made one after the other on one machine,"]
    lines += [
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. Timings are never tests.",
        "",
    ]
    lines += [
        "Bookkeeping is what a worker spends on neither reading, stages nor copying images to the pack: joins, checks,"
    ]
    lines += [
        "digests, tables, fsync. `read` is inflating packages and reading images, `pack` is writing the images kept."
    ]
    lines += runs("Composed articles", composed(2000))
    lines += runs("Packages of realistic size (4.6 MB)", real_size(400))
    found = million(composed(2000))
    lines += ["", "## A changed threshold over a million rows", ""]
    lines += [f"{found['rows']:,} made-up rows, two workers: {found['seconds']:.1f} s; nothing is measured again."]
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

"""`make bench`: runs all benchmarks and writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from benchmarks.archives import archives
from benchmarks.browser import figures as curation
from benchmarks.corpora import composed, of_jpegs, real_size
from benchmarks.dictionary import dictionary
from benchmarks.executors import executors
from benchmarks.exports import exports
from benchmarks.fetching import fetching
from benchmarks.hashes import KEPT, hashes
from benchmarks.hashing import hashing
from benchmarks.heads import heads
from benchmarks.load import loading
from benchmarks.neighbours import neighbours
from benchmarks.readers import readers
from benchmarks.report import report
from benchmarks.scale import scale
from benchmarks.scoring import scoring
from benchmarks.screening_cost import screening
from benchmarks.search import search
from benchmarks.search_index import search_index
from benchmarks.select import select
from benchmarks.simulate import simulate
from benchmarks.threshold import threshold
from benchmarks.training import training
from benchmarks.umls_build import umls
from benchmarks.workers import runs

REPEATS = int(os.environ.get("ROCO_BENCH_REPEATS", "3"))
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


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
    lines += runs("Composed articles", composed(2000), REPEATS)
    lines += runs("Packages of realistic size (4.6 MB)", real_size(400), REPEATS)
    lines += executors(REPEATS)
    lines += threshold(REPEATS)
    lines += archives({"of incompressible members": real_size(400), "of JPEGs": of_jpegs(60)}, REPEATS)
    lines += readers(REPEATS)
    lines += hashing(REPEATS)
    lines += loading(REPEATS)
    lines += training(REPEATS)
    lines += heads(REPEATS)
    lines += neighbours(REPEATS)
    lines += screening(REPEATS)
    lines += scale(REPEATS)
    lines += hashes(KEPT)
    lines += simulate("small")
    lines += report(REPEATS)
    lines += fetching(REPEATS)
    lines += scoring(REPEATS)
    lines += dictionary(REPEATS)
    lines += curation()
    lines += umls(REPEATS)
    lines += select(REPEATS)
    lines += exports(REPEATS)
    lines += search(REPEATS)
    lines += search_index(REPEATS)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

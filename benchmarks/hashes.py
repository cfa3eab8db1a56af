"""Measures the stage `dedup` over made-up images: how long it takes, its memory, and that it misses no pair.

`python -m benchmarks.hashes` compares 16.3 million images, those of all articles; `… 188537`, which is part of `make
bench`, those that the paper compared.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import textwrap
import time
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.simulated import hexadecimal
from roco.base.schema import DROP
from roco.models.images.hamming import Hashes
from roco.models.images.near import WORDS, FineHashes, Pairs, near_pairs, parsed
from roco.release.precedence import PRECEDENCE_COLUMNS
from roco.stages.dedup import Dedup

KEPT, ALL = 188_537, 16_324_613
"""Images of the paper that were compared with each other, and all images of its articles."""

AT_ONCE = 1_000_000
"""Images that are made up together; texts of more do not fit into one array."""


def hashes(n: int) -> list[str]:
    """Times the stage `dedup` over n made-up images in a process of its own, and compares a sample with all images."""
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", "benchmarks.hashes", "--here", str(n)]
    facts = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    text = (
        f"The stage `dedup` over {n:,} made-up images: three fifths are random, the others copies of {n // 4:,} "
        f"images with 0 to 12 of 64 and 0 to 100 of 576 bits flipped; `python -m benchmarks.hashes {n}`. It "
        f"took {facts['seconds']:.0f} s, {facts['cpu']:.0f} s of CPU time and at most {facts['peak']:.1f} GB, of "
        f"which {facts['table']:.1f} GB are the table. "
        f"It found {facts['pairs']:,} pairs, {facts['dropped']:,} duplicates, and {facts['grouped']:,} images in "
        f"{facts['groups']:,} groups of near-duplicates. 200 images were compared with all others: no pair is missed "
        f"or wrong. Target for 16.3 million: 15 minutes on two cores and 8 GB. Load before: {load:.1f}."
    )
    return ["", f"## {n:,} images without duplicates", "", *textwrap.wrap(text, 120)]


def dedup(n: int) -> dict[str, Any]:
    """Runs the stage in this process; returns what it cost and found."""
    rows = made_up_images(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    compared: list[tuple[FineHashes, Pairs]] = []

    def recorded(hashes: Hashes, fine: FineHashes, *radii: int) -> Pairs:
        compared.append((fine, near_pairs(hashes, fine, *radii)))
        return compared[0][1]

    stage = Dedup()
    started, cpu = time.perf_counter(), time.process_time()
    with mock.patch("roco.stages.dedup.near_pairs", recorded):
        decided = stage(rows)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    group = decided["similar_group"]
    facts = {
        "seconds": seconds, "cpu": cpu, "peak": peak, "before": before, "table": rows.nbytes / 1e9,
        "dropped": n - decided["drop"].null_count, "grouped": n - group.null_count,
        "groups": pc.count_distinct(group).as_py(),
    }  # fmt: skip
    images, pairs = compared[0]
    coarse, fine = parsed(rows["phash"], 1)[images.rows, 0], images
    for at in np.random.default_rng(7).choice(len(coarse), 200, replace=False).tolist():
        bits = np.bitwise_count(coarse ^ coarse[at])
        near = np.flatnonzero(bits <= stage.similar_radius)
        words = fine.of(np.append(near, at))
        near = near[np.bitwise_count(words[:-1] ^ words[-1]).sum(axis=1) <= stage.similar_confirm]
        found = {*pairs.second[pairs.first == at].tolist(), *pairs.first[pairs.second == at].tolist()}
        assert found == set(near.tolist()) - {at}, f"image {at}: {found} instead of {near}"
    return facts | {"pairs": len(pairs.first)}


def made_up_images(n: int) -> pa.Table:
    """Returns what `dedup` reads of n images: two fifths are copies of n / 4 other images, with some bits flipped."""
    originals = np.random.default_rng(11).integers(0, 2**64, (n // 4, 1 + WORDS), np.uint64)
    starts = range(0, n, AT_ONCE)
    return pa.concat_tables(_some_images(start, min(AT_ONCE, n - start), originals) for start in starts)


def _some_images(start: int, n: int, originals: NDArray[np.uint64]) -> pa.Table:
    """Returns the images from a number on."""
    rng = np.random.default_rng(start)
    words = rng.integers(0, 2**64, (n, 1 + WORDS), np.uint64)
    copies = np.flatnonzero(rng.random(n) < 0.4)
    words[copies] = originals[rng.integers(0, len(originals), len(copies))]
    for most, columns in ((12, (0, 1)), (100, (1, 1 + WORDS))):
        flips = rng.integers(0, most + 1, len(copies))
        for at in range(most):
            some = copies[at < flips]
            word = rng.integers(*columns, len(some))
            words[some, word] ^= np.uint64(1) << rng.integers(0, 64, len(some)).astype(np.uint64)
    names = pc.utf8_lpad(pa.array(np.arange(start, start + n)).cast(pa.string()), 9, "0")
    joined = pc.binary_join_element_wise
    sizes = pa.array(rng.integers(400, 1200, n).astype(np.int32))
    table = {
        "figure_id": joined("PMC", names, "/f0/0", ""),
        "image_key": joined("PMC", names, "-key", ""),
        "sha256": hexadecimal(rng.integers(0, 2**64, (n, 4), np.uint64)),
        "archive": joined("oa_package/00/00/PMC", names, ".tar.gz", ""),
        "phash": hexadecimal(words[:, 0]),
        "phash_fine": hexadecimal(words[:, 1:]),
        "width": sizes,
        "height": sizes,
    }
    nothing = {**dict.fromkeys(PRECEDENCE_COLUMNS, pa.string()), **DROP}
    return pa.table({**{name: pa.nulls(n, kind) for name, kind in nothing.items()}, **table})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(dedup(int(sys.argv[2]))))
    else:
        print("\n".join(hashes(int(sys.argv[1]) if len(sys.argv) > 1 else ALL)))

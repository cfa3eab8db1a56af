"""Measures the exact search of nearest neighbours beside scikit-learn's, and a choice of k, power and threshold.

`python -m benchmarks.neighbours 3` runs only this, with three rounds.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

import roco
from roco.baselines import scores
from roco.baselines.neighbours.options import NeighbourOptions
from roco.baselines.neighbours.search import nearest, unit
from roco.baselines.neighbours.vote import Concepts, tune

INDEX, QUERIES, WIDTH, K = 60_000, 10_000, 1280, 100
CONCEPTS, OF_AN_IMAGE = 1947, 4
"""Concepts of the published ROCOv2, and about how many an image has."""


def neighbours(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    index, queries = drawn(INDEX, 0), drawn(QUERIES, 1)
    peer = NearestNeighbors(n_neighbors=K, algorithm="brute", metric="cosine").fit(index)
    work: dict[str, Callable[[], Any]] = {
        "roco": lambda: nearest(queries, index, K),
        "scikit-learn, brute, cosine": lambda: peer.kneighbors(queries),
    }
    before = os.getloadavg()[0]
    seconds: dict[str, list[float]] = {name: [] for name in work}
    found: dict[str, Any] = {}
    for _ in range(repeats):
        for name, do in work.items():
            started = time.perf_counter()
            found[name] = do()
            seconds[name].append(time.perf_counter() - started)
    ours, theirs = found.values()
    equal = (ours.positions == theirs[1]).mean()
    ratio = statistics.median(b / a for a, b in zip(*seconds.values(), strict=True))
    vocabulary = roco.Vocabulary(tuple(f"C{number:07d}" for number in range(CONCEPTS)))
    truths = [scores.truth_of(concepts(n, seed), vocabulary) for n, seed in ((INDEX, 2), (QUERIES, 3))]
    started = time.perf_counter()
    tune(ours, Concepts.of(truths[0]), truths[1], np.arange(QUERIES), NeighbourOptions(), vocabulary)
    tuning = time.perf_counter() - started
    options = NeighbourOptions()
    n_settings = len(options.k) * len(options.power) * len(options.thresholds)
    lines = ["", "## Nearest neighbours", ""]
    lines += [
        f"The {K} nearest of {INDEX:,} vectors of {WIDTH:,} numbers for each of {QUERIES:,} queries, exact, by cosine,",
        f"in turns (medians of {repeats}). The load of the machine before was {before:.1f} on {os.cpu_count()} cores.",
        "`python -m benchmarks.neighbours 3` runs only this section.",
        *("", "| | seconds |", "|---|---|"),
    ]
    lines += [f"| {name} | {statistics.median(times):.1f} |" for name, times in seconds.items()]
    lines += [
        "",
        f"scikit-learn takes {ratio:.2f} times as long; {equal:.3%} of the neighbours are the same at the same place",
        f"(it orders them by cosines in 32 bits). The choice among {n_settings:,} combinations of k, power, threshold",
        f"by the F1 of {QUERIES:,} images with {CONCEPTS:,} concepts takes {tuning:.0f} s.",
    ]
    return lines


def drawn(n: int, seed: int) -> NDArray[np.float32]:
    """Returns vectors of length 1."""
    return unit(np.random.default_rng(seed).standard_normal((n, WIDTH), np.float32))


def concepts(n: int, seed: int) -> list[list[str]]:
    """Returns the concepts of images; as in a real release, few are frequent."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, CONCEPTS + 1)
    members = rng.choice(CONCEPTS, (n, OF_AN_IMAGE), p=share / share.sum())
    return [[f"C{number:07d}" for number in sorted(set(row))] for row in members.tolist()]


if __name__ == "__main__":
    print("\n".join(neighbours(int(sys.argv[1]) if sys.argv[1:] else 3)))

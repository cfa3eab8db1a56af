"""Seeded samples: how many are drawn from each stratum, and which; that of the figures a stage kept and dropped."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from roco.base.errors import UsageError
from roco.curate.strata import DROPPED, KEPT, Judged

LEAST = 5
"""Figures that are drawn from each stratum, as far as it has them and the sample is large enough."""


class Drawn(NamedTuple):
    """A figure of the sample: its position among the judged figures, and its stratum."""

    row: int
    stratum: int


def draw(figures: Judged, n: int, seed: int) -> list[Drawn]:
    """Draws n kept and n dropped figures, or all where there are fewer; by stratum, in random order within each.

    The order within a stratum depends on the seed and on the ids alone. A larger sample with the same seed therefore
    contains the smaller one. Raises UsageError if a side has more strata than n.
    """
    drawn: list[Drawn] = []
    for decision in (KEPT, DROPPED):
        numbers = [number for number, stratum in enumerate(figures.strata) if stratum.decision == decision]
        if len(numbers) > n:
            message = f"too few figures for a sample: {n} of {len(numbers)} strata of {decision} figures (--n)"
            raise UsageError(message, f"draw one of each stratum at least: --n {len(numbers)}")
        shares = allocated([figures.strata[number].size for number in numbers], n)
        for number, share in zip(numbers, shares, strict=True):
            drawn += [Drawn(row, number) for row in _first(figures, number, share, seed)]
    return drawn


def allocated(sizes: Sequence[int], n: int) -> list[int]:
    """Divides a sample among strata in proportion to the square roots of their sizes.

    This lies between equal samples, which measure each stratum equally well, and proportional ones, which measure the
    total best where all strata are equally mixed: the power allocation of Bankier, "Power allocations: determining
    sample sizes for subnational areas", The American Statistician 42 (1988), with the power 1/2.
    """
    n = min(n, sum(sizes))
    least = min(LEAST, n // len(sizes)) if sizes else 0
    shares = [min(size, least) for size in sizes]
    while sum(shares) < n:
        # The next figure goes where the sample is smallest for its size, as in the method of Sainte-Laguë.
        open_strata = [number for number, size in enumerate(sizes) if shares[number] < size]
        neediest = max(open_strata, key=lambda number: math.sqrt(sizes[number]) / (2 * shares[number] + 1))
        shares[neediest] += 1
    return shares


def proportional(sizes: Sequence[int], n: int) -> list[int]:
    """Divides a sample of n among strata in proportion to their sizes, at least one of each.

    By the largest remainder: each stratum gets the whole part of its share, and what is left over goes to the largest
    fractions. Raises UsageError if there are fewer than n in all, or more strata than n.
    """
    if n > sum(sizes):
        raise UsageError(f"a sample of {n:,}, but only {sum(sizes):,} to draw from", f"draw at most {sum(sizes):,}")
    if n < len(sizes):
        raise UsageError(f"a sample of {n:,} from {len(sizes):,} strata", f"draw at least {len(sizes):,}, one of each")
    shares = [1] * len(sizes)
    # Strata whose share is less than one get one; the others divide the rest, which can make further shares so small.
    divided = list(range(len(sizes)))
    while True:
        rest, total = n - len(sizes) + len(divided), sum(sizes[number] for number in divided)
        large = [number for number in divided if sizes[number] * rest >= total]
        if len(large) == len(divided):
            break
        divided = large
    for number in divided:
        shares[number] = sizes[number] * rest // total
    by_remainder = sorted(divided, key=lambda number: -(sizes[number] * rest % total))
    for number in by_remainder[: n - sum(shares)]:
        shares[number] += 1
    return shares


def smallest(texts: Iterable[str], n: int) -> list[int]:
    """Returns the positions of the n texts with the smallest digests, in the order of these: a random choice of n.

    It depends on the texts alone, so a larger n contains the smaller one.
    """
    digests = ((hashlib.sha256(text.encode()).digest(), number) for number, text in enumerate(texts))
    return [number for _, number in heapq.nsmallest(n, digests)]


def _first(figures: Judged, stratum: int, n: int, seed: int) -> list[int]:
    """Returns the n rows of a stratum whose ids have the smallest digests with the seed."""
    members = figures.members[stratum]
    ids = figures.rows.select(["figure_id", "archive"]).take(pa.array(members))
    return members[smallest(_texts(ids, seed), n)].tolist()  # type: ignore[no-any-return]


def _texts(ids: pa.Table, seed: int) -> Iterator[str]:
    for batch in ids.to_batches(max_chunksize=100_000):
        for figure, archive in zip(batch["figure_id"].to_pylist(), batch["archive"].to_pylist(), strict=True):
            yield f"{seed}\n{figure}\n{archive}"
